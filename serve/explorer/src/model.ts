/** The models of the service, and the one that the page is about. */

import { useEffect, useMemo } from "preact/hooks";
import { ANSWERED, get } from "./api";
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

const LOOK_MS = 15_000;

/** What the store holds; looked at again now and then, and when a version answers that is new. */
export function useListing(): QueryState<Listing> {
  const found = useQuery("models", (signal) => get<Listing>("/v1/models", signal));
  const text = JSON.stringify(found.data);
  const data = useMemo(() => found.data, [text]);
  useEffect(() => {
    const look = () => document.visibilityState === "visible" && found.again();
    const onAnswer = (event: Event) => {
      const version = (event as CustomEvent<string>).detail;
      const isKnown = data?.models.some((one) => one.model === version && one.is_served);
      if (data !== null && version.includes("@") && !isKnown) look();
    };
    const timer = setInterval(look, LOOK_MS);
    addEventListener(ANSWERED, onAnswer);
    return () => {
      clearInterval(timer);
      removeEventListener(ANSWERED, onAnswer);
    };
  }, [data]);
  return { ...found, data };
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
