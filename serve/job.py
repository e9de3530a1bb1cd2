"""The process of one job: ``python -m serve.job DIRECTORY`` works and writes down how it ended."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fingan.errors import FinganError
from serve.cubes import check_job
from serve.histories import PriceSources
from serve.job_work import WORK, Task
from serve.jobs import ASKED, OUTCOME, PROGRESS, TABLE, kind_of, now, read, write
from serve.model_shelf import ModelShelf
from serve.problems import Problem
from serve.questions import read_plain
from serve.settings import ServiceSettings
from serve.subjects import Subjects

TELL_SECONDS = 0.5  # between two notes of progress


def work(directory: Path) -> None:
    """Do what a job's directory asks, and write the outcome there; nothing is raised."""
    try:
        outcome: dict[str, Any] = {"problem": None, **_worked(directory)}
    except Problem as problem:
        outcome = {"problem": problem.record()}
    except FinganError as mistake:
        outcome = {"problem": Problem.of(mistake).record()}
    except Exception as fault:
        import traceback

        traceback.print_exc()
        ours = Problem(500, "fault", f"an error of ours: {type(fault).__name__}; see the log")
        outcome = {"problem": ours.record()}
    write(directory / OUTCOME, {"ended": now(), **outcome})


def _worked(directory: Path) -> dict[str, Any]:
    asked = read(directory / ASKED)
    settings = ServiceSettings.model_validate(asked["settings"])
    schema, task = WORK[kind_of(asked)]
    query = read_plain(schema, asked["request"])
    shelf = ModelShelf(settings.store, model_bytes=settings.model_bytes)
    subjects = Subjects(shelf, PriceSources(settings.prices), settings.limits)
    table = directory / TABLE
    subject = subjects.of(query, table.read_bytes() if table.exists() else None)
    check_job(query, len(subject.sampler.assets), settings.limits)
    result = task(Task(query, subject, directory, settings.limits, _teller(directory)))
    return {
        "reference": subject.reference,
        "file": result.file,
        "media_type": result.media_type,
        "suffix": result.suffix,
    }


def _teller(directory: Path) -> Any:
    """Writes progress down, now and then."""
    last = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= TELL_SECONDS or done == total:
            last = time.monotonic()
            write(directory / PROGRESS, {"done": done, "total": total, "message": ""})

    return tell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a job; its outcome stands in its directory."""
    (place,) = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.nice(5)  # answers come before jobs
    work(Path(place))
    return 0


if __name__ == "__main__":
    sys.exit(main())
