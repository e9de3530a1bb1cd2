import { useMemo } from "preact/hooks";
import { Chip, DataTable, Estimate, Panel, PlotFigure } from "../../components";
import { Legend } from "../../components/Legend";
import { Light, type LightTone } from "../../components/Light";
import { Notes } from "../../components/Notes";
import { Reason } from "../../components/Reason";
import {
  countOptions,
  daysOf,
  exceedanceOptions,
  pitOptions,
  rankingOptions,
} from "../../drawing/backtest_plots";
import { binomialRange } from "../../drawing/binomial";
import { fixed, percent, pValue, ROLE } from "../../drawing/palette";
import type { BacktestRecord, BacktestRow, CoverageTest } from "../../records/backtest";
import { useUrlState } from "../../state";

const TESTS: Record<string, string> = {
  kupiec: "Kupiec",
  christoffersen_independence: "Christof\u00adfersen",
  conditional_coverage: "Both",
  dq: "Dynamic quantile",
  acerbi_szekely_z2: "Acerbi-Szekely",
};
const LIGHTS: Record<string, LightTone> = { green: "good", amber: "open", red: "bad" };
const YEAR = 250; // days that supervisors' zones are of

export function BacktestAnswer({ record }: { record: BacktestRecord }) {
  const [asked, setLevel] = useUrlState("level", 0.975);
  const level = record.levels.includes(asked) ? asked : (record.levels[0] ?? 0.975);
  const rows = record.rows.filter((row) => row.level === level);
  const samplers = rows.map((row) => row.sampler);
  const exceedances = useMemo(
    () => exceedanceOptions(record, level, samplers),
    [record, level],
  );
  const counts = useMemo(() => countOptions(rows), [record, level]);
  const [low, high] = binomialRange(record.span.n_days, 1 - level);
  const lately = (sampler: string) =>
    daysOf(record, sampler, level).slice(-YEAR).filter((day) => day.is_violation).length;
  return (
    <>
      <Panel
        title={`${record.span.first} to ${record.span.last}, ${record.span.n_days} days`}
        actions={
          <>
            {record.in_sample && <Chip tone="bad">in-sample: no evidence</Chip>}
            <div class="levels" role="group" aria-label="Level">
              {record.levels.map((one) => (
                <button
                  key={one}
                  type="button"
                  class="quiet"
                  aria-pressed={one === level}
                  onClick={() => setLevel(one)}
                >
                  {percent(one === 0.975 ? 1 : 0)(one)}
                </button>
              ))}
            </div>
          </>
        }
      >
        <Legend
          marks={[
            { name: "loss of the day", tone: ROLE.usual, shape: "line" },
            { name: `VaR ${percent(1)(level)} of the forecaster`, tone: ROLE.model, shape: "line" },
            { name: "violation: more was lost", tone: ROLE.bad },
          ]}
        />
        <PlotFigure
          options={exceedances}
          label={`Losses and VaR at ${percent(1)(level)} by forecaster`}
          summary={`Losses point up. A true forecaster has ${fixed(record.span.n_days * (1 - level), 1)} violations on average, and ${low} to ${high} in 95 of 100 such spans.`}
        />
        <div class="row">
          <div>
            <h3>Violations beside what a true forecaster has</h3>
            <PlotFigure
              options={counts}
              label="Violations by forecaster, with the central 95 % of a true forecaster"
            />
          </div>
          <div>
            <h3>Traffic light of the last {YEAR} days</h3>
            <ul class="lights">
              {rows.map((row) => (
                <li key={row.sampler}>
                  <Light tone={LIGHTS[row.traffic_light ?? ""] ?? "open"} />
                  <strong>{row.sampler}</strong>{" "}
                  <span>{row.traffic_light ?? "no light"}</span>
                  {row.traffic_light && (
                    <span class="faint">
                      {lately(row.sampler)} violations, {fixed(YEAR * (1 - level), 1)} expected
                    </span>
                  )}
                </li>
              ))}
            </ul>
            <p class="faint">
              Supervisors' zones: amber where a true forecaster has so many violations in at most 5 %
              of spans, red in at most 0.01 %.
            </p>
          </div>
        </div>
      </Panel>
      <TestTable rows={rows} level={level} />
      <Ranking record={record} rows={rows} level={level} />
      <Transforms record={record} />
    </>
  );
}

function TestTable({ rows, level }: { rows: BacktestRow[]; level: number }) {
  const names = Object.keys(TESTS).filter((name) => rows.some((row) => name in row.tests));
  const doubled = rows[0]?.power_2x ?? null;
  return (
    <Panel
      title={`Tests at ${percent(1)(level)}`}
      help={
        <p>
          Kupiec asks whether violations are as many as promised, Christoffersen whether they come in
          runs, the dynamic quantile whether yesterday tells them, Acerbi and Szekely whether ES is
          as large as promised. Shown are p-values, and below them those adjusted by Holm over all tests of a forecaster: it is
          rejected where an adjusted one is under 5 %. Power is the chance that Kupiec's test sees
          violations one and a half times, twice and thrice as frequent: without it, a test that is
          passed says little.
        </p>
      }
    >
      <DataTable
        caption={`Coverage tests at ${percent(1)(level)}`}
        columns={[
          { key: "sampler", title: "Forecaster", left: true },
          { key: "violations", title: "Violations" },
          ...names.map((name) => ({ key: name, title: TESTS[name] ?? name })),
          { key: "power", title: "Power: 1.5×, 2×, 3×" },
        ]}
        rows={rows.map((row) => ({
          sampler: row.sampler,
          violations: <Violations row={row} />,
          ...Object.fromEntries(names.map((name) => [name, <P key={name} test={row.tests[name]} />])),
          power: (
            <>
              {[row.power_1_5x, row.power_2x, row.power_3x]
                .map((power) => (power === null ? "n/a" : percent(0)(power)))
                .join(", ")}
            </>
          ),
        }))}
      />
      {doubled !== null && (
        <p class="faint">
          A forecaster with twice the violations is caught with {percent(0)(doubled)} chance on these
          days{doubled < 0.8 ? ": a pass is weak evidence." : "."}
        </p>
      )}
    </Panel>
  );
}

