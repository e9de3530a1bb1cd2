/** The card of a model and the record of `fingan evaluate --json`. */

export interface GateResult {
  name: string;
  question: string;
  threshold: string;
  value: number | null;
  passed: boolean | null;
  note: string | null;
}

export interface Gates {
  version: number;
  family_level: number;
  passed: string[];
  failed: string[];
  not_applicable: string[];
  results: GateResult[];
}

export interface CardScores {
  metric: string;
  span: string;
  n_dates: number;
  n_paths: number;
  reference: string;
  rows: Record<
    string,
    { mean: number; standard_error: number | null; difference: number | null; t: number | null }
  >;
}

export interface Card {
  status: string;
  offer: string | null;
  data: { source: string; assets: string[]; first: string; last: string; n_rows: number };
  training: { finished: string; steps: number; n_generators: number };
  scores: CardScores | { skipped: string };
  gates: Gates;
  limits: string[];
  must_not_be_claimed: string[];
}

export interface ModelRecord {
  model: string;
  digest: string;
  published: string;
  card: Card | null;
  problem: string | null;
}

export interface Metric {
  name: string;
  title: string;
  group: string;
  better: "lower" | "higher";
  unit: string;
}

export interface Score {
  estimate: number | null;
  standard_error: number | null;
  difference: number | null;
  t: number | null;
  note: string | null;
}

export interface Floor {
  mean: number | null;
  std: number | null;
  p10: number | null;
  p90: number | null;
}

export interface EvaluationRecord {
  model: string;
  span: { first: string; last: string; n_days: number };
  in_sample: boolean;
  n_paths: number;
  reference: string;
  metrics: Metric[];
  rows: { sampler: string; in_sample: boolean; values: Record<string, Score> }[];
  floor: { process: string; n_repetitions: number; values: Record<string, Floor> } | null;
  real_against_real: { values: Record<string, number | null> } | null;
  notes: string[];
}
