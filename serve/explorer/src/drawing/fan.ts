/** The fan of a summary over what went before, with single paths if wanted. */

import * as Plot from "@observablehq/plot";
import type { FanStep } from "../records/summary";
import { INK, percent, ROLE } from "./palette";

export interface Point {
  date: Date;
  value: number;
}

export interface PathPoint extends Point {
  path: number;
}

interface Fan {
  past: Point[];
  fan: FanStep[];
  dates: Date[];
  paths: PathPoint[];
  chosen: number | null;
  start: Point;
}

const BANDS: [number, number, number][] = [
  [0.01, 0.99, 0.1],
  [0.05, 0.95, 0.16],
  [0.25, 0.75, 0.26],
];

/** Bands of quantiles, median with the 95 % of its error, history, paths. */
export function fanOptions({ past, fan, dates, paths, chosen, start }: Fan): Plot.PlotOptions {
  const at = (step: FanStep, level: number) =>
    step.quantiles.find((one) => one.level === level)?.estimate ?? null;
  const steps = fan.map((step, i) => ({ step, date: dates[i] ?? start.date }));
  const bands = BANDS.flatMap(([low, high, opacity]) => {
    const points = [
      { date: start.date, low: 0, high: 0 },
      ...steps.map(({ step, date }) => ({ date, low: at(step, low), high: at(step, high) })),
    ].filter((one) => one.low !== null && one.high !== null);
    return [
      Plot.areaY(points, { x: "date", y1: "low", y2: "high", fill: ROLE.model, fillOpacity: opacity }),
    ];
  });
  const median = steps.flatMap(({ step, date }) => {
    const found = step.quantiles.find((one) => one.level === 0.5);
    if (!found || found.estimate === null) return [];
    const reach = 1.96 * Math.hypot(found.mc_se ?? 0, found.model_se ?? 0);
    return [{ date, value: found.estimate, low: found.estimate - reach, high: found.estimate + reach }];
  });
  return {
    height: 340,
    marginLeft: 54,
    x: { label: null, type: "utc" },
    y: { label: "return since as of", tickFormat: percent(0), grid: true },
    marks: [
      Plot.ruleY([0], { stroke: INK.rule }),
      Plot.lineY(past, { x: "date", y: "value", stroke: INK.muted, strokeWidth: 1.4 }),
      ...bands,
      Plot.lineY(paths, { x: "date", y: "value", z: "path", stroke: INK.muted, strokeWidth: 0.7, strokeOpacity: 0.5 }),
      Plot.areaY(median, { x: "date", y1: "low", y2: "high", fill: ROLE.model, fillOpacity: 0.55 }),
      Plot.lineY([{ ...start, value: 0 }, ...median], { x: "date", y: "value", stroke: ROLE.model, strokeWidth: 2 }),
      Plot.lineY(
        paths.filter((one) => one.path === chosen),
        { x: "date", y: "value", stroke: ROLE.reference, strokeWidth: 2.2 },
      ),
      Plot.ruleX([start.date], { stroke: INK.rule, strokeDasharray: "3,3" }),
    ],
  };
}