function Violations({ row }: { row: BacktestRow }) {
  const [low, high] = binomialRange(row.n_days, 1 - row.level);
  return (
    <span class="cell-stack">
      <span>{row.violations}</span>
      <span class="faint">
        true: {low} to {high}
      </span>
    </span>
  );
}

function P({ test }: { test: CoverageTest | null | undefined }) {
  if (!test || test.p === null) return <Reason short="n/a" why="too few violations for this test" />;
  return (
    <span class="cell-stack">
      <span class="verdict">
        {test.failed && <Light tone="bad" />}
        {pValue(test.p)}
        {test.failed && <span class="unseen"> rejected</span>}
      </span>
      <span class="faint">Holm {test.adjusted_p === null ? "n/a" : pValue(test.adjusted_p)}</span>
    </span>
  );
}

function Ranking({
  record,
  rows,
  level,
}: {
  record: BacktestRecord;
  rows: BacktestRow[];
  level: number;
}) {
  const ranked = useMemo(
    () => rows.filter((row) => row.fz0 !== null).sort((a, b) => (a.fz0 ?? 0) - (b.fz0 ?? 0)),
    [record, level],
  );
  const options = useMemo(() => rankingOptions(ranked), [ranked]);
  const few = "fewer than 5 violations are expected: no error, no test";
  return (
    <Panel
      title={`Who is better at ${percent(1)(level)}?`}
      help={
        <p>
          FZ0 scores VaR and ES together, in percent; lower is better. Diebold-Mariano tests the
          difference to {record.reference} on the same days. The 90 % confidence set holds the
          forecasters that these days cannot tell from the best.
        </p>
      }
    >
      {ranked.length === 0 ? (
        <p class="empty">There is no score at this level: {few}.</p>
      ) : (
        <>
          <PlotFigure
            options={options}
            label={`FZ0 by forecaster at ${percent(1)(level)}, 95 % intervals`}
            summary="The days are the same for all: intervals overlap more than the differences are uncertain. The test is in the table."
          />
          <DataTable
            caption="Forecasters by FZ0, best first"
            columns={[
              { key: "place", title: "Place" },
              { key: "sampler", title: "Forecaster", left: true },
              { key: "fz0", title: "FZ0" },
              { key: "dm", title: `against ${record.reference}` },
              { key: "set", title: "confidence set", left: true },
            ]}
            rows={ranked.map((row, i) => ({
              place: i + 1,
              sampler: row.sampler,
              fz0: (
                <>
                  <Estimate value={row.fz0} se={row.fz0_se} note={few} />
                  {row.fz0_se === null && <Reason short="no error" why={few} />}
                </>
              ),
              dm: <AgainstReference row={row} reference={record.reference} few={few} />,
              set:
                row.in_mcs === null ? (
                  <Reason short="n/a" why={few} />
                ) : row.in_mcs ? (
                  <Chip tone="good">in</Chip>
                ) : (
                  <Chip tone="bad">out</Chip>
                ),
            }))}
          />
        </>
      )}
      <Notes notes={record.notes} />
    </Panel>
  );
}

function AgainstReference(props: { row: BacktestRow; reference: string; few: string }) {
  const { row, reference, few } = props;
  if (row.sampler === reference) return <span class="faint">the reference</span>;
  if (row.dm_t === null || row.dm_p === null) return <Reason short="n/a" why={few} />;
  const word = row.dm_p >= 0.05 ? "open" : row.dm_t < 0 ? "better" : "worse";
  return (
    <span>
      {word} <span class="faint">t {fixed(row.dm_t, 2)}, p {pValue(row.dm_p)}</span>
    </span>
  );
}

function Transforms({ record }: { record: BacktestRecord }) {
  return (
    <Panel
      title="The whole law, day by day"
      help={
        <p>
          Where in its forecast law did each day's loss fall? Flat where the whole law is right; a
          hill where it is too wide, a valley where it is too narrow. The band holds 95 % of each bar
          of a true forecaster.
        </p>
      }
    >
      <div class="row">
        {Object.entries(record.pit).map(([sampler, pit]) => (
          <Transform key={sampler} sampler={sampler} counts={pit.counts} p={pit.p} />
        ))}
      </div>
    </Panel>
  );
}

function Transform({ sampler, counts, p }: { sampler: string; counts: number[]; p: number | null }) {
  const options = useMemo(() => pitOptions(counts), [counts]);
  return (
    <div>
      <h3>
        {sampler} <span class="faint">flat: p {p === null ? "n/a" : pValue(p)}</span>
      </h3>
      <PlotFigure options={options} label={`Probability transforms of ${sampler}`} />
    </div>
  );
}

