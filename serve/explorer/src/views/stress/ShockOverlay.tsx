import { useMemo } from "preact/hooks";
import { post } from "../../api";
import { PlotFigure } from "../../components";
import { Legend } from "../../components/Legend";
import { RecordedEstimate } from "../../components/RecordedEstimate";
import { densityOf } from "../../drawing/density";
import { percent, ROLE } from "../../drawing/palette";
import { lawOptions, overlayOptions } from "../../drawing/stress_plots";
import type { EstimateRecord } from "../../records/estimate";
import type { ShockRecord } from "../../records/stress";
import { useQuery } from "../../state";
import type { Question } from "../../subject";

interface Props {
  record: ShockRecord;
  question: Question;
}

interface Summary {
  n_paths: number;
  effective_paths: number | null;
  fan: Record<string, { quantiles: (EstimateRecord & { level: number })[] }[]>;
}

const LEVELS = [
  0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6,
  0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995,
];

/** The law of the portfolio with the shock over the law without it. */
export function ShockOverlay({ record, question }: Props) {
  const { shocks, horizon, n_pool: pool, min_ess } = record.request;
  const base = {
    ...question,
    horizon,
    quantiles: LEVELS,
    n_shown: 0,
    assets: Object.keys(record.assets).slice(0, 1),
  };
  const laws = useQuery(JSON.stringify([base, shocks, pool]), async (signal) => {
    const given = { ...base, n_paths: pool, condition: { shocks, min_ess } };
    const usual = { ...base, n_paths: 10_000 };
    return Promise.all([
      post<Summary>("/v1/scenarios/summary", usual, signal),
      post<Summary>("/v1/scenarios/summary", given, signal),
    ]);
  });
  const overlay = useMemo(() => {
    if (!laws.data) return null;
    const [usual, shocked] = laws.data.map(densityOfSummary);
    if (!usual || !shocked) return null;
    const marked = {
      usual: record.portfolio.unconditional.mean.estimate ?? 0,
      shocked: record.portfolio.conditional.mean.estimate ?? 0,
    };
    const edges = [...usual, ...shocked].map((point) => point.x);
    const domain: [number, number] = [Math.min(...edges), Math.max(...edges)];
    return { domain, options: overlayOptions(usual, shocked, marked, domain) };
  }, [laws.data, record]);
  const bars = useMemo(
    () =>
      lawOptions(
        [
          { name: "usual", tone: ROLE.usual, law: record.portfolio.unconditional },
          { name: "shocked", tone: ROLE.shocked, law: record.portfolio.conditional },
        ],
        overlay?.domain,
      ),
    [record, overlay],
  );
  const { conditional, unconditional } = record.portfolio;
  return (
    <div class="overlay">
      <Legend
        marks={[
          { name: "usual, unconditional", tone: ROLE.usual, shape: "line" },
          { name: "with the shock", tone: ROLE.shocked, shape: "line" },
          { name: "band: 95 % of so few effective paths", tone: ROLE.shocked, shape: "band" },
          { name: "means", tone: ROLE.usual, shape: "dash" },
        ]}
      />
      {overlay ? (
        <PlotFigure
          options={overlay.options}
          label={`Distribution of the portfolio's return over ${horizon} days, with the shock and without it`}
        />
      ) : (
        <div class={`overlay-place ${laws.loading ? "is-loading" : ""}`} role="status">
          {laws.loading
            ? "Drawing both distributions…"
            : `The curves cannot be drawn: ${laws.error?.detail ?? "no answer"}. The bars below hold the same laws.`}
        </div>
      )}
      <PlotFigure
        options={bars}
        label="Central 90 % of the portfolio's return, usual and with the shock, each edge with its 95 % interval"
        summary={`Bars: 5 % to 95 % of outcomes; thin lines: the 95 % interval of each edge and of the median; dot: mean. With the shock the middle goes from ${percent(1)(unconditional.median.estimate ?? 0)} to ${percent(1)(conditional.median.estimate ?? 0)}.`}
      />
      <details class="numbers">
        <summary>Numbers</summary>
        <table class="small">
          <thead>
            <tr>
              <th scope="col">of the portfolio</th>
              <th scope="col">usual</th>
              <th scope="col">with the shock</th>
            </tr>
          </thead>
          <tbody>
            {(["mean", "volatility", "q05", "median", "q95"] as const).map((which) => (
              <tr key={which}>
                <th scope="row">{NAMES[which]}</th>
                <td>
                  <RecordedEstimate figure={unconditional[which]} />
                </td>
                <td>
                  <RecordedEstimate figure={conditional[which]} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}

const NAMES = {
  mean: "mean",
  volatility: "volatility",
  q05: "5 % quantile",
  median: "median",
  q95: "95 % quantile",
} as const;

function densityOfSummary(summary: Summary) {
  const last = summary.fan["portfolio"]?.at(-1)?.quantiles ?? [];
  return densityOf(
    last.map((one) => one.level),
    last.map((one) => one.estimate ?? 0),
    summary.effective_paths ?? summary.n_paths,
  );
}
