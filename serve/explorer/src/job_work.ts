/** Long work: a job is started, followed until it ends, and its result fetched. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { get, post, type ProblemDocument, remove } from "./api";
import { problemOf, useUrlState } from "./state";

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface JobRecord {
  id: string;
  kind: string;
  model: string;
  /** The version that did it; null before its end. */
  reference: string | null;
  state: JobState;
  progress: { done: number | null; total: number | null; message: string | null } | null;
  created: string;
  started: string | null;
  ended: string | null;
  problem: { title?: string; detail?: string } | null;
  result: string | null;
}

export interface JobWork<T> {
  job: JobRecord | null;
  result: T | null;
  error: ProblemDocument | null;
  isWaiting: boolean;
  /** The version that did it, where it is not the one that is looked at. */
  other: string | null;
  start: (request: Record<string, unknown>) => void;
  cancel: () => void;
}

const POLL_MS = 800;

export function hasEnded(job: JobRecord): boolean {
  return job.state !== "queued" && job.state !== "running";
}

/**
 * The job that the URL names; else the newest one of this kind and version that came to an end.
 *
 * @param kind - What the service calls it.
 * @param version - Whose jobs are looked through.
 */
export function useJob<T>(kind: string, version: string): JobWork<T> {
  const [id, setId] = useUrlState(`${kind}-job`, "");
  const [job, setJob] = useState<JobRecord | null>(null);
  const [result, setResult] = useState<T | null>(null);
  const [error, setError] = useState<ProblemDocument | null>(null);
  const [isWaiting, setWaiting] = useState(true);

  useEffect(() => {
    const stopper = new AbortController();
    const follow = async (): Promise<void> => {
      setError(null);
      setWaiting(true);
      const found = id === "" ? await newest(kind, version, stopper.signal) : id;
      if (found === null) {
        setJob(null);
        setResult(null);
        setWaiting(false);
        return;
      }
      const ended = await untilEnd(found, setJob, stopper.signal);
      if (ended.state === "succeeded" && ended.result !== null) {
        setResult(await get<T>(ended.result, stopper.signal));
      } else {
        setResult(null);
      }
      setWaiting(false);
    };
    follow().catch((failure: unknown) => {
      if (stopper.signal.aborted) return;
      setError(problemOf(failure));
      setWaiting(false);
    });
    return () => stopper.abort();
  }, [id, kind, version]);

  const start = useCallback(
    (request: Record<string, unknown>) => {
      setError(null);
      setWaiting(true);
      post<JobRecord>("/v1/jobs", { kind, request })
        .then((begun) => {
          setJob(begun);
          setId(begun.id);
        })
        .catch((failure: unknown) => {
          setError(problemOf(failure));
          setWaiting(false);
        });
    },
    [kind, setId],
  );
  const cancel = useCallback(() => {
    if (job !== null) remove(`/v1/jobs/${job.id}`).catch((failure: unknown) => setError(problemOf(failure)));
  }, [job]);
  const by = job?.reference ?? null;
  const other = by === null || by === version ? null : by;
  return { job, result, error, isWaiting, other, start, cancel };
}

async function newest(kind: string, version: string, signal: AbortSignal): Promise<string | null> {
  const { jobs } = await get<{ jobs: JobRecord[] }>("/v1/jobs", signal);
  const own = jobs.filter(
    (job) => job.kind === kind && job.state === "succeeded" && (job.reference ?? job.model) === version,
  );
  own.sort((a, b) => b.created.localeCompare(a.created));
  return own[0]?.id ?? null;
}

async function untilEnd(
  id: string,
  tell: (job: JobRecord) => void,
  signal: AbortSignal,
): Promise<JobRecord> {
  for (;;) {
    const job = await get<JobRecord>(`/v1/jobs/${id}`, signal);
    tell(job);
    if (hasEnded(job)) return job;
    await pause(POLL_MS, signal);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    });
  });
}
