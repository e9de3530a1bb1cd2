/** The pictures of the backtest view. */

import * as Plot from "@observablehq/plot";
import type { BacktestRecord, BacktestRow } from "../records/backtest";
import { binomialRange } from "./binomial";
import { type Dotted, dottedOptions } from "./dotted_rows";
import { fixed, INK, percent, ROLE } from "./palette";

interface Day {
  sampler: string;
  date: Date;
  loss: number;
  value_at_risk: number;
  is_violation: boolean;
}

/** Daily losses under the VaR of each forecaster; the days beyond it stand out. */
export function exceedanceOptions(
  record: BacktestRecord,
  level: number,
  samplers: readonly string[],
): Plot.PlotOptions {
  const days = samplers.flatMap((sampler) => daysOf(record, sampler, level));
  return {
    height: 60 + 132 * samplers.length,
    marginLeft: 52,
    marginRight: 8,
    fy: { label: null, domain: [...samplers], axis: null, padding: 0.12 },
    x: { label: null },
    y: { label: null, tickFormat: percent(0), grid: true, ticks: 4 },
    marks: [
      Plot.ruleX(days, {
        fy: "sampler",
        x: "date",
        y: "loss",
        stroke: INK.muted,
        strokeOpacity: 0.45,
      }),
      Plot.ruleY([0], { stroke: INK.rule }),
      Plot.lineY(days, {
        fy: "sampler",
        x: "date",
        y: "value_at_risk",
        stroke: ROLE.model,
        strokeWidth: 1.6,
      }),
      Plot.dot(
        days.filter((day) => day.is_violation),
        { fy: "sampler", x: "date", y: "loss", fill: ROLE.bad, stroke: INK.paper, r: 4 },
      ),
      Plot.text(samplers, {
        fy: (name: string) => name,
        text: (name: string) => name,
        frameAnchor: "top-left",
        dx: 6,
        dy: 2,
        fontWeight: 600,
        fill: INK.text,
        stroke: INK.paper,
        strokeWidth: 4,
      }),
    ],
  };
}

/** Each day of the span under one forecaster. */
export function daysOf(record: BacktestRecord, sampler: string, level: number): Day[] {
  const bands = record.series[sampler] ?? {};
  const found = Object.entries(bands).find(([key]) => Number(key) === level)?.[1];
  return (found?.value_at_risk ?? []).map((value_at_risk, i) => {
    const loss = record.losses[i] ?? 0;
    const date = new Date(`${record.dates[i]}T00:00:00Z`);
    return { sampler, date, loss, value_at_risk, is_violation: loss > value_at_risk };
  });
}

/** Violations of each forecaster beside the central 95 % of a true one's. */
export function countOptions(rows: BacktestRow[]): Plot.PlotOptions {
  const first = rows[0];
  const [low, high] = first ? binomialRange(first.n_days, 1 - first.level) : [0, 1];
  return {
    height: 74 + 26 * rows.length,
    marginTop: 8,
    marginBottom: 46,
    marginLeft: 108,
    x: {
      label: "violations →",
      labelOffset: 40,
      grid: true,
      domain: [0, Math.max(high + 2, ...rows.map((row) => row.violations + 2))],
      tickFormat: (value: number) => fixed(value, 0),
    },
    y: { label: null, domain: rows.map((row) => row.sampler), tickSize: 0 },
    marks: [
      Plot.rectX([[low, high]], { x1: "0", x2: "1", fill: ROLE.good, fillOpacity: 0.16 }),
      Plot.ruleX(first ? [first.expected] : [], { stroke: ROLE.good, strokeDasharray: "4,3" }),
      Plot.dot(rows, {
        x: "violations",
        y: "sampler",
        r: 5,
        fill: (row: BacktestRow) =>
          row.violations < low || row.violations > high ? ROLE.bad : ROLE.model,
      }),
    ],
  };
}

/** FZ0 by forecaster, least first, 95 % intervals. */
export function rankingOptions(rows: BacktestRow[]): Plot.PlotOptions {
  const dots = rows.map((row): Dotted => {
    const reach = row.fz0_se === null ? null : 1.96 * row.fz0_se;
    const span: Dotted["span"] =
      row.fz0 === null || reach === null ? null : [row.fz0 - reach, row.fz0 + reach];
    return { name: row.sampler, series: "fz0", x: row.fz0, span };
  });
  const scored = dots.flatMap((dot) => (dot.x === null ? [] : [dot.x]));
  return dottedOptions({
    rows: dots,
    series: [{ name: "fz0", tone: ROLE.model }],
    label: "FZ0: ← better",
    rule: Math.min(...scored),
    format: (value) => fixed(value, 2),
  });
}

/** Probability transforms of one forecaster: flat where its whole law is right. */
export function pitOptions(counts: number[]): Plot.PlotOptions {
  const n = counts.reduce((sum, count) => sum + count, 0);
  const [low, high] = binomialRange(n, 1 / counts.length);
  const bars = counts.map((count, i) => ({
    from: i / counts.length,
    to: (i + 1) / counts.length,
    count,
  }));
  return {
    height: 170,
    marginTop: 24,
    marginBottom: 46,
    marginLeft: 34,
    x: {
      label: "place of the loss in its forecast law →",
      labelOffset: 40,
      ticks: 5,
      domain: [0, 1],
    },
    y: { label: "↑ days", ticks: 4, grid: true },
    marks: [
      Plot.rectY(bars, {
        x1: "from",
        x2: "to",
        y: "count",
        fill: ROLE.model,
        fillOpacity: 0.55,
        inset: 0.5,
      }),
      Plot.rectY([[low, high]], { y1: "0", y2: "1", fill: ROLE.good, fillOpacity: 0.22 }),
      Plot.ruleY([n / counts.length], { stroke: ROLE.good, strokeDasharray: "4,3" }),
    ],
  };
}
