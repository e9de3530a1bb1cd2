"""A window of history once more: what it did, and what might have been from the same day on.

The window's own returns are applied to the portfolio as it is now; beside them stand paths that a
model draws from the state of the market at the window's beginning, as long as the window: they say
how unusual its course was for what was known then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeInt
from torch import Tensor

from fingan.config import Config
from fingan.data.returns import end_of
from fingan.errors import RequestError
from fingan.risk import influences
from fingan.risk.drawdowns import max_drawdown
from fingan.risk.estimates import Estimate, Measure, estimated
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.present import check_columns
from fingan.scenarios.samplers import Sampler
from fingan.stress.windows import Window

MEASURES: Mapping[str, Measure] = {
    "mean": influences.mean,
    "volatility": influences.volatility,
    "q05": influences.at_level(influences.quantile, 0.05),
    "median": influences.at_level(influences.quantile, 0.5),
    "q95": influences.at_level(influences.quantile, 0.95),
}


class ReplayRequest(Config):
    """A replay as it is asked for."""

    n_paths: int = Field(default=10_000, ge=100, le=1_000_000)
    """Regenerated paths."""

    seed: NonNegativeInt = 0
    """Of the paths."""


@dataclass(frozen=True)
class Replay:
    """What a window did to a portfolio, and what it might have done."""

    window: Window
    model: str
    first: str
    """Close from which returns are counted."""
    last: str
    n_steps: int
    assets: Mapping[str, float]
    """Simple return of each held asset over the window; the change, of a level."""
    portfolio_return: float
    contributions: Mapping[str, float]
    """Of each held position to the portfolio's return; they add up to it."""
    max_drawdown: float
    """Of the portfolio within the window, closes alone; positive."""
    regenerated: Mapping[str, Estimate]
    """Portfolio return over as many steps on paths drawn from the first day's state."""
    as_bad: Estimate
    """Share of those paths on which the portfolio did no better than it did."""
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "window": self.window.name,
            "title": self.window.title,
            "model": self.model,
            "first": self.first,
            "last": self.last,
            "n_steps": self.n_steps,
            "assets": dict(self.assets),
            "portfolio_return": self.portfolio_return,
            "contributions": dict(self.contributions),
            "max_drawdown": self.max_drawdown,
            "errors": "history happened once: its own figures have no sampling error",
            "regenerated": {name: one.record() for name, one in self.regenerated.items()},
            "as_bad": self.as_bad.record(),
            "notes": list(self.notes),
        }


def replay(
    sampler: Sampler,
    prices: pd.DataFrame,
    portfolio: Portfolio,
    window: Window,
    request: ReplayRequest | None = None,
) -> Replay:
    """Apply a window to a portfolio, and draw what might have been.

    Args:
        sampler: Who regenerates.
        prices: History from ``read_prices`` that holds the window.
        portfolio: Held without trading over the window.
        window: From ``parse_window``.
        request: How many paths, which seed.

    Raises:
        UnknownAssetError: If the prices lack an asset of the sampler.
        RequestError: If the data do not reach over the window, or a held asset has no price at
            its ends.
    """
    asked = request or ReplayRequest()
    check_columns(prices, sampler.assets, sampler.kind, f"'{sampler.reference}'")
    rows = _rows(prices, window)
    held = _held(rows, portfolio, window)
    weights = portfolio.weights_of(list(held.columns))
    is_level = sampler.kind == "level"
    moves = _moves(held, is_level=is_level)
    first, n_steps = rows.index[0], len(rows) - 1
    drawn = sampler.sample(prices, n_steps, asked.n_paths, seed=asked.seed, as_of=first)
    found = (drawn.terminal() @ portfolio.weights_of(sampler.assets)).double()
    own = moves[-1]
    outcome = float(own @ weights)
    notes = [f"the model has seen rows up to {sampler.fitted_until:%Y-%m-%d}: in-sample"]
    return Replay(
        window=window,
        model=sampler.reference,
        first=f"{first:%Y-%m-%d}",
        last=f"{rows.index[-1]:%Y-%m-%d}",
        n_steps=n_steps,
        assets=dict(zip(held.columns, own.tolist(), strict=True)),
        portfolio_return=outcome,
        contributions=dict(zip(held.columns, (own * weights).tolist(), strict=True)),
        max_drawdown=float(max_drawdown((1 + moves @ weights).unsqueeze(0))[0]),
        regenerated={
            name: estimated(measure, found, None, drawn.members)
            for name, measure in MEASURES.items()
        },
        as_bad=estimated(influences.probability, found <= outcome, None, drawn.members),
        notes=tuple(notes) if first < sampler.fitted_until else (),
    )


def _rows(prices: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The rows from the window's first close to its last."""
    dates = pd.DatetimeIndex(prices.index).as_unit("ns")
    begin, end = dates[0], dates[-1]
    first, last = end_of(window.first), end_of(window.last)
    if first < begin or pd.Timestamp(window.last) > end:
        raise RequestError(
            f"window '{window.name}' runs from {window.first} to {window.last}; the data, from"
            f" {begin:%Y-%m-%d} to {end:%Y-%m-%d}, must hold it"
        )
    start = int(dates.searchsorted(first, side="right")) - 1
    rows = prices.iloc[start : int(dates.searchsorted(last, side="right"))]
    if len(rows) < 2 or start < 1:
        raise RequestError(
            f"window '{window.name}' must hold a row after its first day and two before its end,"
            f" got {len(rows)} from {window.first} to {window.last}"
        )
    return rows


def _held(rows: pd.DataFrame, portfolio: Portfolio, window: Window) -> pd.DataFrame:
    """Prices of the assets that are held; within the window the last one known stands."""
    held = rows[list(portfolio.held)]
    for asset in held.columns:
        if held[asset].iloc[[0, -1]].isna().any():
            raise RequestError(
                f"window '{window.name}': asset '{asset}' must have a price on"
                f" {rows.index[0]:%Y-%m-%d} and {rows.index[-1]:%Y-%m-%d}; take it out of the"
                " portfolio or choose another window"
            )
    return held.ffill()


def _moves(held: pd.DataFrame, *, is_level: bool) -> Float[Tensor, "n_steps n_held"]:
    """What each asset made since the first close, by step: simple returns, or changes."""
    values = torch.from_numpy(held.to_numpy(dtype=float).copy())
    return values[1:] - values[0] if is_level else values[1:] / values[0] - 1
