/** Fidelity: what the card says of the model, its gates, and an evaluation beside the baselines. */

import "./practice.css";
import { get } from "../api";
import { Panel, Status } from "../components";
import type { Chosen } from "../model";
import type { ModelRecord } from "../records/fidelity";
import { useQuery } from "../state";
import { useSubject } from "../subject";
import { CardPanels } from "./fidelity/CardPanels";
import { Evaluation } from "./fidelity/Evaluation";

export function Fidelity({ chosen }: { chosen: Chosen }) {
  const { reference, entry } = chosen;
  const subject = useSubject(chosen);
  const card = useQuery(entry === null ? null : `card ${entry.model}`, (signal) =>
    get<ModelRecord>(`/v1/models/${encodeURIComponent(reference)}`, signal),
  );
  return (
    <div class="view">
      {entry === null ? (
        <Panel title="The card">
          <p class="faint">
            {reference} is a classical baseline: it is fitted, not trained, and has no card and no
            gates. It stands beside the model in every evaluation of a trained one.
          </p>
        </Panel>
      ) : (
        <Status
          loading={card.loading}
          error={card.error}
          again={card.again}
          empty="This version has no card."
        >
          {card.data?.card && <CardPanels card={card.data.card} />}
        </Status>
      )}
      {entry !== null && (
        <Status loading={subject.loading} error={subject.error} again={subject.again}>
          {subject.data && <Evaluation subject={subject.data} />}
        </Status>
      )}
    </div>
  );
}
