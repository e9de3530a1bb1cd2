import { useMemo } from "preact/hooks";
import { useRun } from "../../answer_run";
import {
  Chip,
  DataTable,
  NumberField,
  Panel,
  PlotFigure,
  RunButton,
  SliderField,
  Status,
} from "../../components";
import { Analogues } from "../../components/Analogues";
import { EffectivePaths } from "../../components/EffectivePaths";
import { HistoryFields } from "../../components/HistoryFields";
import { Legend } from "../../components/Legend";
import { Notes } from "../../components/Notes";
import { PoolField } from "../../components/PoolField";
import { PlausibilityDial, words } from "../../components/PlausibilityDial";
import { RecordedEstimate } from "../../components/RecordedEstimate";
import { dotted, dottedOptions } from "../../drawing/dotted_rows";
import { fixed, MODES, percent } from "../../drawing/palette";
import { coursesOptions } from "../../drawing/stress_plots";
import type { LossMode, ReverseRecord } from "../../records/stress";
import { useUrlState } from "../../state";
import type { Subject } from "../../subject";

/** How may so much be lost? */
export function ReverseStress({ subject }: { subject: Subject }) {
  const [loss, setLoss] = useUrlState("loss", 0.15);
  const [horizon, setHorizon] = useUrlState("stress-horizon", 20);
  const [pool, setPool] = useUrlState("pool", "20000");
  const asked = { loss, horizon, n_paths: Number(pool) };
  const run = useRun<ReverseRecord>("/v1/stress/reverse", subject.question, asked, "reverse-asked");
  return (
    <>
      <Panel
        title="How may so much be lost?"
        help={
          <p>
            Losing paths are drawn from the model, under moved noise where its own are too few, each
            weighted exactly. Those on which the same positions make the loss, as suddenly, are one
            way. Ways that a valley in their density does not part are pieces of one cloud, and are
            called parts.
          </p>
        }
      >
        <div class="form-row">
          <SliderField
            label="Loss of at least"
            value={loss}
            min={0.02}
            max={0.4}
            step={0.01}
            format={percent(0)}
            onChange={setLoss}
          />
          <NumberField label="within days" value={horizon} min={1} max={250} onChange={setHorizon} />
          <PoolField value={pool} onChange={setPool} />
          <HistoryFields />
          <RunButton onClick={run.ask} busy={run.isLoading}>
            Find the ways
          </RunButton>
          {run.isStale && !run.isLoading && <Chip tone="warn">the answer is to the question before</Chip>}
        </div>
      </Panel>
      <Status
        loading={run.isLoading}
        error={run.error}
        again={run.ask}
        empty="Choose a loss: the ways that lead to it, how probable each is and who makes it will stand here."
      >
        {run.answer && <ReverseAnswer record={run.answer.record} />}
      </Status>
    </>
  );
}

