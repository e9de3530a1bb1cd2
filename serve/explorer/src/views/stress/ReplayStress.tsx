import { useMemo } from "preact/hooks";
import { get } from "../../api";
import { useRun } from "../../answer_run";
import { Chip, DataTable, Panel, PlotFigure, RunButton, SelectField, Status } from "../../components";
import { HistoryFields } from "../../components/HistoryFields";
import { KeyFigure, KeyFigures } from "../../components/KeyFigures";
import { Notes } from "../../components/Notes";
import { Reason } from "../../components/Reason";
import { RecordedEstimate } from "../../components/RecordedEstimate";
import { fixed, percent } from "../../drawing/palette";
import { replayedAssetsOptions, replayOptions } from "../../drawing/stress_plots";
import type { ReplayRecord } from "../../records/stress";
import { useQuery, useUrlState } from "../../state";
import type { Subject } from "../../subject";

interface Window {
  name: string;
  first: string;
  last: string;
  title: string;
}

/** What would that crisis do to today's portfolio? */
export function ReplayStress({ subject }: { subject: Subject }) {
  const windows = useQuery("windows", (signal) => get<{ windows: Window[] }>("/v1/limits", signal));
  const [name, setName] = useUrlState("window", "2008-lehman");
  const run = useRun<ReplayRecord>("/v1/stress", subject.jobQuestion, { replay: name }, "replay-asked");
  const options = (windows.data?.windows ?? []).map((one) => ({
    value: one.name,
    label: `${one.first.slice(0, 4)}: ${one.title}`,
  }));
  return (
    <>
      <Panel
        title="What would that crisis do to this portfolio?"
        help={
          <p>
            The window's own returns are applied to today's weights; beside them stand paths that
            the model draws from the state of the market at the window's first close. The second
            says how unusual the course was for what was known then. Windows outside the data are
            refused: choose prices that reach back.
          </p>
        }
      >
        <div class="form-row">
          <SelectField
            label="Crisis"
            value={name}
            options={options.length > 0 ? options : [name]}
            onChange={setName}
          />
          <HistoryFields dated={false} />
          <RunButton onClick={run.ask} busy={run.isLoading}>
            Replay it
          </RunButton>
          {run.isStale && !run.isLoading && <Chip tone="warn">the answer is to the question before</Chip>}
        </div>
      </Panel>
      <Status
        loading={run.isLoading}
        error={run.error}
        again={run.ask}
        empty="Choose a crisis of the past and replay it on this portfolio."
      >
        {run.answer && <ReplayAnswer record={run.answer.record} />}
      </Status>
    </>
  );
}

function ReplayAnswer({ record }: { record: ReplayRecord }) {
  const assets = useMemo(
    () => Object.keys(record.assets).sort((a, b) => (record.assets[a] ?? 0) - (record.assets[b] ?? 0)),
    [record],
  );
  const options = useMemo(() => replayOptions(record), [record]);
  const bars = useMemo(() => replayedAssetsOptions(record, assets), [assets, record]);
  const once = <Reason short="happened once: no error" why={record.errors} />;
  return (
    <Panel title={`${record.title}: ${record.first} to ${record.last}, ${record.n_steps} days`}>
      <KeyFigures>
        <KeyFigure name="This portfolio" beside={once}>
          <span class="figure">{percent(1)(record.portfolio_return)}</span>
        </KeyFigure>
        <KeyFigure name="Deepest fall on the way" beside={once}>
          <span class="figure">{percent(1)(-record.max_drawdown)}</span>
        </KeyFigure>
        <KeyFigure name="The model, from the same close" beside="its worst 5 % begin here">
          <RecordedEstimate
            figure={record.regenerated?.q05}
            missing="the model cannot be put to that day"
          />
        </KeyFigure>
        <KeyFigure name="As bad, for the model" beside={range(record)}>
          {record.as_bad?.estimate === 0 ? (
            `none of ${fixed(record.as_bad.n, 0)} paths`
          ) : (
            <RecordedEstimate figure={record.as_bad} missing="the model cannot be put to that day" />
          )}
        </KeyFigure>
      </KeyFigures>
      <PlotFigure
        options={options}
        label={`What came beside what the model had drawn from ${record.first}`}
        summary="Bar: 5 % to 95 % of the model's paths from that close, edges and median with their 95 % intervals; diamond: what came, once, without an error."
      />
      <h3>Each asset, then</h3>
      <PlotFigure options={bars} label={`Return of each asset, ${record.first} to ${record.last}`} />
      <details class="numbers">
        <summary>Numbers</summary>
        <DataTable
          caption="Each asset in the window"
          columns={[
            { key: "asset", title: "Asset" },
            { key: "own", title: "Return" },
            { key: "adds", title: "Adds to the portfolio" },
          ]}
          rows={assets.map((asset) => ({
            asset,
            own: percent(2)(record.assets[asset] ?? 0),
            adds: percent(2)(record.contributions[asset] ?? 0),
          }))}
        />
      </details>
      <Notes notes={[record.errors, ...record.notes]} />
    </Panel>
  );
}

function range({ as_bad: share }: ReplayRecord): string | undefined {
  if (!share?.ci) return undefined;
  return `95 %: ${fixed(100 * share.ci[0], 2)} to ${fixed(100 * share.ci[1], 2)} %`;
}
