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
  /** As it is asked for. */
  model: string;
  /** The version that the name stands for; the name of a baseline. */
  version: string;
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
  /** Why it cannot be put to a test; null where it can. */
  lack: string | null;
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
    if (assets === null || sources.loading) return null;
    const held = parsed(weights);
    const jobQuestion: Question = {
      model: chosen.reference,
      ...(prices === "" ? {} : { prices }),
      ...(held === null ? {} : { portfolio: held }),
    };
    const question = { ...jobQuestion, ...(asOf === "" ? {} : { as_of: asOf }), seed };
    const fittedUntil = chosen.entry?.fitted_until ?? null;
    const tested = prices === "" ? goingOn(sources, chosen.entry) : prices;
    return {
      model: chosen.reference,
      version: chosen.entry?.model ?? chosen.reference,
      fittedUntil,
      assets,
      prices,
      asOf,
      question,
      jobQuestion,
      tested,
      lack: lackOf(sources, tested, fittedUntil),
    };
  }, [assets, chosen.reference, chosen.entry, prices, asOf, seed, weights, sources]);
  return { ...found, data };
}

/** What a test of a model lacks: prices that go on after its training; null where it lacks nothing. */
function lackOf(sources: Sources, tested: string, fittedUntil: string | null): string | null {
  if (fittedUntil === null) return null;
  if (sources.problem !== null) return `The list of prices cannot be read: ${sources.problem}`;
  const last = sources.known.find((one) => one.name === tested)?.last;
  if (tested !== "" && (last === undefined || last > fittedUntil)) return null;
  return (
    `It needs prices beyond ${fittedUntil}, the last day of training` +
    (tested === "" ? ": start the service with --set prices.NAME=FILE." : `, and ${tested} ends on ${last}.`)
  );
}

/** Prices that go on after a model's training: where it learnt, else some of the same shape. */
function goingOn(sources: Sources, entry: Chosen["entry"]): string {
  if (entry === null) return "";
  const after = sources.known.filter((one) => (one.last ?? "") > (entry.fitted_until ?? "9"));
  const same = after.find((one) => one.name === entry.source);
  const alike = after.find((one) => one.first === entry.first && one.n_assets === entry.assets.length);
  return (same ?? alike)?.name ?? "";
}

interface Sources {
  known: PriceSource[];
  /** Why they cannot be listed. */
  problem: string | null;
  loading: boolean;
}

const NONE: PriceSource[] = [];

/** The prices that the service knows by name and can read. */
export function useSources(): Sources {
  const { data, error, loading } = useQuery("prices", (signal) =>
    get<{ prices: PriceSource[] }>("/v1/prices", signal),
  );
  const known = useMemo(() => data?.prices.filter((one) => !one.problem) ?? NONE, [data]);
  return useMemo(() => ({ known, problem: error?.detail ?? null, loading }), [known, error, loading]);
}

export interface PriceSource {
  name: string;
  n_rows?: number;
  n_assets?: number;
  first?: string;
  last?: string;
  problem?: string;
}
