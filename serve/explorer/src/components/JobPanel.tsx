import { hasEnded, type JobRecord } from "../job_work";
import { fixed } from "../drawing/palette";

interface Props {
  job: JobRecord;
  onCancel: () => void;
}

/** A job on its way: what it does, how far it is, and the button that ends it. */
export function JobPanel({ job, onCancel }: Props) {
  const { done, total, message } = job.progress ?? { done: null, total: null, message: null };
  const waits = job.state === "queued" ? "Waiting for another job to end" : "Starting";
  return (
    <div class="job-panel" role="status" aria-live="polite">
      <div class="job-panel-words">
        <strong>{message ?? waits}</strong>
        {total ? (
          <span class="faint">
            {fixed(done ?? 0, 0)} of {fixed(total, 0)}
          </span>
        ) : null}
      </div>
      {total ? (
        <progress aria-label={message ?? "progress"} max={total} value={done ?? 0} />
      ) : (
        <progress aria-label={message ?? waits} />
      )}
      {!hasEnded(job) && (
        <button type="button" class="quiet" onClick={onCancel}>
          Cancel
        </button>
      )}
    </div>
  );
}
