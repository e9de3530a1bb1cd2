"""What runs on each worker: pull the library's training loop, report, say how it ended."""

import logging
import sys
from typing import Any

import pandas as pd

from fingan.errors import FinganError, TrainingDivergedError
from fingan.files import folder
from fingan.pipeline import TrainingRun, returns_of
from fingan.training.config import TrainConfig
from fingan.training.loop import Progress

EXCHANGE_SECONDS = 60  # after which a worker gives up waiting for the others

Outcome = dict[str, Any]
"""JSON: ``model`` and ``scores``, or ``mistake``, or ``diverged``."""


def train_worker(job: dict[str, Any]) -> Outcome:
    """Train as one of several workers.

    Args:
        job: ``prices`` (a reference to the table), ``train``, ``name``, ``store``, ``directory``,
            ``mlflow``.

    Returns:
        How training ended. An end that starting again would only repeat is returned, not raised:
        Ray starts workers again after every exception.
    """
    import ray
    from ray.train import get_context, report
    from ray.train.torch import get_device

    logging.getLogger().setLevel(logging.WARNING)  # else Ray repeats every report of every worker
    run = _run(job, ray.get(job["prices"]), str(get_device()))
    is_first, scores = get_context().get_world_rank() == 0, {}
    try:
        for progress in run.steps():
            scores = progress.metrics
            if progress.is_check:
                report({"step": progress.step, **scores})
                if is_first:
                    _say(progress)
    except TrainingDivergedError as end:
        return {"diverged": {"step": end.step, "values": end.values}}
    except FinganError as mistake:
        return {"mistake": str(mistake)}
    return {"model": run.reference, "scores": scores}


def _run(job: dict[str, Any], prices: pd.DataFrame, device: str) -> TrainingRun:
    directory = folder(job["directory"])
    return TrainingRun(
        prices=prices,
        returns=returns_of(prices, directory),
        config=TrainConfig.model_validate(job["train"]),
        name=job["name"],
        store=job["store"],
        directory=directory,
        device=device,
        mlflow=job["mlflow"],
    )


def _say(progress: Progress) -> None:
    """A line on stderr, which Ray shows where the job was started."""
    terms = "  ".join(
        f"{name.replace('_', ' ')} {value:.4g}" for name, value in progress.metrics.items()
    )
    several = progress.n_members > 1
    member = f", generator {progress.member + 1} of {progress.n_members}" if several else ""
    sys.stderr.write(f"step {progress.step}/{progress.total_steps}{member}  {terms}\n")
    if progress.warning is not None:
        sys.stderr.write(f"warning: step {progress.step}: {progress.warning}\n")
    sys.stderr.flush()
