/** The pictures of the stress view, as options of Observable Plot. */

import * as Plot from "@observablehq/plot";
import { interval } from "../records/estimate";
import type { Law, LossMode, ReplayRecord, ShockRecord } from "../records/stress";
import type { DensityPoint } from "./density";
import { type Dotted, dotted } from "./dotted_rows";
import { INK, percent, ROLE } from "./palette";

/** For the names of rows, so that pictures above each other line up. */
function room(): number {
  return window.innerWidth < 640 ? 66 : 96;
}

export interface NamedLaw {
  name: string;
  tone: string;
  law: Law;
}

/** Two densities over each other, each with the band that so few effective paths leave. */
export function overlayOptions(
  usual: DensityPoint[],
  shocked: DensityPoint[],
  marked: { usual: number; shocked: number },
  domain: [number, number],
): Plot.PlotOptions {
  const side = (points: DensityPoint[], colour: string): Plot.Markish[] => [
    Plot.areaY(points, { x: "x", y: "density", fill: colour, fillOpacity: 0.13 }),
    Plot.areaY(points, { x: "x", y1: "low", y2: "high", fill: colour, fillOpacity: 0.22 }),
    Plot.lineY(points, { x: "x", y: "density", stroke: colour, strokeWidth: 2 }),
  ];
  return {
    height: 250,
    marginTop: 12,
    marginLeft: room(),
    marginRight: 12,
    x: { label: null, domain, tickFormat: percent(0), grid: true },
    y: { axis: null },
    marks: [
      ...side(usual, ROLE.usual),
      ...side(shocked, ROLE.shocked),
      Plot.ruleX([0], { stroke: INK.rule }),
      Plot.ruleX([marked.usual], { stroke: ROLE.usual, strokeDasharray: "3,3" }),
      Plot.ruleX([marked.shocked], { stroke: ROLE.shocked, strokeDasharray: "3,3" }),
    ],
  };
}

/** Central 90 % of each law as a bar, its edges, median and mean with their errors. */
export function lawOptions(laws: NamedLaw[], domain?: [number, number]): Plot.PlotOptions {
  const edges = laws.flatMap(({ name, tone, law }) =>
    (["q05", "median", "q95"] as const).map((which) => ({
      name,
      tone,
      which,
      x: law[which].estimate,
      span: interval(law[which]),
    })),
  );
  return {
    height: 62 + 36 * laws.length,
    marginTop: 8,
    marginBottom: 46,
    marginLeft: room(),
    marginRight: 12,
    x: {
      label: "return of the portfolio over the horizon →",
      labelOffset: 40,
      tickFormat: percent(0),
      grid: true,
      ...(domain ? { domain } : {}),
    },
    y: { label: null, domain: laws.map(({ name }) => name), tickSize: 0 },
    marks: [
      Plot.ruleX([0], { stroke: INK.rule }),
      Plot.ruleY(laws, {
        y: "name",
        x1: (row: NamedLaw) => row.law.q05.estimate,
        x2: (row: NamedLaw) => row.law.q95.estimate,
        stroke: "tone",
        strokeWidth: 12,
        strokeOpacity: 0.3,
      }),
      Plot.ruleY(
        edges.filter((edge) => edge.span !== null),
        {
          y: "name",
          x1: (edge: (typeof edges)[number]) => edge.span?.[0],
          x2: (edge: (typeof edges)[number]) => edge.span?.[1],
          stroke: "tone",
          strokeWidth: 2,
        },
      ),
      Plot.tickX(edges, { x: "x", y: "name", stroke: "tone", strokeWidth: 2, inset: 7 }),
      Plot.dot(laws, {
        y: "name",
        x: (row: NamedLaw) => row.law.mean.estimate,
        fill: "tone",
        stroke: INK.paper,
        r: 5,
      }),
    ],
  };
}