function ReverseAnswer({ record }: { record: ReverseRecord }) {
  const word = record.is_distinct ? "way" : "part";
  const courses = useMemo(() => coursesOptions(record.modes, MODES), [record]);
  return (
    <>
      <Panel
        title={`Losing ${percent(0)(record.request.loss)} within ${record.request.horizon} days`}
        actions={
          <Chip tone={record.is_distinct ? "model" : "plain"}>
            {record.is_distinct
              ? `${record.modes.length} distinct ways`
              : `one cloud, shown in ${record.modes.length} parts`}
          </Chip>
        }
      >
        <div class="plausible">
          <div>
            <PlausibilityDial probability={record.probability} />
            <p class="dial-words">
              <strong>{words(record.probability.estimate ?? 0)}</strong>{" "}
              <RecordedEstimate figure={record.probability} />
            </p>
            <p class="faint">model-implied, within {record.request.horizon} days</p>
          </div>
          <div>
            <EffectivePaths
              ess={record.ess}
              needed={record.request.min_ess}
              drawn={record.n_drawn}
              kept={record.n_paths}
              method={record.method}
            />
          </div>
          <div>
            <h3>The same loss elsewhere</h3>
            <dl class="pairs">
              {record.elsewhere.map((one) => (
                <div key={one.name}>
                  <dt>{one.name}</dt>
                  <dd>
                    <RecordedEstimate figure={one.probability} />
                  </dd>
                  {one.windows.length > 0 && (
                    <dd class="faint">worst from {one.windows.slice(0, 3).join(", ")}</dd>
                  )}
                </div>
              ))}
            </dl>
          </div>
        </div>
        <Notes notes={record.notes} tone={record.is_distinct ? "plain" : "warn"} />
      </Panel>
      <Panel title={`The most central path of each ${word}`}>
        <Legend
          marks={record.modes.map((mode, i) => ({
            name: `${i + 1}: ${mode.name}`,
            tone: MODES[i % MODES.length] ?? "",
            shape: "line",
          }))}
        />
        <PlotFigure
          options={courses}
          label={`Value of the portfolio on the most central losing path of each ${word}`}
          summary="One path each, as an example: it is no forecast and has no error; the figures below are of all paths of a part."
        />
      </Panel>
      <div class="modes">
        {record.modes.map((mode, i) => (
          <Mode key={mode.name} mode={mode} number={i + 1} word={word} />
        ))}
      </div>
    </>
  );
}

function Mode({ mode, number, word }: { mode: LossMode; number: number; word: string }) {
  const tone = MODES[(number - 1) % MODES.length] ?? "";
  const ranked = useMemo(
    () =>
      Object.entries(mode.contributions).sort(
        ([, a], [, b]) => (b.estimate ?? 0) - (a.estimate ?? 0),
      ),
    [mode],
  );
  const options = useMemo(
    () =>
      dottedOptions({
        rows: ranked.slice(0, 8).map(([asset, figure]) => dotted(asset, "part", figure)),
        series: [{ name: "part", tone }],
        label: "loss it makes →",
        format: percent(1),
      }),
    [ranked, tone],
  );
  return (
    <Panel title={`${word === "way" ? "Way" : "Part"} ${number}: ${mode.name}`}>
      <dl class="pairs">
        <Pair name="share of the losing paths" figure={mode.share} digits={1} />
        <Pair name="probability" figure={mode.probability} digits={3} />
        <Pair name="mean loss" figure={mode.loss} digits={1} />
        <Pair name="of it on the worst day" figure={mode.worst_step} digits={1} />
        {mode.common && <Pair name="of it by the common factor" figure={mode.common} digits={1} />}
        <div>
          <dt>half lost by day</dt>
          <dd>
            <RecordedEstimate figure={mode.half_by} percent={false} digits={1} />
          </dd>
        </div>
      </dl>
      <PlotFigure options={options} label={`Who makes the loss in ${word} ${number}: the eight largest`} />
      <details class="numbers">
        <summary>All positions</summary>
        <DataTable
          caption={`Contributions to the loss of ${word} ${number}`}
          columns={[
            { key: "asset", title: "Asset" },
            { key: "adds", title: "Loss it makes" },
            { key: "path", title: "Its return on the central path" },
          ]}
          rows={ranked.map(([asset, figure]) => ({
            asset,
            adds: <RecordedEstimate figure={figure} />,
            path: percent(1)(mode.path.assets[asset] ?? 0),
          }))}
        />
      </details>
      <h3>Most alike in history</h3>
      <Analogues windows={mode.nearest} />
      {mode.noise_percentile !== null && (
        <p class="faint">noise at percentile {fixed(100 * mode.noise_percentile, 0)} (50 is typical)</p>
      )}
    </Panel>
  );
}

function Pair({ name, figure, digits }: { name: string; figure: LossMode["share"]; digits: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <RecordedEstimate figure={figure} digits={digits} />
      </dd>
    </div>
  );
}
