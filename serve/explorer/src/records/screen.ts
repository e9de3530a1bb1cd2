/** What `POST /v1/screens` answers: the record of `fingan screen --json`. */

import type { EstimateRecord } from "./estimate";

export type Verdict = "pass" | "fail" | "undecided";

export interface Figure {
  metric: string;
  hurdle?: number | null;
  level?: number | null;
  x?: number | null;
}

export interface Criterion extends Figure {
  op: ">=" | "<=";
  value: number;
  confidence: number;
}

export interface JudgedCriterion extends Criterion, EstimateRecord {
  lower: number;
  upper: number;
  verdict: Verdict;
  p: number | null;
  q: number | null;
  /** The same figure as each reference has it. */
  reference: Record<string, number | null>;
  increment: Record<string, number | null>;
}

export interface Candidate {
  id: string;
  name: string;
  direction: "long" | "short";
  verdict: Verdict;
  discovery: boolean;
  listed: boolean;
  rank: number;
  score: EstimateRecord;
  ahead_of_next: EstimateRecord | null;
  tied_with_next: boolean | null;
  p_top_k: number | null;
  criteria: JudgedCriterion[];
  distribution: Record<string, EstimateRecord>;
  also_picked_by: string[];
}

export interface Standing {
  status: "unvalidated" | "stale" | "in-sample" | "ok";
  summary: string;
  rank_ic: { estimate: number | null; se: number | null; ci: [number, number] | null } | null;
  n_dates: number | null;
  minimum_detectable_ic: Record<string, number | null> | number | null;
}

export interface ScreenRecord {
  screen_run: string;
  model: string;
  as_of: string;
  drift_policy: string;
  n_generators: number | null;
  spec: {
    horizon: number;
    n_scenarios: number;
    criteria: Criterion[];
    rank_by: Figure;
    top_k: number;
    references: string[];
    multiplicity: { method: string; q: number };
  };
  n_candidates: number;
  n_tests: number;
  trials: { of_this_definition: number; of_all: number };
  results: Candidate[];
  listed: string[];
  rank_agreement: Record<string, number | null>;
  validation: Standing;
  warnings: string[];
  not_advice: string;
}
