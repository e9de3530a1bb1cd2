"""A screen walked forward: at each date it knows the rows up to that date alone.

A generator is fitted again every quarter on rows that end ``purge`` rows before the first date it
is used at; at a date it is handed the table cut at that date, so that nothing later can reach it.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import pandas as pd
import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor

from fingan.config import Config
from fingan.data.returns import end_of
from fingan.errors import RequestError
from fingan.metrics.scoring_rules import crps
from fingan.scenarios.forecasts import date_seed
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.screening.calibration import transform
from fingan.screening.skill import Panel, Series

FEWEST_ROWS = 252  # of history before the first date

Fit = Callable[[pd.DataFrame], Sampler]
PathReturns = Float[Tensor, "n_paths n_candidates"]
Progress = Callable[[str, int, int], None]


class WalkForwardDesign(Config):
    """Which dates a screen is tried on, and what it may know at each."""

    first: str
    """The first date, as 2018-01-02."""
    last: str | None = None
    """The last date; default the last whose outcome is known."""
    every: Literal["month"] | PositiveInt = "month"
    """The last row of each month, or every so many rows."""
    refit: Literal["quarter"] | PositiveInt = "quarter"
    """Generators are fitted anew at the first date of each quarter, or after so many rows."""
    purge: NonNegativeInt | None = None
    """Rows between the last one fitted on and the date; default the horizon."""
    lag: PositiveInt = 1
    """Rows from the date to the first return that counts: 1 trades at the date's own close."""
    later: NonNegativeInt = 3
    """Further windows of one horizon, one after the other, in which the score's decay is shown."""
    n_paths: Annotated[int, Field(ge=100)] = 2_000
    """Scenarios a date and generator."""
    seed: NonNegativeInt = 0
    """Same seed, same result."""


@dataclass(frozen=True)
class Rule:
    """What a screen does with scenarios.

    Args:
        assets: What its candidates are made of.
        candidates: Names, in the order of every panel's columns.
        horizon: Rows over which a candidate is held.
        hurdle: The net return that counts as a hit.
        n_picks: Candidates listed.
        costs_bps: Of a traded unit.
        net: Return of each candidate on each path over all its steps, after costs.
        gross: The same before costs.
        score: What candidates are ranked by; higher is better.
        prepared: The sampler with the screen's drift policy.
    """

    assets: tuple[str, ...]
    candidates: tuple[str, ...]
    horizon: int
    hurdle: float
    n_picks: int
    costs_bps: float
    net: Callable[[ScenarioSet], PathReturns]
    gross: Callable[[ScenarioSet], PathReturns]
    score: Callable[[ScenarioSet], Float[Tensor, " n_candidates"]]
    prepared: Callable[[Sampler], Sampler]


@dataclass(frozen=True)
class Walk:
    """What a generator said at every date."""

    scores: Panel
    probabilities: Panel
    """Of a net return above the hurdle."""
    transforms: Panel
    """Its distribution at what happened."""
    crps: Series
    """Mean over the candidates."""


def evaluation_rows(dates: pd.DatetimeIndex, design: WalkForwardDesign, horizon: int) -> list[int]:
    """The rows of a table on which a screen is tried: those whose outcome is known.

    Raises:
        RequestError: If a date is none, or no row is left, or too few rows lie before the first.
    """
    begin, end = _moment(design.first, "first"), None
    if design.last is not None:
        end = _moment(design.last, "last")
    last_known = len(dates) - 1 - horizon - (design.lag - 1)
    rows = [
        row
        for row in _candidates_of(dates, design, begin)
        if row <= last_known and (end is None or dates[row] <= end)
    ]
    if not rows:
        raise RequestError(
            f"a validation needs a date from {design.first} on that {horizon + design.lag - 1} rows"
            f" follow, but the prices end on {dates[-1]:%Y-%m-%d}; take an earlier first date"
        )
    before = rows[0] + 1 - _purge(design, horizon)
    if before < FEWEST_ROWS:
        raise RequestError(
            f"first must leave at least {FEWEST_ROWS} rows to fit on, got {max(before, 0)} before"
            f" {dates[rows[0]]:%Y-%m-%d}; take a later date"
        )
    return rows


@dataclass(frozen=True)
class Stretch:
    """Successive dates of one generator that one fit serves."""

    generator: str
    first: int
    last: int
    """Positions among the dates, the last one excluded."""


