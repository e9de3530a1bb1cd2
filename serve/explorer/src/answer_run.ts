/** A question that is asked when a button is pressed, and again when a link with its answer opens. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { post, type ProblemDocument } from "./api";
import { problemOf, useUrlState } from "./state";
import type { Question } from "./subject";

export interface Answered<T> {
  record: T;
  /** Whom it was asked of; the form may have moved on. */
  question: Question;
}

export interface Run<T> {
  answer: Answered<T> | null;
  error: ProblemDocument | null;
  isLoading: boolean;
  /** Whether the form has changed since the answer was given. */
  isStale: boolean;
  ask: () => void;
}

/**
 * @param path - Where to ask.
 * @param question - Whom to ask.
 * @param rest - What to ask.
 * @param flag - Key of the URL that says that it was asked.
 */
export function useRun<T>(path: string, question: Question, rest: object, flag: string): Run<T> {
  const [asked, setAsked] = useUrlState(flag, false);
  const [answer, setAnswer] = useState<(Answered<T> & { to: string }) | null>(null);
  const [error, setError] = useState<ProblemDocument | null>(null);
  const [isLoading, setLoading] = useState(false);
  const stopper = useRef<AbortController | null>(null);
  const text = JSON.stringify({ ...question, ...rest });

  const ask = useCallback(() => {
    stopper.current?.abort();
    const own = new AbortController();
    stopper.current = own;
    setAsked(true);
    setError(null);
    setLoading(true);
    post<T>(path, JSON.parse(text), own.signal)
      .then((record) => setAnswer({ to: text, question, record }))
      .catch((failure: unknown) => {
        if (own.signal.aborted) return;
        setAnswer(null);
        setError(problemOf(failure));
      })
      .finally(() => {
        if (stopper.current === own) setLoading(false);
      });
  }, [path, text]);

  useEffect(() => {
    if (asked) ask();
    return () => stopper.current?.abort();
  }, []);
  return { answer, error, isLoading, isStale: answer !== null && answer.to !== text, ask };
}
