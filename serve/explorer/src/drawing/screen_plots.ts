/** The picture of a screen: one criterion, every candidate with its bounds, the references. */

import type * as Plot from "@observablehq/plot";
import { isShare } from "../criteria";
import type { Candidate, JudgedCriterion } from "../records/screen";
import { type Dotted, dottedOptions, type Series } from "./dotted_rows";
import { fixed, INK, percent, ROLE } from "./palette";

export const SYMBOLS = ["diamond", "triangle", "square"] as const;
/** Bounds are one-sided at the criterion's confidence, so that they tell the verdict. */
export function criterionOptions(
  candidates: Candidate[],
  k: number,
  references: readonly string[],
): Plot.PlotOptions {
  const judged = candidates.flatMap((one) => {
    const criterion = one.criteria[k];
    return criterion ? [{ name: one.name, criterion }] : [];
  });
  const series: Series[] = [
    { name: "model", tone: ROLE.model },
    ...references.map((name, i) => ({
      name,
      tone: i === 0 ? ROLE.reference : INK.muted,
      symbol: SYMBOLS[i % SYMBOLS.length] ?? "diamond",
    })),
  ];
  const first = judged[0]?.criterion;
  return dottedOptions({
    rows: judged.flatMap(({ name, criterion }) => rowsOf(name, criterion, references)),
    series,
    label: first?.op === "<=" ? "← passes" : "passes →",
    ruleLabel: first ? `limit ${written(first)}` : "",
    isFlat: true,
    rule: first?.value ?? 0,
    format: isShare(first?.metric ?? "") ? percent(0) : (value) => fixed(value, 2),
  });
}

function written(criterion: JudgedCriterion): string {
  return isShare(criterion.metric) ? percent(1)(criterion.value) : fixed(criterion.value, 2);
}

function rowsOf(name: string, criterion: JudgedCriterion, references: readonly string[]): Dotted[] {
  return [
    {
      name,
      series: "model",
      x: criterion.estimate,
      span: [criterion.lower, criterion.upper],
    },
    ...references.map((series) => ({
      name,
      series,
      x: criterion.reference[series] ?? null,
      span: null,
    })),
  ];
}
