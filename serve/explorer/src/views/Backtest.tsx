/** Backtest: the VaR and ES of every day against what happened, beside the baselines. */

import "./practice.css";
import { NumberField, Panel, RunButton, SelectField, Status } from "../components";
import { BaselineField } from "../components/BaselineField";
import { DateField } from "../components/DateField";
import { HistoryFields } from "../components/HistoryFields";
import { JobStatus } from "../components/JobStatus";
import { hasEnded, useJob } from "../job_work";
import type { Chosen } from "../model";
import type { BacktestRecord } from "../records/backtest";
import { useUrlState } from "../state";
import { type Subject, useSubject } from "../subject";
import { BacktestAnswer } from "./backtest/BacktestAnswer";

const BASELINES = ["fhs-gjr", "historical", "fhs-ewma", "garch-t", "t-copula", "gaussian"];
const NEEDS_A_DAY = "A baseline is fitted anew on the 1,500 rows before each stretch of days: choose a first day after them.";
const HORIZONS = [
  { value: "1", label: "one day" },
  { value: "10", label: "ten days, overlapping" },
];

export function Backtest({ chosen }: { chosen: Chosen }) {
  const subject = useSubject(chosen);
  return (
    <div class="view">
      <Status loading={subject.loading} error={subject.error} again={subject.again}>
        {subject.data && <Tested subject={subject.data} />}
      </Status>
    </div>
  );
}

function Tested({ subject }: { subject: Subject }) {
  const [first, setFirst] = useUrlState("first", "");
  const [last, setLast] = useUrlState("last", "");
  const [horizon, setHorizon] = useUrlState("backtest-horizon", "1");
  const [paths, setPaths] = useUrlState("backtest-paths", 2_000);
  const [beside, setBeside] = useUrlState("backtest-beside", "fhs-gjr,historical");
  const work = useJob<BacktestRecord>("backtest", subject.version);
  const runs = work.job !== null && !hasEnded(work.job);
  const start = () =>
    work.start({
      ...subject.jobQuestion,
      ...(subject.tested === "" ? {} : { prices: subject.tested }),
      ...(first === "" ? {} : { first }),
      ...(last === "" ? {} : { last }),
      horizon: Number(horizon),
      n_paths: paths,
      baselines: beside.split(",").filter(Boolean),
    });
  return (
    <>
      <Panel
        title="Would it have told?"
        help={
          <p>
            Each day is forecast from the rows before it and no others. Days that the model was
            trained on are refused
            {subject.fittedUntil && `: it was trained until ${subject.fittedUntil}`}; choose prices
            that reach beyond. Baselines are fitted on 1,500 rows, again after every 63.
          </p>
        }
      >
        <div class="form-row">
          <HistoryFields dated={false} initial={subject.tested} />
          <DateField label="First day" value={first} onChange={setFirst} />
          <DateField label="Last day" value={last} onChange={setLast} />
          <SelectField
            label="Losses over"
            value={horizon}
            options={HORIZONS}
            onChange={setHorizon}
          />
          <NumberField
            label="Scenarios a day"
            value={paths}
            min={100}
            max={100_000}
            step={500}
            onChange={setPaths}
          />
          <BaselineField known={BASELINES} value={beside} onChange={setBeside} />
          <RunButton onClick={start} busy={runs}>
            Backtest
          </RunButton>
        </div>
        <JobStatus
          work={work}
          empty={`No backtest of this model is on record. ${subject.lack ?? (subject.fittedUntil === null ? NEEDS_A_DAY : "One of two years takes about a minute; it goes on when you leave the page.")}`}
        />
      </Panel>
      {work.result && (
        <div class={runs ? "stale" : ""}>
          <BacktestAnswer record={work.result} />
        </div>
      )}
    </>
  );
}
