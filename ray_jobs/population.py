"""Population-based training: who is behind goes on from a better one's networks, with new values.

Members train side by side. After every ``perturb`` checks each of the worst quarter takes over the
checkpoint of one of the best, and its values, each of which then moves a step or is drawn anew.
What a member has been through stands in ``schedule.json`` beside its checkpoints, travels with
them, and goes into the card of the winner. Each move counts as one more configuration tried.

Source: Jaderberg et al. (2017), Population based training of neural networks, section 3, by Ray
Tune's scheduler.
"""

import json
import random
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from fingan.files import Folder, folder, whole_file
from fingan.training.state import latest_step, newest_checkpoint
from ray_jobs.journal import Journal
from ray_jobs.sweep import SweepJob, Values
from ray_jobs.trials import reports

SCHEDULE = "schedule.json"
REDRAWN = 0.25  # of the values that move: drawn anew

Schedule = list[dict[str, Any]]
"""From which ``step`` on a member trained with which ``values``."""


def population_scheduler(job: SweepJob, moves: Journal) -> Any:
    """Ray Tune's scheduler, which writes every move into a journal."""
    from ray.tune.schedulers import PopulationBasedTraining

    return PopulationBasedTraining(
        time_attr="checks",
        perturbation_interval=job.perturb,
        custom_explore_fn=partial(_moved, job=job, moves=moves),
        log_config=False,
    )


def _moved(config: dict[str, Any], *, job: SweepJob, moves: Journal) -> dict[str, Any]:
    """The values of a better member, each moved."""
    before, number = config["told"]["values"], len(moves.entries())
    values = perturbed(before, job, random.Random(f"{job.seed}/move/{number}"))
    moves.append({"from": before, "values": values})
    return {"told": config["told"] | {"values": values}}


def perturbed(values: Values, job: SweepJob, source: random.Random) -> Values:
    """Each value a fifth more or less, or a choice further, or drawn anew."""
    return {
        key: dimension.draw(source)
        if source.random() < REDRAWN
        else dimension.neighbour(values[key], source)
        for key, dimension in job.space.items()
    }


def members(job: SweepJob, ended: Sequence[int], trials: Folder) -> list[dict[str, Any]]:
    """Those that have not ended, with the values that they last trained with."""
    left = [number for number in range(1, job.n_trials) if number not in ended]
    schedules = {number: schedule_in(trials / member_name(number)) for number in left}
    return [
        {"member": number, "values": schedule[-1]["values"] if schedule else job.drawn(number)}
        for number, schedule in schedules.items()
    ]


def member_name(number: int) -> str:
    """Of a member's directory, and of its trial."""
    return f"member-{number}"


def schedule_in(directory: Folder) -> Schedule:
    """What the member of this directory has been through; nothing before its first check."""
    path = directory / SCHEDULE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def member_trial(given: dict[str, Any], prices: pd.DataFrame, place: dict[str, Any]) -> None:
    """Train one member, from where it stands or from what it took over.

    Args:
        given: ``values``, ``train`` and ``directory``, and ``population``, whose checkpoints it
            may take over.
        prices: The training period.
        place: As for every trial.
    """
    from ray import tune

    directory = folder(given["directory"])
    checkpoint = tune.get_checkpoint()
    if checkpoint is not None:
        with checkpoint.as_directory() as taken:
            take_over(Path(taken), directory)
    schedule = schedule_in(directory)
    if not schedule or schedule[-1]["values"] != given["values"]:
        schedule.append({"step": latest_step(directory) or 0, "values": given["values"]})
    for report in reports(given, prices, place):
        with whole_file(str(directory / SCHEDULE)) as file:
            file.write(json.dumps(schedule).encode())
        with tempfile.TemporaryDirectory() as name:
            _copy(directory, Path(name))
            tune.report(report, checkpoint=tune.Checkpoint.from_directory(name))


def take_over(taken: Path, directory: Folder) -> None:
    """Another's checkpoint in the place of one's own; logs stay."""
    directory.mkdir(parents=True, exist_ok=True)
    _copy(taken, directory)
    kept = newest_checkpoint(taken)
    for path in [one for one in directory.iterdir() if one.name.startswith("step-")]:
        if kept is not None and path.name != kept.name:
            path.unlink()


def _copy(source: Folder, target: Folder) -> None:
    """The newest checkpoint and the schedule."""
    newest = newest_checkpoint(source)
    for path in (newest, source / SCHEDULE):
        if path is not None and path.exists():
            with whole_file(str(target / path.name)) as file:
                file.write(path.read_bytes())
