/** The walk-forward record of a screen: `fingan screen --validate --json`. */

export interface DateMean {
  estimate: number | null;
  se: number | null;
  ci: [number, number] | null;
  n_dates: number;
  note?: string;
}

export interface ValidationRecord {
  design: {
    first: string;
    last: string;
    n_dates: number;
    n_candidates: number;
    in_sample: boolean;
    every: string | number;
  };
  questions: { asked: string; answer: "yes" | "no" | "cannot tell"; because: string }[];
  rank_ic: DateMean;
  minimum_detectable_ic: { t2: number | null; t3: number | null } | null;
  references: Record<string, DateMean>;
  notes: string[];
}
