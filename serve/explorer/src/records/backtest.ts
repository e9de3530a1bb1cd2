/** The record of `fingan backtest --json`. */

export interface CoverageTest {
  p: number | null;
  adjusted_p: number | null;
  failed: boolean | null;
  statistic: number | null;
}

export interface BacktestRow {
  sampler: string;
  level: number;
  n_days: number;
  violations: number;
  expected: number;
  tests: Record<string, CoverageTest | null>;
  power_1_5x: number | null;
  power_2x: number | null;
  power_3x: number | null;
  traffic_light: "green" | "amber" | "red" | null;
  fz0: number | null;
  fz0_se: number | null;
  dm_t: number | null;
  dm_p: number | null;
  in_mcs: boolean | null;
}

export interface BacktestRecord {
  kind: "backtest";
  model: string;
  horizon: number;
  span: { first: string; last: string; n_days: number };
  in_sample: boolean;
  reference: string;
  levels: number[];
  n_paths: number;
  refit: number;
  window: number;
  dates: string[];
  losses: number[];
  rows: BacktestRow[];
  series: Record<
    string,
    Record<string, { value_at_risk: number[]; expected_shortfall: number[] }>
  >;
  pit: Record<string, { counts: number[]; p: number | null }>;
  notes: string[];
}
