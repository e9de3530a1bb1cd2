/** Screen: candidates ranked and judged by criteria, beside what has no skill. */

import "./practice.css";
import { useRun } from "../answer_run";
import { Chip, Field, NumberField, Panel, RunButton, SelectField, Status } from "../components";
import { CriterionEditor } from "../components/CriterionEditor";
import { HistoryFields } from "../components/HistoryFields";
import {
  INITIAL,
  METRICS,
  spellCriteria,
  spellFigure,
  unspellCriteria,
  unspellFigure,
  universeOf,
} from "../criteria";
import type { Chosen } from "../model";
import type { ScreenRecord } from "../records/screen";
import { useUrlState } from "../state";
import { type Subject, useSubject } from "../subject";
import { ScreenAnswer } from "./screen/ScreenAnswer";

const DRIFTS = [
  { value: "neutral", label: "neutral: shape alone" },
  { value: "shrunk", label: "shrunk history" },
  { value: "equilibrium", label: "equilibrium" },
  { value: "model", label: "the model's own (mostly noise)" },
];
const SIDES = [
  { value: "long", label: "bought" },
  { value: "short", label: "sold" },
  { value: "long,short", label: "bought or sold" },
];

export function Screen({ chosen }: { chosen: Chosen }) {
  const subject = useSubject(chosen);
  return (
    <div class="view">
      <Status loading={subject.loading} error={subject.error} again={subject.again}>
        {subject.data && <Screened subject={subject.data} />}
      </Status>
    </div>
  );
}

function Screened({ subject }: { subject: Subject }) {
  const [criteria, setCriteria] = useUrlState("criteria", INITIAL);
  const [rankBy, setRankBy] = useUrlState("rank", "es(0.975)");
  const [universe, setUniverse] = useUrlState("universe", "");
  const [horizon, setHorizon] = useUrlState("screen-horizon", 21);
  const [drift, setDrift] = useUrlState("drift", "neutral");
  const [sides, setSides] = useUrlState("sides", "long");
  const [costs, setCosts] = useUrlState("costs", 10);
  const [paths, setPaths] = useUrlState("screen-paths", 5_000);
  const compared = universeOf(universe);
  const { portfolio: _, ...question } = subject.question;
  const spec = {
    ...(compared ? { universe: compared } : {}),
    horizon,
    criteria: unspellCriteria(criteria),
    rank_by: unspellFigure(rankBy) ?? { metric: "es" },
    directions: sides.split(","),
    drift_policy: drift,
    costs_bps: { default: costs },
    n_scenarios: paths,
  };
  const run = useRun<ScreenRecord>("/v1/screens", question, spec, "screen-asked");
  return (
    <>
      <Panel
        title="What is looked for"
        help={
          <p>
            All candidates are judged on one set of joint scenarios, net of costs. A screen is a list
            of hypotheses: what stands beside each figure is what generators and sorts without any
            skill would have said.
          </p>
        }
      >
        <div class="form-stack">
          <CriterionEditor
            criteria={unspellCriteria(criteria)}
            onChange={(changed) => setCriteria(spellCriteria(changed))}
          />
          <div class="form-row">
            <Field label="Candidates, or pairs as KO/PEP">
              {(id) => (
                <input
                  id={id}
                  type="text"
                  placeholder="all assets; or AAPL, KO/PEP"
                  value={universe}
                  onChange={(event) => setUniverse(event.currentTarget.value)}
                />
              )}
            </Field>
            <SelectField
              label="Ranked by"
              value={rankBy}
              options={METRICS.map((one) => {
                const read = unspellFigure(one.name) ?? { metric: one.name };
                return { value: spellFigure(read), label: one.title };
              })}
              onChange={setRankBy}
            />
            <SelectField label="Side" value={sides} options={SIDES} onChange={setSides} />
            <SelectField
              label="Expected returns"
              value={drift}
              options={DRIFTS}
              onChange={setDrift}
            />
            <NumberField
              label="Held for days"
              value={horizon}
              min={1}
              max={250}
              onChange={setHorizon}
            />
            <NumberField
              label="Cost of a trade, bp"
              value={costs}
              min={0}
              max={500}
              onChange={setCosts}
            />
            <NumberField
              label="Scenarios"
              value={paths}
              min={500}
              max={100_000}
              step={500}
              onChange={setPaths}
            />
            <HistoryFields />
            <RunButton onClick={run.ask} busy={run.isLoading}>
              Screen
            </RunButton>
            {run.isStale && !run.isLoading && (
              <Chip tone="warn">the table answers the question before</Chip>
            )}
          </div>
        </div>
      </Panel>
      <Status
        loading={run.isLoading}
        error={run.error}
        again={run.ask}
        empty="Set the criteria and screen: candidates in order, each with its verdict, its errors and what has no skill beside it."
      >
        {run.answer && (
          <ScreenAnswer
            record={run.answer.record}
            request={{ ...question, ...spec }}
            version={subject.version}
            tested={subject.tested}
          />
        )}
      </Status>
    </>
  );
}
