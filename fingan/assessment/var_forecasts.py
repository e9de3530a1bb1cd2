"""VaR and ES of many days, each forecast from the rows before it alone.

A stretch of days is one piece of work. A baseline is fitted on the rows up to where the first of
them continues from; the model is never fitted again. Whoever forecasts a stretch is handed the rows
up to its last date only, so what comes later cannot matter, and a stretch gives the same bits in
this process and in another.
"""

import multiprocessing
import signal
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import Date, ReturnTable, end_of, log_returns
from fingan.errors import RequestError
from fingan.risk.backtest import FEWEST_SCORED_DAYS
from fingan.risk.measures import expected_shortfall, value_at_risk
from fingan.risk.portfolio import Portfolio, horizon_returns, portfolio_losses
from fingan.scenarios.baselines import baseline
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

MODEL = "model"  # the trained model, beside the names of the baselines
N_DRAWS = 499  # losses of a day kept for the tests that simulate
STRETCH = 250  # days of the model forecast at once
WORTH_A_PROCESS = 20_000_000  # numbers drawn while another process starts

PerDay = Float[Tensor, " n_days"]
PerLevel = Float[Tensor, "n_days n_levels"]
Progress = Callable[[int, int], None]  # days forecast so far, of how many


@dataclass(frozen=True)
class Days:
    """The days that are forecast, and what was lost."""

    rows: tuple[int, ...]
    """Of the price table: the last one that the forecast may use."""
    dates: tuple[pd.Timestamp, ...]
    """On which the loss is known: ``horizon`` rows later."""
    losses: PerDay
    left_out: tuple[pd.Timestamp, ...]
    """Dates of the span on which an asset of the portfolio has no return."""

    @classmethod
    def between(
        cls,
        prices: pd.DataFrame,
        portfolio: Portfolio,
        first: Date,
        last: Date,
        horizon: int,
        log_losses: bool = False,
    ) -> Self:
        """All days whose whole horizon lies within a span.

        Raises:
            RequestError: If the span is too short, or the table holds levels.
        """
        columns = prices[list(portfolio.held)]
        columns.attrs = dict(prices.attrs)
        table = log_returns(columns)
        if table.kind == "level":
            raise RequestError("a portfolio needs prices or returns, but the table holds levels")
        start, end = _bounds(table, first, last)
        offset = len(prices.index) - len(table.dates)
        start = max(start, 1 - offset)  # a day of returns needs a row before it
        least = FEWEST_SCORED_DAYS + horizon - 1
        if end - start < least:
            raise RequestError(
                f"a backtest over {horizon} day{'s' * (horizon > 1)} needs at least {least} rows,"
                f" got {max(end - start, 0)} from {pd.Timestamp(first):%Y-%m-%d} to"
                f" {pd.Timestamp(last):%Y-%m-%d}; the prices run from {prices.index[0]:%Y-%m-%d}"
                f" to {prices.index[-1]:%Y-%m-%d}"
            )
        moves = table.values[start:end].unfold(0, horizon, 1).movedim(-1, -2)
        losses = _losses(moves, portfolio.weights_of(table.assets), log_losses)
        known = (~losses.isnan()).tolist()
        if sum(known) < FEWEST_SCORED_DAYS:
            raise RequestError(
                f"a backtest needs at least {FEWEST_SCORED_DAYS} days on which every asset of the"
                f" portfolio has a return, got {sum(known)} of {len(known)}"
            )
        numbers = [start + number for number, is_known in enumerate(known) if is_known]
        missing = [start + number for number, is_known in enumerate(known) if not is_known]
        return cls(
            rows=tuple(number + offset - 1 for number in numbers),
            dates=tuple(table.dates[number + horizon - 1] for number in numbers),
            losses=losses[torch.tensor(known)],
            left_out=tuple(table.dates[number + horizon - 1] for number in missing),
        )

    def apart(self, n_rows: int) -> list[int]:
        """Positions of days that lie at least so many rows after one another."""
        chosen: list[int] = []
        for position, row in enumerate(self.rows):
            if not chosen or row - self.rows[chosen[-1]] >= n_rows:
                chosen.append(position)
        return chosen


def _losses(
    moves: Float[Tensor, "n_paths horizon n_assets"],
    weights: Float[Tensor, " n_assets"],
    log_losses: bool,
) -> Float[Tensor, " n_paths"]:
    """Of log-returns; as simple returns, or as the log-returns that they are."""
    if log_losses:
        return portfolio_losses(moves.double().sum(-2), weights)
    return portfolio_losses(horizon_returns(moves), weights)


def _bounds(table: ReturnTable, first: Date, last: Date) -> tuple[int, int]:
    try:
        start, end = pd.Timestamp(first).as_unit("ns"), end_of(last)
    except ValueError:
        raise RequestError(
            f"the span must be two dates such as 2020-03-16, got '{first}' to '{last}'"
        ) from None
    return int(table.dates.searchsorted(start)), int(table.dates.searchsorted(end, "right"))


@dataclass(frozen=True)
class DayForecasts:
    """What one forecaster said before each day."""

    value_at_risk: PerLevel
    expected_shortfall: PerLevel
    transform: PerDay
    """Chance that it gave to a lower return than what came: small is a large loss."""
    draws: Float[Tensor, "n_days n_draws"]
    """Losses of the first paths."""


Over = Callable[["Desk", Sequence["Stretch"]], Iterator[DayForecasts]]
"""Who forecasts stretches, in their order: this process, several, or a cluster."""


