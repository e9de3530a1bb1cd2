/** What the next days may look like: fan, single paths, their explanation, the file itself. */

import { useMemo, useState } from "preact/hooks";
import { download, post, type ProblemDocument } from "../api";
import {
  Chip, Code, DataTable, Estimate, Failed, Field, NumberField, Panel, PlotFigure, RunButton, SelectField, Status,
} from "../components";
import { fanOptions, type PathPoint, type Point } from "../drawing/fan";
import { fixed } from "../drawing/palette";
import { type Chosen, type Series, useHistory } from "../model";
import type { Explanation, Figure, Summary } from "../records/summary";
import { measureName, type RiskRecord } from "../records/risk";
import { problemOf, useQuery, useUrlState } from "../state";
import { usePortfolio } from "../weights";

const FORMATS = [
  { value: "parquet", label: "Parquet", media: "application/vnd.apache.parquet" },
  { value: "arrow", label: "Arrow", media: "application/vnd.apache.arrow.stream" },
  { value: "csv", label: "CSV", media: "text/csv" },
  { value: "json", label: "JSON", media: "application/json" },
];
const SUFFIX: Record<string, string> = { parquet: "parquet", arrow: "arrows", csv: "csv", json: "json" };
const DAY = 86_400_000;

export function Explore({ chosen }: { chosen: Chosen }) {
  const [subject, setSubject] = useUrlState<string>("subject", "portfolio");
  const [horizon, setHorizon] = useUrlState("horizon", 20);
  const [nPaths, setPaths] = useUrlState("paths", 10_000);
  const [seed, setSeed] = useUrlState("seed", 0);
  const [isSpaghetti, setSpaghetti] = useUrlState("single", false);
  const [picked, pick] = useUrlState("path", -1);
  const [portfolio, text, setText] = usePortfolio();
  const history = useHistory(chosen.reference, chosen.entry !== null);
  const assets = chosen.entry?.assets ?? [];
  const body = {
    model: chosen.reference,
    horizon,
    n_paths: nPaths,
    seed,
    ...(portfolio ? { portfolio } : {}),
    ...(subject === "portfolio" ? { assets: assets.slice(0, 6) } : { assets: [subject] }),
  };
  const asked = { ...body, assets: body.assets.length ? body.assets : undefined };
  const question = JSON.stringify(asked);
  const summary = useQuery(question, (signal) => post<Summary>("/v1/scenarios/summary", asked, signal));
  const options = ["portfolio", ...(assets.length ? assets : Object.keys(summary.data?.start_prices ?? {}))];

  return (
    <>
      <Headline chosen={chosen} portfolio={portfolio} seed={seed} />
      <Panel title="Asked">
        <div class="controls">
          <SelectField label="Shown" value={subject} options={options} onChange={setSubject} />
          <NumberField label="Horizon, steps" value={horizon} min={1} max={252} onChange={setHorizon} />
          <NumberField label="Scenarios" value={nPaths} min={500} max={100_000} step={500} onChange={setPaths} />
          <NumberField label="Seed" value={seed} min={0} onChange={setSeed} />
          <Field label="Portfolio" hint="AAPL:0.6, KO:0.4; empty: equal weights">
            {(id) => <input id={id} type="text" value={text} onChange={(event) => setText(event.currentTarget.value)} />}
          </Field>
        </div>
      </Panel>
      <Panel
        title={`${subject === "portfolio" ? "The portfolio" : subject} from ${summary.data?.as_of ?? "today"} on`}
        help="Each shade holds the middle 98, 90 and 50 % of the scenarios; the line is their median, and the band on it its own error at 95 %: another seed and another training. Grey is what happened before."
        actions={
          <button type="button" class="quiet" aria-pressed={isSpaghetti} onClick={() => setSpaghetti(!isSpaghetti)}>
            Single paths
          </button>
        }
      >
        <Status loading={summary.loading} error={summary.error} again={summary.again}>
          {summary.data && summary.data.fan[subject] && (
            <FanFigure
              summary={summary.data}
              subject={subject}
              history={history.data}
              portfolio={portfolio}
              picked={isSpaghetti && picked >= 0 ? picked : null}
              isSpaghetti={isSpaghetti}
            />
          )}
        </Status>
        {isSpaghetti && summary.data && (
          <PathPicker summary={summary.data} subject={subject} picked={picked} pick={pick} />
        )}
      </Panel>
      {isSpaghetti && picked >= 0 && (
        <Explained reference={chosen.reference} horizon={horizon} seed={seed} path={picked} />
      )}
      {summary.data && (
        <div class="row">
          <Moments summary={summary.data} />
          <Correlations summary={summary.data} />
        </div>
      )}
      <Take body={{ model: chosen.reference, horizon, n_paths: nPaths, seed }} />
    </>
  );
}

