/** The service as the page asks it: JSON both ways, problems in words. */

export interface ProblemDocument {
  type?: string;
  title: string;
  status: number;
  detail: string;
  errors?: { pointer: string; detail: string }[];
  request_id?: string;
}

/** What the service refused, in its own words. */
export class ProblemError extends Error {
  constructor(readonly problem: ProblemDocument) {
    super(problem.detail);
  }
}

/** Told of the version that gave an answer. */
export const ANSWERED = "fingan-answered";

const KEY = "fingan-key";
const LATE_TRIES = 20;
const LATE_PAUSE = 1000; // milliseconds

export function key(): string {
  return sessionStorage.getItem(KEY) ?? "";
}

export function keepKey(text: string): void {
  sessionStorage.setItem(KEY, text);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await asked(path, { signal })).json() as Promise<T>;
}

export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const answer = await asked(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    signal,
  });
  return answer.json() as Promise<T>;
}

export async function remove<T>(path: string): Promise<T> {
  return (await asked(path, { method: "DELETE" })).json() as Promise<T>;
}

/** A file that the browser keeps; large ones are better fetched with the line beside the button. */
export async function download(path: string, body: unknown, accept: string, name: string): Promise<void> {
  const answer = await asked(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Accept: accept },
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** An answer; one that is late is asked for again, for the service works on it meanwhile. */
async function asked(path: string, init: RequestInit): Promise<Response> {
  for (let left = LATE_TRIES; ; left--) {
    try {
      return await askedOnce(path, init);
    } catch (problem) {
      if (left === 0 || init.signal?.aborted || !isLate(problem)) throw problem;
      await new Promise((resume) => setTimeout(resume, LATE_PAUSE));
    }
  }
}

function isLate(problem: unknown): boolean {
  return problem instanceof ProblemError && problem.problem.type === "urn:fingan:problem:answer-late";
}

async function askedOnce(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (key()) headers.set("Authorization", `Bearer ${key()}`);
  let answer: Response;
  try {
    answer = await fetch(path.replace(/^\//, ""), { ...init, headers });
  } catch (lost) {
    if (init.signal?.aborted) throw lost;
    throw new ProblemError({
      title: "No answer",
      status: 0,
      detail: "The service does not answer; is it running?",
    });
  }
  const version = answer.headers.get("X-Fingan-Model");
  if (version !== null) dispatchEvent(new CustomEvent<string>(ANSWERED, { detail: version }));
  if (answer.ok) return answer;
  const document = (await answer.json().catch(() => null)) as ProblemDocument | null;
  throw new ProblemError(
    document ?? { title: answer.statusText, status: answer.status, detail: `HTTP ${answer.status}` },
  );
}
