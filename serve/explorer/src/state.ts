/** The state of the page lives in its address, so that a link shows what its sender saw. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ProblemError, type ProblemDocument } from "./api";

const CHANGED = "fingan-state";

export function parameters(): URLSearchParams {
  return new URLSearchParams(location.hash.replace(/^#/, ""));
}

export function write(changes: Record<string, string | null>, push = false): void {
  const now = parameters();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") now.delete(name);
    else now.set(name, value);
  }
  const address = `#${now.toString()}`;
  if (address === location.hash) return;
  if (push) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  dispatchEvent(new Event(CHANGED));
}

/** One value of the address; its default stays out of it. */
export function useUrlState(name: string, initial: boolean): [boolean, (value: boolean) => void];
export function useUrlState(name: string, initial: number): [number, (value: number) => void];
export function useUrlState<T extends string = string>(
  name: string,
  initial: string,
): [T, (value: T) => void];
export function useUrlState(
  name: string,
  initial: string | number | boolean,
): [string | number | boolean, (value: never) => void] {
  const [text, setText] = useState(() => parameters().get(name));
  useEffect(() => {
    const read = () => setText(parameters().get(name));
    read();
    for (const event of ["popstate", "hashchange", CHANGED]) addEventListener(event, read);
    return () => {
      for (const event of ["popstate", "hashchange", CHANGED]) removeEventListener(event, read);
    };
  }, [name]);
  const change = useCallback(
    (value: string | number | boolean) => write({ [name]: value === initial ? null : String(value) }, name === "view"),
    [name, initial],
  );
  return [parsed(text, initial), change];
}

function parsed(
  text: string | null,
  initial: string | number | boolean,
): string | number | boolean {
  if (text === null) return initial;
  if (typeof initial === "number") {
    const number = Number(text);
    return Number.isFinite(number) ? number : initial;
  }
  return typeof initial === "boolean" ? text === "true" : text;
}

export interface QueryState<T> {
  data: T | null;
  loading: boolean;
  error: ProblemDocument | null;
  again: () => void;
}

/** What a question is answered with; asked again when its key changes, `null` asks nothing. */
export function useQuery<T>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<T>,
): QueryState<T> {
  const [state, setState] = useState<Omit<QueryState<T>, "again">>({
    data: null,
    loading: key !== null,
    error: null,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    if (key === null) {
      setState({ data: null, loading: false, error: null });
      return;
    }
    const controller = new AbortController();
    setState((before) => ({ data: before.data, loading: true, error: null }));
    latest
      .current(controller.signal)
      .then((data) => {
        if (!controller.signal.aborted) setState({ data, loading: false, error: null });
      })
      .catch((failure: unknown) => {
        if (controller.signal.aborted) return;
        setState({ data: null, loading: false, error: problemOf(failure) });
      });
    return () => controller.abort();
  }, [key, turn]);
  return { ...state, again: () => setTurn((before) => before + 1) };
}

export function problemOf(failure: unknown): ProblemDocument {
  if (failure instanceof ProblemError) return failure.problem;
  return { title: "Error", status: 0, detail: failure instanceof Error ? failure.message : String(failure) };
}