def joined(pieces: Sequence[DayForecasts]) -> DayForecasts:
    """Forecasts of successive days, one after another."""
    return DayForecasts(
        torch.cat([piece.value_at_risk for piece in pieces]),
        torch.cat([piece.expected_shortfall for piece in pieces]),
        torch.cat([piece.transform for piece in pieces]),
        torch.cat([piece.draws for piece in pieces]),
    )


@dataclass(frozen=True)
class Stretch:
    """Successive days of one forecaster."""

    forecaster: str
    fit_row: int
    """Last row that a baseline is fitted on."""
    first: int
    last: int
    """Positions among the days, the last one excluded."""


@dataclass(frozen=True)
class Desk:
    """All that a stretch needs; each process holds one."""

    prices: pd.DataFrame
    days: Days
    portfolio: Portfolio
    model: Sampler | None
    levels: tuple[float, ...]
    horizon: int
    n_paths: int
    window: int
    seed: int
    log_losses: bool

    def stretches(self, baselines: Sequence[str], refit: int) -> list[Stretch]:
        """The whole work: the model's days, then each baseline's from fit to fit."""
        rows = self.days.rows
        cuts = [*range(0, len(rows), STRETCH), len(rows)] if self.model is not None else []
        work = [Stretch(MODEL, -1, *ends) for ends in pairwise(cuts)]
        for fit_row in range(rows[0], rows[-1] + 1, refit):
            first, last = bisect_left(rows, fit_row), bisect_left(rows, fit_row + refit)
            if first < last:
                work += [Stretch(name, fit_row, first, last) for name in baselines]
        return work

    def size(self, work: Sequence[Stretch]) -> int:
        """Numbers to be drawn."""
        n_assets = len(self.portfolio.held)
        return sum(one.last - one.first for one in work) * self.n_paths * self.horizon * n_assets

    def forecast(self, stretch: Stretch) -> DayForecasts:
        """Forecast the days of a stretch."""
        rows = self.days.rows[stretch.first : stretch.last]
        sampler, oldest = self._forecaster(stretch)
        known = self._rows(oldest, rows[-1] + 1, sampler.assets)
        dates = [self.prices.index[row] for row in rows]
        weights = self.portfolio.weights_of(sampler.assets)
        cubes = forecasts(sampler, known, dates, self.horizon, self.n_paths, seed=self.seed)
        outcomes = self.days.losses[stretch.first : stretch.last]
        measured = [
            self._measured(_losses(cube, weights, self.log_losses), outcome)
            for cube, outcome in zip(cubes, outcomes, strict=True)
        ]
        return joined(measured)

    def _forecaster(self, stretch: Stretch) -> tuple[Sampler, int]:
        """Who forecasts, and the oldest row that matters to it."""
        if stretch.forecaster == MODEL:
            assert self.model is not None, stretch
            return self.model, 0
        oldest = stretch.fit_row + 1 - self.window
        assert oldest >= 0, stretch
        past = self._rows(oldest, stretch.fit_row + 1, self.portfolio.held)
        return baseline(stretch.forecaster, past), oldest

    def _rows(self, first: int, last: int, assets: Sequence[str]) -> pd.DataFrame:
        table = self.prices.iloc[first:last][list(assets)]
        table.attrs = dict(self.prices.attrs)
        return table

    def _measured(
        self, losses: Float[Tensor, " n_paths"], outcome: Float[Tensor, ""]
    ) -> DayForecasts:
        worse = (losses > outcome).sum() + (losses == outcome).sum() / 2
        return DayForecasts(
            torch.stack([value_at_risk(losses, level) for level in self.levels])[None],
            torch.stack([expected_shortfall(losses, level) for level in self.levels])[None],
            ((worse + 0.5) / (len(losses) + 1)).double()[None],
            losses[None, :N_DRAWS].clone(),
        )


def forecast_days(
    desk: Desk, work: Sequence[Stretch], over: Over, progress: Progress | None = None
) -> dict[str, DayForecasts]:
    """Do all the work.

    Args:
        desk: What it needs.
        work: Stretches, each forecaster's in order of time.
        over: Who does it; changes the speed, not the result.
        progress: Told after each stretch how many days are done, of how many.

    Returns:
        By forecaster, in the order of ``work``.
    """
    pieces: dict[str, list[DayForecasts]] = {stretch.forecaster: [] for stretch in work}
    done, n_days = 0, sum(stretch.last - stretch.first for stretch in work)
    for stretch, piece in zip(work, over(desk, work), strict=True):
        pieces[stretch.forecaster].append(piece)
        done += stretch.last - stretch.first
        if progress is not None:
            progress(done, n_days)
    return {name: joined(found) for name, found in pieces.items()}


def over_processes(
    desk: Desk, work: Sequence[Stretch], n_processes: int = 1
) -> Iterator[DayForecasts]:
    """Forecast in this process or, where that is worth it, in several with one thread each."""
    if n_processes == 1 or desk.size(work) < WORTH_A_PROCESS:
        yield from map(desk.forecast, work)
        return
    pool = ProcessPoolExecutor(
        n_processes, multiprocessing.get_context("spawn"), _sit_down, (desk,)
    )
    try:
        yield from pool.map(_forecast_here, work)
    finally:
        pool.shutdown(cancel_futures=True)


_desks: list[Desk] = []  # of a worker process: its one desk


def _sit_down(desk: Desk) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    torch.set_num_threads(1)
    _desks[:] = [desk]


def _forecast_here(stretch: Stretch) -> DayForecasts:
    return _desks[0].forecast(stretch)
