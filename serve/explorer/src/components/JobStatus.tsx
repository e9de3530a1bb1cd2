import { hasEnded, type JobWork } from "../job_work";
import { Chip, Failed } from "./index";
import { JobPanel } from "./JobPanel";

interface Props<T> {
  work: JobWork<T>;
  /** Where none has been run. */
  empty: string;
}

/** How a job stands: on its way, failed, cancelled, none yet; once its result is here, whose it is if not the version looked at. */
export function JobStatus<T>({ work, empty }: Props<T>) {
  const { job, result, error, isWaiting } = work;
  if (error !== null) return <Failed problem={error} />;
  if (job !== null && !hasEnded(job)) return <JobPanel job={job} onCancel={work.cancel} />;
  if (job?.state === "failed" || job?.state === "cancelled") {
    const isCancelled = job.state === "cancelled";
    return (
      <Failed
        problem={{
          status: 0,
          title: isCancelled ? "The job was cancelled" : "The job failed",
          detail: isCancelled
            ? "Start it again to have its figures."
            : (job.problem?.detail ?? "It left no reason."),
        }}
      />
    );
  }
  if (isWaiting) return <p class="faint" role="status">Looking for the last run…</p>;
  if (result === null) return <p class="empty">{empty}</p>;
  if (work.other === null) return null;
  return (
    <p>
      <Chip tone="warn">these figures are of {work.other}, not of the version above</Chip>
    </p>
  );
}
