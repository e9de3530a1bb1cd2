"""What followed each date of a validation, and orders of the candidates that need no generator.

Past rows are put into the shape of scenarios, so that a candidate is worth on them what it is
worth on paths. An asset that ends keeps its last price.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import log_returns
from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioSet
from fingan.screening.skill import Panel
from fingan.screening.walk_forward import PathReturns, Rule, WalkForwardDesign, evaluation_rows

YEAR, MONTH = 252, 21  # rows


@dataclass(frozen=True)
class Outcomes:
    """The dates, and what followed each."""

    rows: tuple[int, ...]
    dates: pd.DatetimeIndex
    net: Panel
    """Over the very steps that scenarios forecast."""
    gross: tuple[Panel, ...]
    """Before costs: from the lag on, then in later windows of one horizon each."""

    @property
    def spacing(self) -> float:
        """Rows from a date to the next, on average; 1 where there is one date alone."""
        return max(1.0, (self.rows[-1] - self.rows[0]) / max(len(self.rows) - 1, 1))


def what_followed(prices: pd.DataFrame, rule: Rule, design: WalkForwardDesign) -> Outcomes:
    """What followed each date of the design.

    Args:
        prices: Table of the screen's assets.
        rule: The screen.
        design: Dates, lag, later windows.

    Raises:
        RequestError: As ``evaluation_rows``.
    """
    dates = pd.DatetimeIndex(prices.index)
    rows = evaluation_rows(dates, design, rule.horizon)
    moves = _moves(prices)
    starts = [design.lag + k * rule.horizon for k in range(design.later + 1)]

    def panel(net: bool, start: int) -> Panel:
        measure = rule.net if net else rule.gross
        found = [_window(prices, moves, row + start, rule.horizon, measure) for row in rows]
        empty = torch.full((len(rule.candidates),), math.nan, dtype=torch.float64)
        return torch.stack([empty if one is None else one for one in found])

    gross = tuple(panel(False, start) for start in starts)
    return Outcomes(tuple(rows), dates[rows], panel(True, 1), gross)


def signals(prices: pd.DataFrame, rule: Rule, followed: Outcomes, seed: int) -> Mapping[str, Panel]:
    """Scores without a generator: random order, 12-1 momentum, low volatility.

    Source: Jegadeesh & Titman (1993), Returns to buying winners and selling losers, for the twelve
        months without the last; Blitz & van Vliet (2007), The volatility effect.
    """
    moves, random = _moves(prices), torch.Generator().manual_seed(seed)
    shape = (len(followed.rows), len(rule.candidates))
    year, month = 252, 21
    trend = [
        _window(prices, moves, row - year + 1, year - month, rule.gross) for row in followed.rows
    ]
    calm = [
        -rule.gross(_scenarios(prices, moves[row - year + 1 : row + 1].unsqueeze(1))).std(0)
        for row in followed.rows
    ]
    return {
        "random": torch.rand(shape, generator=random, dtype=torch.float64),
        "momentum": torch.stack([one for one in trend if one is not None]),
        "low-volatility": torch.stack(calm),
    }


def _moves(prices: pd.DataFrame) -> Float[Tensor, "n_rows n_assets"]:
    """Log-returns by row of the table; what ended, or is missing, stands still."""
    filled = prices.ffill()
    filled.attrs = dict(prices.attrs)
    table = log_returns(filled if prices.attrs.get("kind", "price") == "price" else prices)
    missing = len(prices) - len(table.values)
    return torch.cat([torch.zeros(missing, len(table.assets)).double(), table.values.nan_to_num()])


def _window(
    prices: pd.DataFrame,
    moves: Float[Tensor, "n_rows n_assets"],
    start: int,
    length: int,
    measure: Callable[[ScenarioSet], PathReturns],
) -> Float[Tensor, " n_candidates"] | None:
    """Candidates' returns over some rows; None where the rows are not all there."""
    if start < 0 or start + length > len(moves):
        return None
    return measure(_scenarios(prices, moves[start : start + length].unsqueeze(0))).squeeze(0)


def _scenarios(
    prices: pd.DataFrame, moves: Float[Tensor, "n_paths horizon n_assets"]
) -> ScenarioSet:
    """Past rows as paths, so that a candidate is worth on them what it is worth on scenarios."""
    header = ScenarioHeader(
        assets=tuple(map(str, prices.columns)),
        start_prices=(100.0,) * prices.shape[1],
        horizon=moves.shape[1],
        n_paths=moves.shape[0],
        dates=None,
        kind=prices.attrs.get("kind", "price"),
        metadata={},
    )
    return ScenarioSet(header, moves.float())
