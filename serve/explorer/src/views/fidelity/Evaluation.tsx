import { useMemo } from "preact/hooks";
import { Chip, DataTable, Estimate, NumberField, Panel, PlotFigure, RunButton } from "../../components";
import { BaselineField } from "../../components/BaselineField";
import { DateField } from "../../components/DateField";
import { HistoryFields } from "../../components/HistoryFields";
import { JobStatus } from "../../components/JobStatus";
import { Legend, type Mark } from "../../components/Legend";
import { Notes } from "../../components/Notes";
import { Reason } from "../../components/Reason";
import { type Series, seriesOf } from "../../drawing/dotted_rows";
import { factOptions, factRows, scoreOptions, scoreRows } from "../../drawing/fidelity_plots";
import { fixed, INK, ROLE } from "../../drawing/palette";
import { hasEnded, useJob } from "../../job_work";
import type { EvaluationRecord, Metric, Score } from "../../records/fidelity";
import { useUrlState } from "../../state";
import type { Subject } from "../../subject";

const BASELINES = ["fhs-gjr", "block-bootstrap", "historical", "garch-t", "t-copula", "gaussian"];

/** The job that scores the model anew, on days that it was not trained on. */
export function Evaluation({ subject }: { subject: Subject }) {
  const [first, setFirst] = useUrlState("first", "");
  const [last, setLast] = useUrlState("last", "");
  const [paths, setPaths] = useUrlState("evaluate-paths", 128);
  const [beside, setBeside] = useUrlState("evaluate-beside", "fhs-gjr,block-bootstrap,historical");
  const work = useJob<EvaluationRecord>("evaluate", subject.version);
  const runs = work.job !== null && !hasEnded(work.job);
  const start = () =>
    work.start({
      model: subject.model,
      ...(subject.tested === "" ? {} : { prices: subject.tested }),
      ...(first === "" ? {} : { first }),
      ...(last === "" ? {} : { last }),
      n_paths: paths,
      baselines: beside.split(",").filter(Boolean),
    });
  return (
    <>
      <Panel
        title="Evaluate it anew"
        help={
          <p>
            Forecasts from up to 200 starting days are scored, and 24 histories as long as the span
            are compared with the market in stylised facts. Only days after training are a test
            {subject.fittedUntil && `: it was trained until ${subject.fittedUntil}`}; prices must
            reach beyond.
          </p>
        }
      >
        <div class="form-row">
          <HistoryFields dated={false} initial={subject.tested} />
          <DateField label="First day" value={first} onChange={setFirst} />
          <DateField label="Last day" value={last} onChange={setLast} />
          <NumberField
            label="Scenarios a day"
            value={paths}
            min={100}
            max={2_000}
            step={50}
            onChange={setPaths}
          />
          <BaselineField known={BASELINES} value={beside} onChange={setBeside} />
          <RunButton onClick={start} busy={runs}>
            Evaluate
          </RunButton>
        </div>
        <JobStatus
          work={work}
          empty={`No evaluation of this model is on record. ${subject.lack ?? "It takes about a minute for two years of days."}`}
        />
      </Panel>
      {work.result && (
        <div class={runs ? "stale" : ""}>
          <Scored record={work.result} />
        </div>
      )}
    </>
  );
}