/** What each asset does over the horizon, on average, given the shock. */
export function movesOf(record: ShockRecord, comparator: string | null): Dotted[] {
  const other = record.comparators.find((one) => one.name === comparator);
  return sortedAssets(record).flatMap((name) => {
    const own = record.assets[name]?.conditional.mean;
    const theirs = other?.assets?.[name];
    return [
      ...(own ? [dotted(name, "model", own)] : []),
      ...(theirs && comparator ? [dotted(name, comparator, theirs)] : []),
    ];
  });
}

export function sortedAssets(record: ShockRecord): string[] {
  const mean = (name: string) => record.assets[name]?.conditional.mean.estimate ?? 0;
  return Object.keys(record.assets).sort((a, b) => mean(a) - mean(b));
}

/** Value of the portfolio on the most central path of each way to lose. */
export function coursesOptions(modes: LossMode[], tones: readonly string[]): Plot.PlotOptions {
  const points = modes.flatMap((mode, i) =>
    [1, ...mode.path.course].map((value, step) => ({
      step,
      value: value - 1,
      mode: String(i + 1),
      tone: tones[i % tones.length] ?? INK.text,
    })),
  );
  const last = points.filter((point) => point.step === (modes[0]?.path.course.length ?? 0));
  return {
    height: 250,
    marginTop: 26,
    marginBottom: 40,
    marginLeft: 52,
    marginRight: 28,
    x: { label: "step →", ticks: 6, tickFormat: "d" },
    y: { label: "↑ value since the start", tickFormat: percent(0), grid: true },
    marks: [
      Plot.ruleY([0], { stroke: INK.rule }),
      Plot.lineY(points, { x: "step", y: "value", z: "mode", stroke: "tone", strokeWidth: 2 }),
      Plot.text(last, { x: "step", y: "value", text: "mode", dx: 10, fill: "tone", fontWeight: 600 }),
    ],
  };
}

/** What came once, over what the model draws from the same close. */
export function replayOptions(record: ReplayRecord): Plot.PlotOptions {
  const came = [{ name: "portfolio", x: record.portfolio_return }];
  const law = record.regenerated;
  const drawn = law ? lawOptions([{ name: "portfolio", tone: ROLE.model, law }]) : { marks: [] };
  return {
    ...drawn,
    height: 112,
    marginTop: 26,
    x: { ...drawn.x, insetLeft: 24, insetRight: 24, grid: true, tickFormat: percent(0) },
    marks: [
      ...(drawn.marks ?? []),
      Plot.dot(came, { x: "x", y: "name", symbol: "diamond", r: 6, fill: ROLE.bad }),
      Plot.text(came, { x: "x", y: "name", text: ["what came"], dy: -15, fill: INK.text }),
    ],
  };
}

/** Each asset in the window, worst first; one course, without an error. */
export function replayedAssetsOptions(
  record: ReplayRecord,
  assets: readonly string[],
): Plot.PlotOptions {
  const bars = assets.map((name) => ({ name, x: record.assets[name] ?? 0 }));
  const labels = (side: typeof bars, textAnchor: "start" | "end"): Plot.Markish =>
    Plot.text(side, {
      x: "x",
      y: "name",
      text: (bar: (typeof bars)[number]) => percent(1)(bar.x),
      textAnchor,
      dx: textAnchor === "end" ? -5 : 5,
      fill: INK.text,
    });
  return {
    height: 50 + 19 * assets.length,
    marginTop: 4,
    marginLeft: room(),
    marginRight: 44,
    x: { label: null, tickFormat: percent(0), grid: true, insetLeft: 60 },
    y: { label: null, domain: [...assets], tickSize: 0 },
    marks: [
      Plot.barX(bars, {
        x: "x",
        y: "name",
        fill: (bar: (typeof bars)[number]) => (bar.x < 0 ? ROLE.bad : ROLE.good),
        fillOpacity: 0.7,
      }),
      labels(bars.filter((bar) => bar.x < 0), "end"),
      labels(bars.filter((bar) => bar.x >= 0), "start"),
      Plot.ruleX([0], { stroke: INK.rule }),
    ],
  };
}
