/** What `POST /v1/stress` and `/v1/stress/reverse` answer: the records of `fingan stress --json`. */

import type { EstimateRecord } from "./estimate";

export interface Law {
  mean: EstimateRecord;
  volatility: EstimateRecord;
  q05: EstimateRecord;
  median: EstimateRecord;
  q95: EstimateRecord;
}

export interface ConditionalLaw {
  conditional: Law;
  unconditional: Law;
  /** Conditional mean less the unconditional one, on the same paths. */
  move: EstimateRecord;
}

export interface Analogue {
  first: string;
  last: string;
  distance: number;
  /** Share of all windows that are farther away. */
  share_farther: number;
}

export interface Plausibility {
  region: string;
  probability: EstimateRecord;
  /** Of the squared length of the noise: 0.5 where it is typical. */
  noise_percentile: number | null;
  noise_shift: number | null;
  nearest: Analogue[];
  warnings: string[];
}

export interface Comparator {
  name: string;
  n: number | null;
  ess: number | null;
  portfolio: EstimateRecord | null;
  assets: Record<string, EstimateRecord> | null;
  windows: string[];
  note: string | null;
}

export interface Constraint {
  label: string;
  reached: EstimateRecord;
  tolerance: number;
}

export interface ShockRecord {
  model: string;
  as_of: string;
  request: { shocks: object[]; horizon: number; min_ess: number; n_pool: number };
  method: string;
  n_drawn: number;
  n_paths: number;
  ess: number;
  constraints: Constraint[];
  portfolio: ConditionalLaw;
  assets: Record<string, ConditionalLaw>;
  contributions: Record<string, EstimateRecord>;
  plausibility: Plausibility;
  comparators: Comparator[];
  bites: { asset: string; move: EstimateRecord; standard_errors: number } | null;
  notes: string[];
}

export interface ReplayRecord {
  window: string;
  title: string;
  model: string;
  first: string;
  last: string;
  n_steps: number;
  assets: Record<string, number>;
  portfolio_return: number;
  contributions: Record<string, number>;
  max_drawdown: number;
  /** Why the window's own figures have none. */
  errors: string;
  regenerated: Law | null;
  as_bad: EstimateRecord | null;
  notes: string[];
}

export interface LossMode {
  name: string;
  share: EstimateRecord;
  probability: EstimateRecord;
  ess: number;
  loss: EstimateRecord;
  contributions: Record<string, EstimateRecord>;
  common: EstimateRecord | null;
  worst_step: EstimateRecord;
  half_by: EstimateRecord;
  /** Its most central path: the portfolio's value after each step. */
  path: { course: number[]; assets: Record<string, number> };
  nearest: Analogue[];
  noise_percentile: number | null;
}

export interface ReverseRecord {
  model: string;
  as_of: string;
  request: { loss: number; horizon: number; min_ess: number; n_pool: number };
  method: string;
  n_drawn: number;
  n_paths: number;
  ess: number;
  probability: EstimateRecord;
  modes: LossMode[];
  /** Whether they are parted by a valley; else parts of one cloud. */
  is_distinct: boolean;
  elsewhere: { name: string; probability: EstimateRecord; windows: string[] }[];
  notes: string[];
}
