/** Criteria of a screen as the page holds them, as the URL spells them, and as the service takes them. */

import type { Criterion, Figure } from "./records/screen";

export type Parameter = "hurdle" | "level" | "x";

interface MetricKind {
  name: string;
  title: string;
  parameter?: { key: Parameter; initial: number; title: string };
  /** What is asked first: a bound that a careful reader might set. */
  op: Criterion["op"];
  value: number;
  isShare: boolean;
}

export const METRICS: readonly MetricKind[] = [
  { name: "es", title: "expected shortfall", parameter: { key: "level", initial: 0.975, title: "at" }, op: "<=", value: 0.15, isShare: true },
  { name: "p_drawdown_gt", title: "P(drawdown deeper)", parameter: { key: "x", initial: 0.1, title: "than" }, op: "<=", value: 0.2, isShare: true },
  { name: "p_gt", title: "P(return above)", parameter: { key: "hurdle", initial: 0, title: "hurdle" }, op: ">=", value: 0.5, isShare: true },
  { name: "p_gt_benchmark", title: "P(above the benchmark)", op: ">=", value: 0.5, isShare: true },
  { name: "mean_excess", title: "mean above the benchmark", op: ">=", value: 0, isShare: true },
  { name: "p_touch", title: "P(touching on the way)", parameter: { key: "x", initial: -0.1, title: "return" }, op: "<=", value: 0.2, isShare: true },
  { name: "tail_ratio", title: "tail ratio", op: ">=", value: 1, isShare: false },
  { name: "skew", title: "skewness", op: ">=", value: 0, isShare: false },
  { name: "omega", title: "omega", parameter: { key: "hurdle", initial: 0, title: "hurdle" }, op: ">=", value: 1, isShare: false },
  { name: "sharpe", title: "Sharpe, of the horizon", op: ">=", value: 0, isShare: false },
  { name: "sortino", title: "Sortino", parameter: { key: "hurdle", initial: 0, title: "hurdle" }, op: ">=", value: 0, isShare: false },
  { name: "calmar", title: "Calmar", op: ">=", value: 0, isShare: false },
];

export const INITIAL = "es(0.975)<=0.15@0.95;p_drawdown_gt(0.1)<=0.2@0.95";

export function kindOf(metric: string): MetricKind {
  return METRICS.find((one) => one.name === metric) ?? (METRICS[0] as MetricKind);
}

export function isShare(metric: string): boolean {
  return kindOf(metric).isShare;
}

/** In words: "expected shortfall at 97.5 %". */
export function figureWords(figure: Figure): string {
  const { title, parameter } = kindOf(figure.metric);
  if (!parameter) return title;
  const value = figure[parameter.key] ?? parameter.initial;
  return `${title} ${parameter.title} ${Number((100 * value).toPrecision(6))} %`;
}

/** A criterion with the first values of its metric. */
export function freshCriterion(metric: string): Criterion {
  const { parameter, op, value } = kindOf(metric);
  return {
    metric,
    ...(parameter ? { [parameter.key]: parameter.initial } : {}),
    op,
    value,
    confidence: 0.95,
  };
}

/** `es(0.975)`, as the library labels it. */
export function spellFigure(figure: Figure): string {
  const { parameter } = kindOf(figure.metric);
  return parameter ? `${figure.metric}(${figure[parameter.key] ?? parameter.initial})` : figure.metric;
}

const FIGURE = /^([a-z_]+)(?:\(([-\d.]+)\))?$/;
const CRITERION = /^(.+?)(<=|>=)(-?[\d.]+)@([\d.]+)$/;

export function unspellFigure(text: string): Figure | null {
  const [, metric, number] = FIGURE.exec(text) ?? [];
  const kind = METRICS.find((one) => one.name === metric);
  if (!kind) return null;
  if (!kind.parameter) return { metric: kind.name };
  return { metric: kind.name, [kind.parameter.key]: Number(number ?? kind.parameter.initial) };
}

export function spellCriteria(criteria: readonly Criterion[]): string {
  return criteria
    .map((one) => `${spellFigure(one)}${one.op}${one.value}@${one.confidence}`)
    .join(";");
}

/** What cannot be read is left out. */
export function unspellCriteria(text: string): Criterion[] {
  return text.split(";").flatMap((part): Criterion[] => {
    const [, figure, op, value, confidence] = CRITERION.exec(part) ?? [];
    const read = figure ? unspellFigure(figure) : null;
    if (!read) return [];
    return [{ ...read, op: op as Criterion["op"], value: Number(value), confidence: Number(confidence) }];
  });
}

/** `AAPL, KO/PEP`: single assets, and pairs of which the first is bought and the second sold. */
export function universeOf(text: string): { assets?: string[]; pairs?: string[][] } | null {
  const parts = text.split(/[,;\s]+/).filter(Boolean);
  if (parts.length === 0) return null;
  const assets = parts.filter((part) => !part.includes("/"));
  const pairs = parts.filter((part) => part.includes("/")).map((part) => part.split("/").slice(0, 2));
  return { ...(assets.length > 0 ? { assets } : {}), ...(pairs.length > 0 ? { pairs } : {}) };
}