@dataclass(frozen=True)
class Walker:
    """All that a stretch needs; each process holds one.

    Args:
        fits: Rows that a generator may know to the generator, by its name.
        prices: Table from ``read_prices``.
        rule: The screen.
        design: How it is walked.
        rows: The dates, as rows of the table.
        happened: Net returns that followed.
    """

    fits: Mapping[str, Fit]
    prices: pd.DataFrame
    rule: Rule
    design: WalkForwardDesign
    rows: Sequence[int]
    happened: Panel

    def stretches(self) -> list[Stretch]:
        """The whole work, each generator's in order of time."""
        cuts = [0]
        for number, row in enumerate(self.rows):
            if _is_due(self.prices, self.design, self.rows[cuts[-1]], row):
                cuts.append(number)
        ends = list(pairwise([*cuts, len(self.rows)]))
        return [Stretch(name, *bounds) for name in self.fits for bounds in ends]

    def walk(self, stretch: Stretch) -> Walk:
        """Fit once, then scores and forecasts at each date of a stretch."""
        rule, design = self.rule, self.design
        purged = self.rows[stretch.first] - _purge(design, rule.horizon)
        sampler = rule.prepared(self.fits[stretch.generator](known_at(self.prices, purged)))
        columns: dict[str, list[Tensor]] = {"scores": [], "probabilities": [], "transforms": []}
        ranked: list[Tensor] = []
        for number in range(stretch.first, stretch.last):
            row, happened = self.rows[number], self.happened[number]
            drawn = sampler.sample(
                known_at(self.prices, row),
                rule.horizon,
                design.n_paths,
                seed=date_seed(design.seed, pd.Timestamp(self.prices.index[row])),
            )
            returns = rule.net(drawn).double()
            columns["scores"].append(rule.score(drawn).double())
            columns["probabilities"].append((returns > rule.hurdle).double().mean(0))
            columns["transforms"].append(transform(returns, happened))
            ranked.append(crps(returns.T.contiguous(), happened).nanmean())
        panels = {name: torch.stack(found) for name, found in columns.items()}
        return Walk(crps=torch.stack(ranked), **panels)


Over = Callable[[Walker, Sequence[Stretch]], Iterator[Walk]]
"""Who walks stretches, in their order: this process, or a cluster."""


def walk_all(
    walker: Walker, over: Over | None = None, progress: Progress | None = None
) -> dict[str, Walk]:
    """What every generator said at every date.

    Args:
        walker: What it needs.
        over: Who walks; this process if not given. Changes the speed, not the result.
        progress: Called after each stretch with its generator, the dates done and all dates.
    """
    work = walker.stretches()
    pieces: dict[str, list[Walk]] = {stretch.generator: [] for stretch in work}
    found = map(walker.walk, work) if over is None else over(walker, work)
    for stretch, piece in zip(work, found, strict=True):
        pieces[stretch.generator].append(piece)
        if progress is not None:
            progress(stretch.generator, stretch.last, len(walker.rows))
    return {name: _joined(walks) for name, walks in pieces.items()}


def _joined(walks: Sequence[Walk]) -> Walk:
    """What was said on successive dates."""
    return Walk(
        *(
            torch.cat([getattr(piece, field.name) for piece in walks])
            for field in dataclasses.fields(Walk)
        )
    )


def first_unseen(dates: pd.Index, trained_until: pd.Timestamp, model: str) -> str:
    """The first row that the networks of a model have not seen, as a design takes it.

    Raises:
        RequestError: If the table ends before.
    """
    later = dates[dates > trained_until]
    if later.empty:
        raise RequestError(
            f"a validation needs rows after {trained_until:%Y-%m-%d}, the last date that model"
            f" '{model}' was trained on, but the prices end there; train it until an earlier date"
            " (--until), or allow in-sample dates from a first one that you name"
        )
    return f"{later[0]:%Y-%m-%d}"


def known_at(prices: pd.DataFrame, row: int) -> pd.DataFrame:
    """The table cut after a row."""
    table = prices.iloc[: row + 1]
    table.attrs = dict(prices.attrs)
    return table


def _is_due(prices: pd.DataFrame, design: WalkForwardDesign, fitted_at: int, row: int) -> bool:
    if design.refit != "quarter":
        return row - fitted_at >= design.refit
    before, now = (pd.Timestamp(prices.index[number]) for number in (fitted_at, row))
    return (before.year, before.quarter) != (now.year, now.quarter)


def _purge(design: WalkForwardDesign, horizon: int) -> int:
    return horizon if design.purge is None else design.purge


def _moment(date: str, name: str) -> pd.Timestamp:
    try:
        return end_of(date)
    except ValueError:
        raise RequestError(f"{name} must be a date such as 2020-03-16, got '{date}'") from None


def _candidates_of(
    dates: pd.DatetimeIndex, design: WalkForwardDesign, begin: pd.Timestamp
) -> list[int]:
    first = int(dates.searchsorted(begin.normalize()))
    if design.every != "month":
        return list(range(first, len(dates), design.every))
    months = dates.year * 12 + dates.month
    return [row for row in range(first, len(dates) - 1) if months[row] != months[row + 1]]
