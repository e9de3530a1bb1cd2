"""Starting days of a span, with what followed each: the outcomes that forecasts are scored on."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable, log_returns

ByAsset = Float[Tensor, "n_dates n_assets"]
MIN_PAST = 60  # days before the first outcome, from which units are taken


@dataclass(frozen=True)
class Outcomes:
    """Days to continue from, and what followed, in units of the past."""

    assets: tuple[str, ...]
    kind: str
    dates: list[pd.Timestamp]
    """Last days of the histories."""
    stride: int
    """Rows from one starting day to the next."""
    sums: dict[int, ByAsset]
    """Returns that followed, summed over each horizon."""
    past: dict[int, Float[Tensor, "n_past n_assets"]]
    """Sums over each horizon before the first outcome, observed throughout."""

    def gains(self, sums: Float[Tensor, "*rows n_assets"]) -> Float[Tensor, "*rows n_assets"]:
        """Simple returns of summed log-returns; of a level, the change itself."""
        return sums if self.kind == "level" else sums.expm1()


def cut_outcomes(
    prices: pd.DataFrame,
    assets: Sequence[str],
    first: pd.Timestamp,
    last: pd.Timestamp,
    horizons: Sequence[int],
    max_dates: int,
) -> Outcomes:
    """Starting days, evenly spread, such that every outcome lies within ``first`` to ``last``.

    Days after which an asset was not observed throughout the longest horizon are left out; there
    are none at all where fewer than ``MIN_PAST`` past days of all assets give the units.

    Args:
        prices: History and what followed.
        assets: Whose outcomes.
        first: First day that is an outcome; forecasts start on the row before it at the earliest.
        last: Last day that is an outcome.
        horizons: Steps over which returns are summed.
        max_dates: Starting days at most.
    """
    table = table_of(prices, assets)
    inside = table.between(first, last)
    start = max(int(table.dates.searchsorted(first)), 1)
    longest = max(horizons)
    n_possible = max(len(inside.dates) - longest + 1, 0)
    stride = max(1, -(-n_possible // max_dates))
    whole = ~table.values.isnan().any(1)
    past = {horizon: _observed(_sums(table.values[:start], horizon)) for horizon in horizons}
    has_units = min(map(len, past.values())) >= MIN_PAST - longest
    rows = [
        row
        for row in range(start, start + n_possible, stride)
        if has_units and bool(whole[row - 1 : row + longest].all())
    ]
    return Outcomes(
        assets=table.assets,
        kind=table.kind,
        dates=[table.dates[row - 1] for row in rows],
        stride=stride,
        sums={
            horizon: _sums(table.values[start:], horizon)[_since(rows, start)]
            for horizon in horizons
        },
        past=past,
    )


def table_of(prices: pd.DataFrame, assets: Sequence[str]) -> ReturnTable:
    """Log-returns of some assets of a table of prices."""
    columns = prices[list(assets)]
    columns.attrs = dict(prices.attrs)
    return log_returns(columns)


def _since(rows: list[int], start: int) -> Tensor:
    return torch.tensor([row - start for row in rows], dtype=torch.int64)


def _sums(values: Float[Tensor, "n_days n_assets"], horizon: int) -> ByAsset:
    if len(values) < horizon:
        return values[:0]
    return values.unfold(0, horizon, 1).sum(-1)


def _observed(sums: ByAsset) -> Float[Tensor, "n_observed n_assets"]:
    return sums[~sums.isnan().any(1)]
