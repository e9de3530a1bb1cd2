"""Train one model with several workers: ``python -m ray_jobs.train --config run.toml``.

The library trains, saves and publishes; Ray starts the workers, starts them again when one has
died, and carries the configuration in and the result out. Every worker that starts goes on from
the library's own newest checkpoint; Ray's run state is used by nobody, and each start of this
program gives it a new name. A directory as store must be the same directory on every node.
"""

import argparse
import json
import shutil
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fingan.config import load_config
from fingan.data.options import check_options
from fingan.data.prices import read_prices
from fingan.errors import FinganError, RequestError, TrainingDivergedError
from fingan.files import local_path
from fingan.pipeline import TrainingRun, default_store
from fingan.pipeline import train as prepare_run
from ray_jobs.cluster import connect, is_temporary
from ray_jobs.job import TrainJob
from ray_jobs.workers import Outcome, train_worker

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
EXCHANGE_SECONDS = 60  # after which a worker gives up waiting for the others


class WorkersLostError(Exception):
    """Workers died more often than the job allows, or could not be started."""


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
    run = _open_run(job, resume=resume)
    connect(n_cpus=job.workers)
    ray_state = run.directory / "ray"
    try:
        return _fit(job, run, ray_state)
    finally:
        shutil.rmtree(ray_state, ignore_errors=True)


def _open_run(job: TrainJob, *, resume: bool) -> TrainingRun:
    """Read the prices, once for all workers, and make the run's directory ready."""
    reading = job.reading.model_dump(exclude_unset=True)
    try:
        check_options(reading)
    except ValueError as contradiction:
        raise RequestError(f"[reading]: {contradiction}") from None
    run = prepare_run(
        read_prices(job.prices, **reading),
        job.train,
        name=job.name,
        store=_place(job.store or default_store()),
        until=job.until,
        resume=resume,
    )
    run = replace(run, directory=run.directory.absolute())  # workers stand elsewhere
    run.open()
    return run


def _place(store: str) -> str:
    """The store as every worker can find it, wherever it stands itself."""
    path = local_path(store)
    if path is None:
        return store
    path = path.expanduser().absolute()
    if is_temporary(path):
        sys.stderr.write(
            f"note: {path} is in the job's working directory, which Ray deletes some day;"
            " give --store an absolute path or a URL to keep the model\n"
        )
    return str(path)


def _fit(job: TrainJob, run: TrainingRun, ray_state: Path) -> Outcome:
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
        },
        torch_config=TorchConfig(timeout_s=EXCHANGE_SECONDS),
        scaling_config=ScalingConfig(num_workers=job.workers, use_gpu=job.use_gpu),
        run_config=RunConfig(
            name=uuid.uuid4().hex,
            storage_path=str(ray_state),
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
        return (
            f"the cluster must start {job.workers} workers of one {kind} each, but did not:"
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
    given = _parser().parse_args(arguments)
    try:
        outcome = train(_job(given), resume=given.resume)
    except FinganError as mistake:
        return _complain(mistake, BAD_INPUT)
    except (TrainingDivergedError, WorkersLostError) as failure:
        return _complain(failure, FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: go on with --resume\n")
        return INTERRUPTED
    if given.json:
        sys.stdout.write(json.dumps(outcome, indent=2) + "\n")
    else:
        sys.stdout.write(f"model  {outcome['model']}\nstore  {outcome['store']}\n")
    return DONE


def _job(given: argparse.Namespace) -> TrainJob:
    """The job of the file, with single values replaced."""
    named = {"workers": given.workers, "store": given.store}
    settings = [f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None]
    return load_config(TrainJob, given.config, [*given.settings, *settings])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ray_jobs.train",
        description="Train a model with several workers and publish it in the store.",
        epilog="Example: python -m ray_jobs.train --config ray_jobs/configs/smoke.toml --workers 2",
    )
    add = parser.add_argument
    add("--config", type=Path, required=True, metavar="FILE", help="the job, TOML")
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace one value, as in --set train.steps=200; may be repeated",
    )
    add("--workers", type=int, metavar="N", help="replaces the job's number of workers")
    add("--store", metavar="PLACE", help="replaces the job's model store")
    add("--resume", action="store_true", help="go on from the job's newest checkpoint")
    add("--json", action="store_true", help="print one JSON object on stdout")
    return parser


def _complain(failure: Exception, code: int) -> int:
    """Say in one line what went wrong."""
    sys.stderr.write(f"error: {' '.join(str(failure).split()).rstrip('.')}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
