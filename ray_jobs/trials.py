"""What runs in one trial: the library trains, the sweep hears the score at each check."""

import logging
import math
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from statistics import mean
from typing import Any

import pandas as pd

from fingan.data.returns import log_returns
from fingan.errors import FinganError, TrainingDivergedError
from fingan.files import folder
from fingan.pipeline import TrainingRun
from fingan.training.config import TrainConfig
from fingan.training.distributed import from_first_worker
from fingan.training.loop import Progress
from fingan.training.members import Member
from fingan.training.selection import collapse
from fingan.training.state import latest_step
from ray_jobs.cluster import ray_storage
from ray_jobs.sweep import SweepJob
from ray_jobs.workers import EXCHANGE_SECONDS

Report = dict[str, Any]

WAITING, WORKING = 0.1, 0.9  # processors of a trial that awaits its workers, and of each
WORST = 1e6  # score of a trial without a sound check; searchers take finite numbers alone


def flat_trial(given: Report, prices: pd.DataFrame, place: Report) -> None:
    """One trial in one process.

    Args:
        given: ``train``, the configuration as JSON; ``directory`` of its checkpoints.
        prices: The training period.
        place: ``name``, ``store``, ``device`` and ``mlflow`` of every trial.
    """
    from ray import tune

    logging.getLogger().setLevel(logging.WARNING)
    for report in reports(given, prices, place):
        tune.report(report)


def distributed_trial(given: Report, prices: Any, place: Report, job: SweepJob) -> None:
    """One trial of several workers, started and awaited here.

    Args:
        given: As for :func:`flat_trial`.
        prices: A reference to the training period.
        place: As for :func:`flat_trial`.
        job: Workers and failures.
    """
    from ray.train import FailureConfig, LoggingConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    share = {"GPU": 1.0} if job.use_gpu else {"CPU": WORKING}
    TorchTrainer(
        _work_on_trial,
        train_loop_config={"given": given, "prices": prices, "place": place},
        torch_config=TorchConfig(timeout_s=EXCHANGE_SECONDS),
        scaling_config=ScalingConfig(
            num_workers=job.team, use_gpu=job.use_gpu, resources_per_worker=share
        ),
        run_config=RunConfig(
            name=uuid.uuid4().hex,
            **ray_storage(folder(given["directory"]) / "ray"),
            callbacks=[TuneReportCallback()],
            failure_config=FailureConfig(max_failures=job.max_failures, controller_failure_limit=1),
            logging_config=LoggingConfig(log_level="ERROR"),
        ),
    ).fit()


def _work_on_trial(told: dict[str, Any]) -> None:
    import ray
    from ray.train import report as tell
    from ray.train.torch import get_device

    place = told["place"] | {"device": str(get_device())}
    for report in reports(told["given"], ray.get(told["prices"]), place):
        tell(report)


def reports(given: Report, prices: pd.DataFrame, place: Report) -> Iterator[Report]:
    """The score at each check, and how the trial ended.

    A trial that diverges, or whose configuration does not fit the data, ends with ``problem``.
    """
    run = trial_run(given, prices, place)
    from_first_worker(partial(_opened, run), run.device)
    report: Report = {"score": WORST, "publishes": 0, "checks": 0, "step": 0}
    try:
        for progress in run.steps(publish=False):
            if progress.is_check:
                report = _report(progress)
                yield report
    except (FinganError, TrainingDivergedError) as end:
        end_of = {"score": WORST, "checks": report["checks"] + 1, "problem": str(end)}
        yield report | end_of


def _opened(run: TrainingRun) -> bytes:
    if not run.resume:
        run.open()
    return b""


def trial_run(given: Report, prices: pd.DataFrame, place: Report) -> TrainingRun:
    """The run of a trial, resumed where it stands."""
    directory = folder(given["directory"])
    run = TrainingRun(
        prices=prices,
        returns=log_returns(prices),
        config=TrainConfig.model_validate(given["train"]),
        name=place["name"],
        store=place["store"],
        directory=directory,
        device=place["device"],
        mlflow=place["mlflow"],
        population=given.get("population"),
    )
    return replace(run, resume=latest_step(directory) is not None)


def _report(progress: Progress) -> Report:
    """How good the networks have become, and whether the selection rule would publish them."""
    members = progress.state.members
    score = mean(map(_reached, members))
    return {
        "score": score if math.isfinite(score) else WORST,
        "publishes": sum(member.best_step > 0 for member in members),
        "checks": sum(one["step"] > 0 for member in members for one in member.curve),
        "step": progress.step,
        "is_whole": progress.step == progress.total_steps,
        "seconds": round(progress.seconds, 2),
    }


def _reached(member: Member) -> float:
    """Lowest validation score of a check without a collapse, the untrained start left out.

    The rule publishes the start unless a network beats it by a standard error, and the starts of
    all trials are one: their scores would not tell trials apart.
    """
    sound = [one for one in member.curve if one["step"] > 0 and collapse(one) is None]
    return min((one["validation_score"] for one in sound), default=math.inf)
