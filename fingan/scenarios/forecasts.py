"""Scenarios from many dates of one history: what a backtest asks for, a few milliseconds a date.

The history is filtered once; row t of a filter knows the rows up to t alone, so each date's paths
are those of ``sample(..., as_of=date)`` with a seed of the date's own, and nothing after the date
can change them.
"""

import hashlib
from collections.abc import Iterator, Sequence

import pandas as pd
import torch
from jaxtyping import Float32
from torch import Tensor

from fingan.data.returns import log_returns
from fingan.errors import RequestError
from fingan.scenarios.present import check_columns
from fingan.scenarios.samplers import BLOCK_SIZE, DrawBlock, Sampler, ScenarioRequest

AT_ONCE = 2**15  # steps of paths drawn at once, as a cache holds; changes no value
Cube = Float32[Tensor, "n_paths horizon n_assets"]


def forecasts(
    sampler: Sampler,
    prices: pd.DataFrame,
    dates: Sequence[pd.Timestamp],
    horizon: int,
    n_paths: int,
    *,
    seed: int = 0,
) -> Iterator[Cube]:
    """Log-returns of scenarios that continue a history from each of many dates.

    An asset without a price on a date goes on from the variance it is expected to have; who
    scores forecasts leaves such days out.

    Args:
        sampler: Who draws.
        prices: Table from ``read_prices``.
        dates: Last dates of the histories; a day without a row stands for the row before it.
        horizon: Steps of each path.
        n_paths: Paths per date.
        seed: A date's paths depend on it, on the date and on the rows up to the date alone.

    Yields:
        One cube per date, in the order of ``dates``.

    Raises:
        UnknownAssetError: If the prices lack an asset of the sampler.
        RequestError: If horizon, paths or seed are out of range, or a date has no two rows of
            history.
    """
    ScenarioRequest(horizon, n_paths, seed)
    check_columns(prices, sampler.assets, sampler.kind, f"'{sampler.reference}'")
    columns = prices[list(sampler.assets)]
    columns.attrs = dict(prices.attrs)
    table = log_returns(columns)
    rows = table.dates.searchsorted(pd.DatetimeIndex([*dates]).as_unit("ns"), side="right") - 1
    if len(rows) and rows.min() < 1:
        raise RequestError(
            f"a forecast needs at least 2 returns before it, got {rows.min() + 1} up to"
            f" {dates[int(rows.argmin())]:%Y-%m-%d}; start later"
        )
    continued = sampler.continuations(table)
    for date, row in zip(dates, rows.tolist(), strict=True):
        request = ScenarioRequest(horizon, n_paths, date_seed(seed, date))
        yield drawn(continued(row, request), horizon, n_paths)


@torch.no_grad()
def drawn(draw: DrawBlock, horizon: int, n_paths: int) -> Cube:
    """The first paths of a sampler's blocks."""
    n_blocks = -(-n_paths // BLOCK_SIZE)
    at_once = max(1, AT_ONCE // (BLOCK_SIZE * horizon))
    parts = [draw(first, min(at_once, n_blocks - first)) for first in range(0, n_blocks, at_once)]
    return torch.cat(parts)[:n_paths]


def date_seed(seed: int, date: pd.Timestamp) -> int:
    """A 64-bit seed of a date's own."""
    text = f"{seed}:{date.as_unit('ns').value}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