/** The strip of the first five seconds. */
function Headline({ chosen, portfolio, seed }: { chosen: Chosen; portfolio: Record<string, number> | null; seed: number }) {
  const body = { model: chosen.reference, horizon: 10, n_paths: 10_000, seed, levels: [0.975], ...(portfolio ? { portfolio } : {}) };
  const risk = useQuery(JSON.stringify(body), (signal) => post<RiskRecord>("/v1/risk", body, signal));
  const wanted = ["expected_shortfall", "value_at_risk", "probability_of_loss", "max_drawdown_quantile"];
  const own = risk.data?.results[0];
  const shown = wanted.flatMap((name) => own?.measures.filter((one) => one.measure === name).slice(0, 1) ?? []);
  if (risk.error) return <Failed problem={risk.error} again={risk.again} />;
  return (
    <section class="strip" aria-label="Risk over ten steps" aria-busy={risk.loading}>
      {(shown.length ? shown : wanted.map(() => null)).map((one, i) => (
        <div class="card-figure" key={i}>
          <div class="name">{one ? `${measureName(one)}, 10 steps` : "\u00a0"}</div>
          <div class="big">{one ? <Estimate value={one.estimate} se={one.mc_se} modelSe={one.model_se} percent /> : "…"}</div>
          <div class="beside">
            {one &&
              risk.data?.results.slice(1).map((result) => {
                const other = result.measures.find((found) => found.measure === one.measure && found.level === one.level && found.over === one.over);
                return other ? <div key={result.sampler}>{result.sampler} <Estimate value={other.estimate} se={other.mc_se} percent /></div> : null;
              })}
          </div>
        </div>
      ))}
    </section>
  );
}

interface FanFigureProps {
  summary: Summary;
  subject: string;
  history: Series | null;
  portfolio: Record<string, number> | null;
  picked: number | null;
  isSpaghetti: boolean;
}

function FanFigure({ summary, subject, history, portfolio, picked, isSpaghetti }: FanFigureProps) {
  const options = useMemo(() => {
    const start: Point = { date: new Date(summary.as_of), value: 0 };
    const fan = summary.fan[subject] ?? [];
    const dates = fan.map((step) => (step.date ? new Date(step.date) : new Date(+start.date + step.step * DAY)));
    const past = pastOf(history, subject, portfolio, Math.max(40, 2 * summary.horizon));
    const paths: PathPoint[] = [];
    if (isSpaghetti) {
      (summary.paths.values[subject] ?? []).forEach((values, path) => {
        paths.push({ path, ...start });
        values.forEach((value, i) => paths.push({ path, date: dates[i] ?? start.date, value }));
      });
    }
    return fanOptions({ past, fan, dates, paths, chosen: picked, start });
  }, [summary, subject, history, portfolio, picked, isSpaghetti]);
  const last = summary.fan[subject]?.at(-1);
  const at = (level: number) => last?.quantiles.find((one) => one.level === level);
  const [low, middle, high] = [at(0.05), at(0.5), at(0.95)];
  const told = (one?: Figure) => (one?.estimate === null || one === undefined ? "?" : `${fixed(100 * one.estimate, 1)} % (± ${fixed(100 * Math.hypot(one.mc_se ?? 0, one.model_se ?? 0), 1)})`);
  return (
    <PlotFigure
      options={options}
      label={`Fan of ${subject} over ${summary.horizon} steps`}
      summary={`After ${summary.horizon} steps 90 % of ${summary.n_paths.toLocaleString("en-GB")} scenarios lie between ${told(low)} and ${told(high)}; the median is ${told(middle)}.`}
      table={{
        columns: ["step", "1 %", "5 %", "25 %", "50 %", "75 %", "95 %", "99 %"],
        rows: (summary.fan[subject] ?? []).map((step) => [step.step, ...step.quantiles.map(told)]),
      }}
    />
  );
}