function Scored({ record }: { record: EvaluationRecord }) {
  const scores = record.metrics.filter((metric) => metric.group === "scores");
  const facts = record.metrics.filter((metric) => metric.group !== "scores");
  const samplers = record.rows.map((row) => row.sampler);
  const series = seriesOf(samplers);
  const others = series.filter((one) => one.name !== record.reference);
  const scorePlot = useMemo(
    () => scoreOptions(scoreRows(record, scores), others, record.reference),
    [record],
  );
  const factSeries = useMemo(
    () => [...series, { name: "floor", tone: INK.muted, isBand: true }],
    [record],
  );
  const drawn = useMemo(() => factRows(record, facts), [record]);
  const factPlot = useMemo(() => factOptions(drawn, factSeries), [drawn, factSeries]);
  const undrawn = facts.filter((metric) => !drawn.some((row) => row.name === metric.title));
  return (
    <>
      <Panel
        title={`Forecasts, ${record.span.first} to ${record.span.last}`}
        help={
          <p>
            Proper scores: lower is better. Each dot is the mean difference to {record.reference} on
            the same days, as a share of its score; the line is the 95 % interval by Newey and West.
            A line that crosses zero settles nothing. Each is for itself: {scores.length} are shown.
          </p>
        }
        actions={
          record.in_sample ? (
            <Chip tone="bad">in-sample: no evidence</Chip>
          ) : (
            <Chip tone="good">{record.span.n_days} days after training</Chip>
          )
        }
      >
        <Legend marks={others.map(markOf)} />
        <PlotFigure
          options={scorePlot}
          label={`Scores of forecasts beside ${record.reference}`}
          summary={finding(record, scores)}
        />
        <MetricTable record={record} metrics={scores} />
      </Panel>
      <Panel
        title="Stylised facts"
        help={
          <p>
            How far simulated histories are from the market's one history. The shaded band
            is the floor: what {record.floor?.process ?? "a known process"} scores against its own
            histories, 10 % to 90 %. A figure below the band is no merit, one far above it is a
            fault.
          </p>
        }
      >
        <Legend
          marks={[
            ...series.map(markOf),
            { name: "floor and its band", tone: ROLE.usual, shape: "band" },
          ]}
        />
        <PlotFigure
          options={factPlot}
          label="Stylised facts in spreads of the sampling floor"
          summary={
            undrawn.length > 0
              ? `Without a floor, in the table alone: ${undrawn.map((metric) => metric.title).join("; ")}.`
              : undefined
          }
        />
        <MetricTable record={record} metrics={facts} />
        <Notes notes={record.notes} />
      </Panel>
    </>
  );
}

function markOf({ name, tone, symbol }: Series): Mark {
  return { name, tone, shape: symbol };
}

function finding(record: EvaluationRecord, metrics: Metric[]): string {
  const model = record.rows.find((row) => row.sampler === "model") ?? record.rows[0];
  const ts = metrics.flatMap((metric) => model?.values[metric.name]?.t ?? []);
  const better = ts.filter((t) => t < -1.96).length;
  const worse = ts.filter((t) => t > 1.96).length;
  return `Of ${ts.length} scores the model is better than ${record.reference} beyond its error in ${better}, worse in ${worse}; the other ${ts.length - better - worse} are open.`;
}

function MetricTable({ record, metrics }: { record: EvaluationRecord; metrics: Metric[] }) {
  const floor = record.floor?.values ?? {};
  const real = record.real_against_real?.values ?? {};
  const isScores = metrics[0]?.group === "scores";
  return (
    <details class="numbers">
      <summary>Numbers</summary>
      <DataTable
        caption={isScores ? "Scores of forecasts, by sampler" : "Stylised facts, by sampler"}
        columns={[
          { key: "title", title: "Figure", left: true },
          ...record.rows.map((row) => ({ key: row.sampler, title: row.sampler })),
          ...(isScores
            ? []
            : [
                { key: "floor", title: "floor, 10 to 90 %" },
                { key: "real", title: "real against real" },
              ]),
        ]}
        rows={metrics.map((metric) => {
          const band = floor[metric.name];
          return {
            title: `${metric.title}${metric.better === "higher" ? " (higher is better)" : ""}`,
            ...Object.fromEntries(
              record.rows.map((row) => [
                row.sampler,
                <ScoreCell key={row.sampler} score={row.values[metric.name]} isScore={isScores} />,
              ]),
            ),
            floor:
              band && band.p10 !== null && band.p90 !== null ? (
                `${fixed(band.p10, 3)} to ${fixed(band.p90, 3)}`
              ) : (
                <Reason short="n/a" why="no floor is known for this figure" />
              ),
            real:
              real[metric.name] == null ? (
                <Reason short="n/a" why="half a span is too short for it" />
              ) : (
                fixed(real[metric.name] ?? 0, 3)
              ),
          };
        })}
      />
      {!isScores && (
        <p class="faint">
          A fact is of one span of the market and has no standard error; the floor's band says how
          far a true model would be from it by chance.
        </p>
      )}
    </details>
  );
}

function ScoreCell({ score, isScore }: { score: Score | undefined; isScore: boolean }) {
  if (!score || score.estimate === null) {
    return <Reason short="n/a" why={score?.note ?? "the data are too thin for it"} />;
  }
  if (!isScore) return <>{fixed(score.estimate, 3)}</>;
  return (
    <span class="cell-stack">
      <Estimate value={score.estimate} se={score.standard_error} note="too few days" />
      {score.t !== null && score.difference !== 0 && (
        <span class="faint">t {fixed(score.t, 2)}</span>
      )}
    </span>
  );
}
