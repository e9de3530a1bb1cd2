/** The models of the service, and the one that the page is about. */

import { get } from "./api";
import { type QueryState, useQuery, useUrlState } from "./state";

export interface ModelEntry {
  model: string;
  name: string;
  version: number;
  kind: "trained";
  digest: string | null;
  published: string | null;
  is_newest: boolean;
  is_served: boolean;
  status: string | null;
  offer: string | null;
  /** Prices that it learnt from, as they were named. */
  source: string | null;
  /** Configurations that it is the best of. */
  n_trials: number;
  gates_passed: number;
  gates_failed: string[];
  assets: string[];
  first: string | null;
  fitted_until: string | null;
  problem: string | null;
}

export interface Listing {
  models: ModelEntry[];
  baselines: { model: string; kind: "baseline" }[];
  store_problem: string | null;
}

export interface Chosen {
  reference: string;
  entry: ModelEntry | null;
  listing: Listing;
}

export const FALLBACK = "fhs-gjr";

export function useListing(): QueryState<Listing> {
  return useQuery("models", (signal) => get<Listing>("/v1/models", signal));
}

/** The model of the address, else the newest that is served, else a baseline. */
export function useChosen(listing: Listing): [Chosen, (reference: string) => void] {
  const served = listing.models.filter((one) => one.is_served);
  const newest = [...served].sort((a, b) => (b.published ?? "").localeCompare(a.published ?? ""))[0];
  const [reference, choose] = useUrlState("model", newest?.name ?? FALLBACK);
  const entry =
    listing.models.find((one) => one.model === reference) ??
    served.find((one) => one.name === reference) ??
    null;
  return [{ reference, entry, listing }, choose];
}

export interface Series {
  model: string;
  dates: string[];
  prices: Record<string, (number | null)[]>;
}

/** The assets of a model; of a baseline those of the data it is fitted on. */
export function useHistory(reference: string, isTrained: boolean): QueryState<Series> {
  const known = isTrained ? `history ${reference}` : null;
  return useQuery(known, (signal) => get<Series>(`/v1/models/${encodeURIComponent(reference)}/history?rows=250`, signal));
}
