/** Whom a view asks and of what: the model, the history it continues, the portfolio, the seed. */

import { useMemo } from "preact/hooks";
import { get, post } from "./api";
import type { Chosen } from "./model";
import { type QueryState, useQuery, useUrlState } from "./state";
import { parsed } from "./weights";

export interface Question {
  model: string;
  prices?: string;
  as_of?: string;
  seed?: number;
  portfolio?: Record<string, number>;
}

export interface Subject {
  model: string;
  /** Last date of the training period; null of a baseline. */
  fittedUntil: string | null;
  assets: string[];
  prices: string;
  asOf: string;
  /** What every question begins with. */
  question: Question;
  /** The same without what jobs do not take. */
  jobQuestion: Question;
  /** Prices to put the model to a test on: those named, or where it learnt, if that goes on since. */
  tested: string;
}

/** What the address names, with the assets of the model, or of the data of a baseline. */
export function useSubject(chosen: Chosen): QueryState<Subject> {
  const [prices] = useUrlState("prices", "");
  const [asOf] = useUrlState("as_of", "");
  const [seed] = useUrlState("seed", 0);
  const [weights] = useUrlState("weights", "");
  const sources = useSources();
  const known = chosen.entry?.assets ?? null;
  const asked = known === null ? `assets of ${chosen.reference}` : null;
  const found = useQuery(asked, async (signal) => {
    const body = { model: chosen.reference, horizon: 1, n_paths: 100, n_shown: 0 };
    const summary = await post<{ start_prices: Record<string, number> }>(
      "/v1/scenarios/summary",
      body,
      signal,
    );
    return Object.keys(summary.start_prices);
  });
  const assets = known ?? found.data;
  const data = useMemo(() => {
    if (assets === null) return null;
    const held = parsed(weights);
    const jobQuestion: Question = {
      model: chosen.reference,
      ...(prices === "" ? {} : { prices }),
      ...(held === null ? {} : { portfolio: held }),
    };
    const question = { ...jobQuestion, ...(asOf === "" ? {} : { as_of: asOf }), seed };
    const fittedUntil = chosen.entry?.fitted_until ?? null;
    const learnt = sources.find((one) => one.name === chosen.entry?.source);
    const goesOn = learnt?.last !== undefined && fittedUntil !== null && learnt.last > fittedUntil;
    const tested = prices === "" && goesOn ? learnt.name : prices;
    return { model: chosen.reference, fittedUntil, assets, prices, asOf, question, jobQuestion, tested };
  }, [assets, chosen.reference, chosen.entry, prices, asOf, seed, weights, sources]);
  return { ...found, data };
}

/** What is missing for a test of a model, whose own prices end where its training did. */
export function unlessTestable(subject: Subject): string | null {
  if (subject.tested !== "" || subject.fittedUntil === null) return null;
  return `It needs prices beyond ${subject.fittedUntil}, the last day of training: start the service with --set prices.NAME=FILE.`;
}

const NONE: PriceSource[] = [];

/** The prices that the service knows by name and can read. */
export function useSources(): PriceSource[] {
  const found = useQuery("prices", (signal) => get<{ prices: PriceSource[] }>("/v1/prices", signal));
  return useMemo(() => found.data?.prices.filter((one) => !one.problem) ?? NONE, [found.data]);
}

export interface PriceSource {
  name: string;
  n_rows?: number;
  first?: string;
  last?: string;
  problem?: string;
}
