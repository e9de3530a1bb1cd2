/** The pictures of the fidelity view. */

import type * as Plot from "@observablehq/plot";
import type { EvaluationRecord, Metric } from "../records/fidelity";
import { type Dotted, dottedOptions, type Series } from "./dotted_rows";
import { fixed, percent } from "./palette";

const FARTHEST = 8;

/** Score less that of the reference on the same days, as a share of the reference's. */
export function scoreRows(record: EvaluationRecord, metrics: Metric[]): Dotted[] {
  const reference = record.rows.find((row) => row.sampler === record.reference);
  return metrics.flatMap((metric) =>
    record.rows
      .filter((row) => row.sampler !== record.reference)
      .map((row): Dotted => {
        const score = row.values[metric.name];
        const base = reference?.values[metric.name]?.estimate;
        const difference = score?.difference ?? null;
        if (difference === null || !base) {
          return { name: metric.title, series: row.sampler, x: null, span: null };
        }
        const x = difference / base;
        const se = score?.t ? Math.abs(x / score.t) : null;
        const span: Dotted["span"] = se === null ? null : [x - 1.96 * se, x + 1.96 * se];
        return { name: metric.title, series: row.sampler, x, span };
      }),
  );
}

export function scoreOptions(rows: Dotted[], series: Series[], reference: string): Plot.PlotOptions {
  return dottedOptions({
    rows,
    series,
    label: `← better than ${reference}          worse →`,
    format: percent(0),
  });
}

/** Each fact in spreads of the floor: 0 is what the floor's own process scores. */
export function factRows(record: EvaluationRecord, metrics: Metric[]): Dotted[] {
  const floor = record.floor?.values ?? {};
  return metrics.flatMap((metric) => {
    const band = floor[metric.name];
    if (!band?.std || band.mean === null) return [];
    const [mean, std] = [band.mean, band.std];
    const spreads = (value: number) =>
      Math.max(-FARTHEST, Math.min(FARTHEST, (value - mean) / std));
    const edges: Dotted["span"] =
      band.p10 === null || band.p90 === null ? null : [spreads(band.p10), spreads(band.p90)];
    return [
      { name: metric.title, series: "floor", x: 0, span: edges },
      ...record.rows.map((row): Dotted => {
        const value = row.values[metric.name]?.estimate ?? null;
        const x = value === null ? null : spreads(value);
        return { name: metric.title, series: row.sampler, x, span: null };
      }),
    ];
  });
}

export function factOptions(rows: Dotted[], series: Series[]): Plot.PlotOptions {
  return dottedOptions({
    rows,
    series,
    label: `distance from the floor, in its spreads (cut at ${FARTHEST}) →`,
    isFlat: true,
    format: (value) => fixed(value, 0),
  });
}