/** Returns before the start, as seen from it. */
function pastOf(history: Series | null, subject: string, portfolio: Record<string, number> | null, n: number): Point[] {
  if (!history) return [];
  const names = subject === "portfolio" ? Object.keys(portfolio ?? history.prices) : [subject];
  const weights = names.map((name) => (subject === "portfolio" ? (portfolio?.[name] ?? 1 / names.length) : 1));
  const columns = names.map((name) => (history.prices[name] ?? []).slice(-n));
  const dates = history.dates.slice(-n);
  const last = columns.map((column) => column.at(-1) ?? null);
  return dates.flatMap((date, i) => {
    let value = 0;
    for (let k = 0; k < columns.length; k++) {
      const [price, end] = [columns[k]?.[i] ?? null, last[k] ?? null];
      if (price === null || end === null) return [];
      value += (weights[k] ?? 0) * (price / end - 1);
    }
    return [{ date: new Date(date), value }];
  });
}

interface PickerProps {
  summary: Summary;
  subject: string;
  picked: number;
  pick: (path: number) => void;
}

function PathPicker({ summary, subject, picked, pick }: PickerProps) {
  const values = summary.paths.values[subject] ?? [];
  const ranked = values
    .map((path, number) => ({ number, end: path.at(-1) ?? 0 }))
    .sort((a, b) => a.end - b.end);
  return (
    <div class="controls">
      <SelectField
        label={`Explain one of the first ${values.length} paths, worst first`}
        value={String(picked)}
        options={[{ value: "-1", label: "none" }, ...ranked.map((one) => ({ value: String(one.number), label: `path ${one.number}: ${fixed(100 * one.end, 1)} %` }))]}
        onChange={(value) => pick(Number(value))}
      />
    </div>
  );
}

function Explained({ reference, horizon, seed, path }: { reference: string; horizon: number; seed: number; path: number }) {
  const body = { model: reference, horizon, seed, path };
  const found = useQuery(JSON.stringify(body), (signal) => post<Explanation>("/v1/explain", body, signal));
  return (
    <Panel title={`Path ${path} explained`} help="The stretches of history whose moves are most like this path's, and the statistical factors that make up its moves. One path is one draw: it has no error, its likelihood is what the fan shows.">
      <Status loading={found.loading} error={found.error} again={found.again}>
        {found.data && (
          <div class="row">
            <div>
              <h3>What moved</h3>
              <DataTable
                caption="Return of each asset over the path"
                columns={[{ key: "asset", title: "asset" }, { key: "move", title: "return" }]}
                rows={Object.entries(found.data.terminal_returns)
                  .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
                  .slice(0, 8)
                  .map(([asset, move]) => ({ asset, move: `${fixed(100 * move, 1)} %` }))}
              />
            </div>
            <div>
              <h3>Real windows most like it</h3>
              {found.data.nearest ? <Plain rows={found.data.nearest} caption="Nearest real windows" /> : <p class="faint">No window of history is long enough.</p>}
              <h3>Factors</h3>
              {found.data.factors ? (
                <DataTable
                  caption="Factors of its move"
                  columns={[{ key: "factor", title: "factor" }, { key: "move", title: "move, sd" }, { key: "share", title: "share" }]}
                  rows={found.data.factors.factors.map((one) => ({ factor: one.factor, move: fixed(one.move, 2), share: `${fixed(100 * one.share, 0)} %` }))}
                />
              ) : <p class="faint">A single asset has no factors.</p>}
            </div>
          </div>
        )}
      </Status>
    </Panel>
  );
}

