/** What a portfolio may lose, beside the baselines, and whose risk it is. */

import { useMemo } from "preact/hooks";
import { post } from "../api";
import { DataTable, Estimate, Field, NumberField, Panel, PlotFigure, SelectField, Status } from "../components";
import { type Dotted, dotted, dottedOptions } from "../drawing/dotted_rows";
import { percent, ROLE } from "../drawing/palette";
import type { Chosen } from "../model";
import { isFraction, measureName, type MeasureRecord, type PositionRecord, type RiskRecord } from "../records/risk";
import { useQuery, useUrlState } from "../state";
import { usePortfolio } from "../weights";

const DRIFTS = ["model", "neutral", "shrunk", "equilibrium"];
const TONES = [ROLE.model, ROLE.reference, "var(--ink-muted)"];
const SYMBOLS = ["circle", "diamond", "square"] as const;

export function Risk({ chosen }: { chosen: Chosen }) {
  const [horizon, setHorizon] = useUrlState("horizon", 10);
  const [nPaths, setPaths] = useUrlState("paths", 10_000);
  const [seed, setSeed] = useUrlState("seed", 0);
  const [drift, setDrift] = useUrlState<string>("drift", "model");
  const [portfolio, text, setText] = usePortfolio();
  const body = { model: chosen.reference, horizon, n_paths: nPaths, seed, drift_policy: drift, ...(portfolio ? { portfolio } : {}) };
  const risk = useQuery(JSON.stringify(body), (signal) => post<RiskRecord>("/v1/risk", body, signal));
  return (
    <>
      <Panel title="Asked">
        <div class="controls">
          <NumberField label="Horizon, steps" value={horizon} min={1} max={252} onChange={setHorizon} />
          <NumberField label="Scenarios" value={nPaths} min={500} max={100_000} step={500} onChange={setPaths} />
          <NumberField label="Seed" value={seed} min={0} onChange={setSeed} />
          <SelectField label="Expected returns" value={drift} options={DRIFTS} onChange={setDrift} />
          <Field label="Portfolio" hint="AAPL:0.6, KO:0.4; empty: equal weights">
            {(id) => <input id={id} type="text" value={text} onChange={(event) => setText(event.currentTarget.value)} />}
          </Field>
        </div>
      </Panel>
      <Status loading={risk.loading} error={risk.error} again={risk.again}>
        {risk.data && (
          <>
            <Tails record={risk.data} />
            <Measures record={risk.data} />
            <Contributions record={risk.data} />
          </>
        )}
      </Status>
    </>
  );
}

function Tails({ record }: { record: RiskRecord }) {
  const options = useMemo(() => {
    const rows: Dotted[] = record.results.flatMap((result) =>
      result.measures
        .filter((one) => one.measure === "value_at_risk" || one.measure === "expected_shortfall")
        .map((one) => dotted(measureName(one), result.sampler, one)),
    );
    const series = record.results.map((result, i) => ({ name: result.sampler, tone: TONES[i % 3] ?? ROLE.model, symbol: SYMBOLS[i % 3] }));
    return dottedOptions({ rows, series, label: "loss, share of the value", marginLeft: 84 });
  }, [record]);
  const own = record.results[0]?.measures.find((one) => one.measure === "expected_shortfall" && one.level === 0.975);
  return (
    <Panel title={`Tail losses over ${record.request.horizon} steps from ${record.as_of}`} help="VaR: the loss that is exceeded with probability 1 - level. ES: the mean of the losses beyond it. Whiskers are 95 %, another seed and another training together; a loss is positive.">
      <div class="legend">
        {record.results.map((result, i) => <span key={result.sampler} style={{ "--swatch": TONES[i % 3] }}>{result.sampler}</span>)}
      </div>
      <PlotFigure
        options={options}
        label="VaR and ES of the model and its baselines"
        summary={own ? `ES 97.5 % is ${percent(2)(own.estimate ?? 0)} of the value, ± ${percent(2)(own.mc_se ?? 0)} by another seed${own.model_se === null ? "" : ` and ± ${percent(2)(own.model_se)} by another training`}.` : undefined}
      />
    </Panel>
  );
}

function Measures({ record }: { record: RiskRecord }) {
  const of = (result: number, row: MeasureRecord) =>
    record.results[result]?.measures.find((one) => one.measure === row.measure && one.level === row.level && one.over === row.over);
  const notes = [...new Set(record.results.flatMap((one) => one.notes))];
  return (
    <Panel title="Every measure" help="Each with the Monte Carlo error of another seed; of an ensemble also the error of another training (second ±).">
      <DataTable
        caption="Risk measures beside the baselines"
        columns={[
          { key: "name", title: "measure" },
          ...record.results.map((result, number) => ({
            key: result.sampler,
            title: result.sampler,
            cell: (row: Record<string, unknown>) => {
              const found = of(number, row.one as MeasureRecord);
              return found ? <Estimate value={found.estimate} se={found.mc_se} modelSe={found.model_se} percent={isFraction(found)} note={found.note} /> : "n/a";
            },
          })),
        ]}
        rows={(record.results[0]?.measures ?? []).map((one) => ({ name: measureName(one), one }))}
      />
      {notes.map((note) => (
        <p class="faint" key={note}>
          {record.results.filter((one) => one.notes.includes(note)).map((one) => one.sampler).join(", ")}: {note}
        </p>
      ))}
    </Panel>
  );
}

function Contributions({ record }: { record: RiskRecord }) {
  const found = record.results[0]?.contributions;
  const options = useMemo(() => {
    const rows = (found?.positions ?? []).map((one) => dotted(one.asset, "share", one.share));
    return dottedOptions({ rows, series: [{ name: "share", tone: ROLE.model }], label: "share of ES", marginLeft: 64 });
  }, [found]);
  if (!found) return null;
  const cell = (key: keyof PositionRecord) => (row: Record<string, unknown>) => {
    const figure = row[key] as PositionRecord["share"];
    return <Estimate value={figure.estimate} se={figure.mc_se} percent note={figure.note} />;
  };
  return (
    <Panel title={`Whose risk: ES ${100 * found.level} % by position`} help="Component: what a position adds, they sum to ES. Incremental: ES less ES without it. Standalone: ES of the position by itself.">
      <div class="row">
        <PlotFigure options={options} label="Share of ES by position" />
        <DataTable
          caption="Contributions to ES"
          columns={[
            { key: "asset", title: "position" },
            { key: "weight", title: "weight", cell: (row) => percent(1)(row.weight as number) },
            { key: "component", title: "component", cell: cell("component") },
            { key: "incremental", title: "incremental", cell: cell("incremental") },
            { key: "standalone", title: "standalone", cell: cell("standalone") },
          ]}
          rows={found.positions as unknown as Record<string, unknown>[]}
        />
      </div>
    </Panel>
  );
}
