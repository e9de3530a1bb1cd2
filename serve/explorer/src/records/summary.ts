/** What `POST /v1/scenarios/summary` answers. */

export interface Figure {
  estimate: number | null;
  mc_se: number | null;
  model_se: number | null;
}

export interface FanStep {
  step: number;
  date: string | null;
  mean: Figure;
  quantiles: (Figure & { level: number })[];
}

export interface Summary {
  model: string;
  as_of: string;
  seed: number;
  n_paths: number;
  horizon: number;
  n_generators: number;
  dates: string[] | null;
  start_prices: Record<string, number>;
  portfolio: Record<string, number>;
  fan: Record<string, FanStep[]>;
  moments: Record<string, Record<string, Figure>>;
  correlations: { assets: string[]; estimate: number[][]; mc_se: number[][] };
  drawdowns: Record<string, (Figure & { level: number })[]>;
  paths: { numbers: number[]; steps: number[]; values: Record<string, number[][]> };
  effective_paths: number | null;
}

export interface Explanation {
  path: number;
  horizon: number;
  terminal_returns: Record<string, number>;
  nearest: Record<string, string | number>[] | null;
  factors: { residual_share: number; factors: { factor: string; move: number; share: number }[] } | null;
  states: Record<string, unknown>[] | null;
  notes: string[];
}
