"""A backtest in parallel: ``python -m ray_jobs.backtest --config backtest.toml``.

Each stretch of days, with its refits, is one Ray task; the record is the one that ``fingan
backtest`` gives, whatever the number of tasks. A stretch that is done stands in a file, so that a
killed job goes on with ``--resume``.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field, NonNegativeInt, PositiveInt

from fingan.assessment.var_backtest import LEVELS, OPPONENTS, Design, backtest
from fingan.assessment.var_forecasts import DayForecasts, Desk, Stretch
from fingan.config import load_config
from fingan.data.prices import read_prices
from fingan.data.quality import data_digest
from fingan.files import remove_folder, whole_file
from fingan.pipeline import default_store, load_model
from fingan.risk.portfolio import Portfolio, equal_weights, portfolio_of
from fingan.scenarios.baselines import BaselineName
from fingan.scenarios.samplers import TrainedSampler
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

DESIGN = ("levels", "horizon", "baselines", "n_paths", "refit", "window", "seed")


class BacktestJob(Tasks):
    """Daily VaR and ES of a portfolio against what happened, beside the baselines."""

    model: str
    """``name`` for the newest version when the job starts, or ``name@version``."""

    prices: str
    """A price file, a path or URL; or sp500-20, sp500-index (bundled)."""

    out: str
    """Where the record is written, JSON."""

    store: str | None = None
    """Of the model; ``FINGAN_STORE``, else ``./models``."""

    portfolio: dict[str, float] | None = None
    """Weight by asset; equal weights if not given."""

    allow_leverage: bool = False
    """Whether weights need not sum to 1."""

    first: str | None = None
    """First day; the first after training if not given."""

    last: str | None = None
    """Last day."""

    levels: tuple[float, ...] = LEVELS
    """Confidence levels."""

    horizon: PositiveInt = 1
    """Days over which a loss is counted."""

    baselines: tuple[BaselineName, ...] = OPPONENTS
    """Beside the model."""

    n_paths: int = Field(default=10_000, ge=100)
    """Scenarios a day."""

    refit: PositiveInt = 63
    """Rows until baselines are fitted anew."""

    window: int = Field(default=1_500, ge=100)
    """Rows they are fitted on."""

    seed: NonNegativeInt = 0
    """Of the paths."""

    in_sample: bool = False
    """Whether days that the model was trained on are allowed."""

    reading: ReadingConfig = ReadingConfig()
    """How the price file is to be read."""


def run(job: BacktestJob, *, resume: bool = False) -> Outcome:
    """Forecast, judge, write the record.

    Raises:
        FinganError: If the caller can mend it.
        WorkersLostError: If a worker died too often.
    """
    sampler = load_model(job.model, place(job.store or default_store(), "--store"))
    prices = read_prices(job.prices, **job.reading.model_dump(exclude_unset=True))
    out = out_file(job.out)
    asked = job.model_dump(mode="json", exclude={"workers", "max_failures", "out", "store"})
    key = digest([asked, sampler.digest, data_digest(prices)])
    parts = opened(out, key, resume=resume)

    def over_tasks(desk: Desk, work: Sequence[Stretch]) -> Iterator[DayForecasts]:
        return kept(desk.forecast, work, DayForecasts, parts, job)

    found = backtest(
        sampler,
        prices,
        _portfolio(job, sampler),
        first=job.first,
        last=job.last,
        design=Design(**{name: getattr(job, name) for name in DESIGN}),
        in_sample=job.in_sample,
        over=over_tasks,
        progress=_Progress(),
    )
    with whole_file(out) as file:
        file.write(json.dumps(found.record(), indent=2).encode())
    remove_folder(parts)
    return {"out": out, "model": sampler.reference}


def _portfolio(job: BacktestJob, sampler: TrainedSampler) -> Portfolio:
    if job.portfolio is None:
        return equal_weights(sampler.assets)
    return portfolio_of(
        job.portfolio,
        sampler.assets,
        allow_leverage=job.allow_leverage,
        subject=f"model '{sampler.reference}'",
    )


class _Progress:
    """Says how far it is, at each twentieth."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, done: int, total: int) -> None:
        if done * 20 // total > self._told:
            self._told = done * 20 // total
            say(f"{done} of {total} days forecast")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands after ``python -m ray_jobs.backtest``; None for the process's own.
    """
    parser = job_parser(
        "backtest",
        "Forecast value at risk day by day, in parallel, and judge it beside the baselines.",
        "python -m ray_jobs.backtest --config ray_jobs/configs/backtest.toml --out record.json",
    )
    parser.add_argument("--out", metavar="FILE", help="replaces the job's file")
    given = parser.parse_args(arguments)

    def work() -> None:
        job = load_config(BacktestJob, given.config, overrides(given, "store", "out"))
        show(run(job, resume=given.resume), as_json=given.json)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
