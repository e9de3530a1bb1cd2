"""A screen walked forward in parallel: ``python -m ray_jobs.screen --config screen.toml``.

Each quarter of dates, with its refit, is one Ray task for each generator; the record is the one
that ``fingan screen --validate`` gives, and it is kept in the store beside the model. A quarter
that is done stands in a file, so that a killed job goes on with ``--resume``.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from fingan import pipeline
from fingan.config import Config, load_config
from fingan.data.prices import read_prices
from fingan.data.quality import data_digest
from fingan.files import remove_folder, whole_file
from fingan.screening.records import save_validation
from fingan.screening.rule import rule_of
from fingan.screening.specification import ScreenSpec
from fingan.screening.trials import count_trials, log_trial
from fingan.screening.validation import Subject, validate
from fingan.screening.walk_forward import Stretch, Walk, Walker, WalkForwardDesign, first_unseen
from ray_jobs.command import (
    digest,
    exit_code,
    job_parser,
    out_file,
    overrides,
    place,
    say,
    show,
)
from ray_jobs.job import ReadingConfig
from ray_jobs.tasks import Tasks, kept, opened

Outcome = dict[str, Any]


class DesignConfig(Config):
    """How the screen is walked; what is not given is the library's default."""

    every: Literal["month"] | PositiveInt | None = None
    """``month``, or every so many rows."""

    refit: Literal["quarter"] | PositiveInt | None = None
    """``quarter``, or after so many rows."""

    purge: NonNegativeInt | None = None
    """Rows between the last one fitted on and the date; the horizon if not given."""

    lag: PositiveInt | None = None
    """Rows from the date to the first return that counts."""

    later: NonNegativeInt | None = None
    """Further windows in which the score's decay is shown."""

    n_paths: int | None = Field(default=None, ge=100)
    """Scenarios a date and generator."""


class ScreenJob(Tasks):
    """The out-of-sample record of a screen."""

    model: str
    """``name`` for the newest version when the job starts, or ``name@version``."""

    prices: str
    """A price file, a path or URL; or sp500-20, sp500-index (bundled)."""

    out: str
    """Where the record is written, JSON; the store of the model keeps it too."""

    store: str | None = None
    """Of the model; ``FINGAN_STORE``, else ``./models``."""

    first: str | None = None
    """First date; the first after training if not given."""

    last: str | None = None
    """Last date; the last whose outcome is known if not given."""

    in_sample: bool = False
    """Whether dates that the model was trained on are allowed."""

    design: DesignConfig = DesignConfig()
    """How the screen is walked."""

    screen: ScreenSpec = Field(default_factory=ScreenSpec)
    """The screen, as ``fingan screen`` takes it."""

    reading: ReadingConfig = ReadingConfig()
    """How the price file is to be read."""


def run(job: ScreenJob, *, resume: bool = False) -> Outcome:
    """Walk the screen forward, write the record.

    Raises:
        FinganError: If the caller can mend it.
        WorkersLostError: If a worker died too often.
    """
    store = place(job.store or pipeline.default_store(), "--store")
    sampler = pipeline.load_model(job.model, store)
    prices = read_prices(job.prices, **job.reading.model_dump(exclude_unset=True))
    rule = rule_of(job.screen, sampler.assets)
    design = WalkForwardDesign(
        first=job.first or first_unseen(prices.index, sampler.fitted_until, sampler.reference),
        last=job.last,
        seed=job.screen.seed,
        **job.design.model_dump(exclude_none=True),
    )
    out = out_file(job.out)
    asked = job.model_dump(mode="json", exclude={"workers", "max_failures", "out", "store"})
    key = digest([asked, sampler.digest, data_digest(prices)])
    parts = opened(out, key, resume=resume)
    said = {"validation": True, "model": sampler.reference, "model_digest": sampler.digest}
    begun = any(parts.iterdir())  # and logged
    trials = count_trials(store, job.screen.digest())
    n_trials = trials.with_those_of(sampler.card) + (not begun)

    def over_tasks(walker: Walker, work: Sequence[Stretch]) -> Iterator[Walk]:
        nonlocal begun
        if not begun:  # what was refused is no trial, what was resumed no other
            log_trial(store, job.screen.digest(), said)
            begun = True
        return kept(walker.walk, work, Walk, parts, job)

    found = validate(
        partial(pipeline.refit, sampler),
        prices,
        rule,
        design,
        Subject(sampler.reference, sampler.digest, job.screen.digest(), sampler.fitted_until),
        references={name: partial(pipeline.baseline, name) for name in job.screen.references},
        n_trials=n_trials,
        in_sample=job.in_sample,
        over=over_tasks,
        progress=lambda name, done, total: say(f"{name}: {done} of {total} dates walked"),
    )
    record = found.record()
    save_validation(store, record)
    with whole_file(out) as file:
        file.write(json.dumps(record, indent=2).encode())
    remove_folder(parts)
    return {
        "out": out,
        "model": sampler.reference,
        "trials": n_trials,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands after ``python -m ray_jobs.screen``; None for the process's own.
    """
    parser = job_parser(
        "screen",
        "Walk a screen forward, in parallel, and judge what it said.",
        "python -m ray_jobs.screen --config ray_jobs/configs/screen.toml --out record.json",
    )
    parser.add_argument("--out", metavar="FILE", help="replaces the job's file")
    given = parser.parse_args(arguments)

    def work() -> None:
        job = load_config(ScreenJob, given.config, overrides(given, "store", "out"))
        show(run(job, resume=given.resume), as_json=given.json)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
