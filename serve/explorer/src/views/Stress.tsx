/** Stress: what goes with a shock, a crisis once more, the ways to lose so much. */

import "./practice.css";
import { Status } from "../components";
import { Tabs } from "../components/Tabs";
import { useUrlState } from "../state";
import type { Chosen } from "../model";
import { useSubject } from "../subject";
import { ReplayStress } from "./stress/ReplayStress";
import { ReverseStress } from "./stress/ReverseStress";
import { ShockStress } from "./stress/ShockStress";

const WAYS = [
  { value: "shock", label: "A shock" },
  { value: "replay", label: "A crisis once more" },
  { value: "reverse", label: "Ways to lose" },
];

export function Stress({ chosen }: { chosen: Chosen }) {
  const [way, setWay] = useUrlState("stress", "shock");
  const { data: subject, loading, error, again } = useSubject(chosen);
  return (
    <Status loading={loading} error={error} again={again}>
      {subject && (
        <Tabs label="Kind of stress" tabs={WAYS} value={way} onChange={setWay}>
          {way === "replay" ? (
            <ReplayStress subject={subject} />
          ) : way === "reverse" ? (
            <ReverseStress subject={subject} />
          ) : (
            <ShockStress subject={subject} />
          )}
        </Tabs>
      )}
    </Status>
  );
}
