"""Train one model with several workers: ``python -m ray_jobs.train --config run.toml``.

The library trains, saves and publishes; Ray starts the workers, starts them again when one has
died, and carries the configuration in and the result out. Every worker that starts goes on from
the library's own newest checkpoint; Ray's run state is used by nobody, and each start of this
program gives it a new name. A directory as store must be the same directory on every node.
"""

import sys
import uuid
from collections.abc import Sequence

from fingan.config import load_config
from fingan.errors import FinganError, TrainingDivergedError
from fingan.files import Folder, remove_folder
from fingan.pipeline import TrainingRun
from ray_jobs.cluster import connect, ray_storage
from ray_jobs.command import WorkersLostError, exit_code, job_parser, overrides, show
from ray_jobs.job import TrainJob
from ray_jobs.runs import prepared_run
from ray_jobs.workers import EXCHANGE_SECONDS, Outcome, train_worker


def train(job: TrainJob, *, resume: bool = False) -> Outcome:
    """Train and publish on a cluster; every mistake shows before a worker starts.

    Args:
        job: What to train, with which workers.
        resume: Go on from the newest checkpoint of the same job.

    Raises:
        FinganError: If the caller can mend it.
        TrainingDivergedError: If a loss or a gradient is not finite; nothing is published.
        WorkersLostError: If workers died too often, or the cluster has no room for them.
    """
    run = prepared_run(job, resume=resume)
    run.open()
    run.share_returns()
    connect(n_cpus=job.workers)
    ray_state = run.directory / "ray"
    try:
        return _fit(job, run, ray_state)
    finally:
        remove_folder(ray_state)


def _fit(job: TrainJob, run: TrainingRun, ray_state: Folder) -> Outcome:
    import ray
    from ray.train import (
        FailureConfig,
        LoggingConfig,
        RunConfig,
        ScalingConfig,
        TrainingFailedError,
    )
    from ray.train.torch import TorchConfig, TorchTrainer

    trainer = TorchTrainer(
        train_worker,
        train_loop_config={
            "prices": ray.put(run.prices),
            "train": job.train.model_dump(mode="json"),
            "name": run.name,
            "store": run.store,
            "directory": str(run.directory),
            "mlflow": run.mlflow,
        },
        torch_config=TorchConfig(timeout_s=EXCHANGE_SECONDS),
        scaling_config=ScalingConfig(num_workers=job.team, use_gpu=job.use_gpu),
        run_config=RunConfig(
            name=uuid.uuid4().hex,
            **ray_storage(ray_state),
            failure_config=FailureConfig(max_failures=job.max_failures, controller_failure_limit=1),
            logging_config=LoggingConfig(log_level="ERROR"),
        ),
    )
    try:
        outcome: Outcome = trainer.fit().return_value
    except TrainingFailedError as failure:
        raise WorkersLostError(_reason(failure, job)) from failure
    match outcome:
        case {"diverged": {"step": step, "values": values}}:
            raise TrainingDivergedError(step, values)
        case {"mistake": text}:
            raise FinganError(text)
    return outcome | {"store": run.store}


def _reason(failure: Exception, job: TrainJob) -> str:
    """Why Ray gave up, in one sentence."""
    lost = getattr(failure, "worker_failures", None)
    if lost is None:
        kind = "GPU" if job.use_gpu else "CPU"
        least = job.min_workers or job.workers
        return (
            f"the cluster must start {least} workers of one {kind} each, but did not:"
            f" {_first_line(failure)}"
        )
    rank, last = min(lost.items())
    return (
        f"workers may fail {job.max_failures} times, but failed again, worker {rank} with:"
        f" {_first_line(last)}; go on with --resume"
    )


def _first_line(failure: Exception) -> str:
    cause = getattr(failure, "controller_failure", failure)
    lines = str(cause).strip().splitlines() or [""]
    return f"{type(cause).__name__}: {lines[0]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands after ``python -m ray_jobs.train``; None for the process's own.
    """
    parser = job_parser(
        "train",
        "Train a model with several workers and publish it in the store.",
        "python -m ray_jobs.train --config ray_jobs/configs/smoke.toml --workers 2",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="replaces the job's number of workers"
    )
    given = parser.parse_args(arguments)

    def work() -> None:
        job = load_config(TrainJob, given.config, overrides(given, "workers", "store"))
        outcome = train(job, resume=given.resume)
        short = {name: outcome[name] for name in ("model", "store")}
        show(outcome if given.json else short, as_json=given.json)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