function Plain({ rows, caption }: { rows: Record<string, string | number>[]; caption: string }) {
  const names = Object.keys(rows[0] ?? {});
  const shown = rows.map((row) => Object.fromEntries(names.map((name) => [name, typeof row[name] === "number" ? fixed(row[name], 2) : row[name]])));
  return <DataTable caption={caption} columns={names.map((name) => ({ key: name, title: name.replaceAll("_", " "), left: typeof rows[0]?.[name] === "string" }))} rows={shown} />;
}

function Moments({ summary }: { summary: Summary }) {
  const rows = Object.entries(summary.moments).map(([name, moments]) => ({ name, ...moments }));
  const cell = (key: string, percent: boolean) => (row: Record<string, unknown>) => {
    const figure = row[key] as Figure;
    return <Estimate value={figure.estimate} se={figure.mc_se} percent={percent} digits={percent ? 2 : 2} />;
  };
  return (
    <Panel title={`Moments over ${summary.horizon} steps`} help="Of the simple return over the horizon, with the Monte Carlo error of each. A mean is mostly luck of one history: rank nothing by it.">
      <DataTable
        caption="Moments"
        columns={[
          { key: "name", title: "" },
          { key: "mean", title: "mean", cell: cell("mean", true) },
          { key: "volatility", title: "volatility", cell: cell("volatility", true) },
          { key: "skewness", title: "skewness", cell: cell("skewness", false) },
          { key: "excess_kurtosis", title: "excess kurtosis", cell: cell("excess_kurtosis", false) },
        ]}
        rows={rows}
      />
    </Panel>
  );
}

function Correlations({ summary }: { summary: Summary }) {
  const { assets, estimate, mc_se } = summary.correlations;
  if (assets.length < 2) return null;
  return (
    <Panel title="Correlations" help="Of log-returns over the horizon; the small figure is the Monte Carlo error.">
      <DataTable
        caption="Correlations"
        columns={[{ key: "name", title: "" }, ...assets.map((name, j) => ({ key: name, title: name, cell: (row: Record<string, unknown>) => {
          const i = row.i as number;
          return i === j ? "1" : <Estimate value={estimate[i]?.[j]} se={mc_se[i]?.[j]} digits={2} />;
        } }))]}
        rows={assets.map((name, i) => ({ name, i }))}
      />
    </Panel>
  );
}

/** The cube itself, and the lines that fetch it anywhere else. */
function Take({ body }: { body: { model: string; horizon: number; n_paths: number; seed: number } }) {
  const [format, setFormat] = useState("parquet");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemDocument | null>(null);
  const chosen = FORMATS.find((one) => one.value === format) ?? FORMATS[0];
  const name = `scenarios.${SUFFIX[format] ?? format}`;
  const origin = location.origin;
  const media = chosen?.media ?? "";
  const curl = `curl ${origin}/v1/scenarios -o ${name} \\\n  -H 'Content-Type: application/json' -H 'Accept: ${media}' \\\n  -d '${JSON.stringify(body)}'`;
  const python = `import fingan\n\nclient = fingan.Client("${origin}")\nscenarios = client.scenarios("${body.model}", horizon=${body.horizon}, n_paths=${body.n_paths}, seed=${body.seed})\nscenarios.save("${name}")`;
  const take = () => {
    setBusy(true);
    setProblem(null);
    download("/v1/scenarios", body, media, name)
      .catch((failure: unknown) => setProblem(problemOf(failure)))
      .finally(() => setBusy(false));
  };
  return (
    <Panel title="Take them with you" help="All assets and steps of these scenarios. The same request gives the same bytes, here, by curl or in Python; the file names the model's version and the seed.">
      <div class="controls">
        <SelectField label="Format" value={format} options={FORMATS} onChange={setFormat} />
        <RunButton onClick={take} busy={busy}>Download</RunButton>
        <Chip>{body.n_paths.toLocaleString("en-GB")} scenarios</Chip>
      </div>
      {problem && <Failed problem={problem} />}
      <Code label="curl" text={curl} />
      <Code label="Python" text={python} />
    </Panel>
  );
}
