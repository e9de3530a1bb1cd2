/** What `POST /v1/risk` answers. */

import type { EstimateRecord } from "./estimate";

export interface MeasureRecord extends EstimateRecord {
  measure: string;
  level?: number;
  over?: number;
}

export interface PositionRecord {
  asset: string;
  weight: number;
  component: EstimateRecord;
  share: EstimateRecord;
  marginal: EstimateRecord;
  incremental: EstimateRecord;
  standalone: EstimateRecord;
}

export interface RiskResult {
  sampler: string;
  fitted_until: string;
  measures: MeasureRecord[];
  contributions: { level: number; positions: PositionRecord[] };
  notes: string[];
}

export interface RiskRecord {
  model: string;
  as_of: string;
  portfolio: Record<string, number>;
  request: { horizon: number; n_paths: number; seed: number };
  results: RiskResult[];
}

/** A measure in plain words. */
export function measureName(one: MeasureRecord): string {
  const level = one.level === undefined ? "" : ` ${+(100 * one.level).toFixed(2)} %`;
  const over = one.over === undefined ? "" : ` over ${+(100 * one.over).toFixed(2)} %`;
  const names: Record<string, string> = {
    value_at_risk: "VaR",
    expected_shortfall: "ES",
    probability_of_loss: "P(loss",
    probability_of_drawdown: "P(drawdown",
    max_drawdown: "mean of the deepest drawdown",
    max_drawdown_quantile: "deepest drawdown, quantile",
  };
  const name = names[one.measure] ?? one.measure.replaceAll("_", " ");
  return name.includes("(") ? `${name}${over})` : `${name}${level}${over}`;
}

const PLAIN = new Set(["skewness", "excess_kurtosis"]);

/** Whether a measure is a fraction. */
export function isFraction(one: MeasureRecord): boolean {
  return !PLAIN.has(one.measure);
}
