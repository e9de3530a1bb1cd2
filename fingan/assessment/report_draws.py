"""What the figures of a report are drawn from: the market's days and what each generator drew.

One step from every day gives the distribution, given what was known; long free-running paths give
the dynamics. Both start from the rows up to a day alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor

from fingan.data.returns import ReturnTable, log_returns
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import BLOCK_SIZE, Sampler

Returns = Float64[Tensor, "n_days n_assets"]
Weights = Float64[Tensor, " n_assets"]

MAX_DAYS = 2_520  # ten years; a longer span shows its last days
MAX_VALUES = 2**26  # of one cube
N_PATHS = 100  # per day; each column is a history that might have been
N_LONG = 128
MAX_VIEWS = 40  # of one figure; a page must stay light
MIN_DAYS = 60  # below, a curve or a correlation says nothing
CALM_DAYS, STRESSED_SHARE = 21, 0.2


@dataclass(frozen=True)
class Draws:
    """The market beside the model and its reference, on the same days."""

    assets: tuple[str, ...]
    kind: str
    dates: pd.DatetimeIndex
    real: Returns
    """NaN where not observed."""
    steps: Mapping[str, Float32[Tensor, "n_days n_paths n_assets"]]
    """One step ahead from the day before, by generator, the model first."""
    paths: Mapping[str, Float32[Tensor, "n_long n_days n_assets"]]
    """From the day before the first, by generator."""
    is_stressed: Bool[Tensor, " n_days"]
    """Days after the most volatile weeks, known beforehand."""


def report_draws(
    samplers: Mapping[str, Sampler],
    prices: pd.DataFrame,
    first: pd.Timestamp,
    last: pd.Timestamp,
    *,
    seed: int,
) -> Draws:
    """Draw what the figures need.

    Args:
        samplers: By name, the model first; all of the same assets.
        prices: History and what followed.
        first: First day that is compared.
        last: Last day that is compared.
        seed: Of the draws, the same for all samplers.
    """
    sampler = next(iter(samplers.values()))
    table = returns_of(sampler.assets, prices)
    begin = int(table.dates.searchsorted(first))
    end = int(table.dates.searchsorted(last, side="right"))
    limit = min(MAX_DAYS, MAX_VALUES // (BLOCK_SIZE * len(sampler.assets)))
    begin = max(begin, end - limit, 2)
    days = table.dates[begin:end]
    n_paths = max(2, min(N_PATHS, MAX_VALUES // (len(days) * len(sampler.assets))))
    before = table.dates[begin - 1 : end - 1]
    steps, paths = {}, {}
    for name, drawing in samplers.items():
        cubes = forecasts(drawing, prices, list(before), 1, n_paths, seed=seed)
        steps[name] = torch.stack([cube[:, 0] for cube in cubes])
        long = forecasts(drawing, prices, [before[0]], len(days), N_LONG, seed=seed)
        paths[name] = next(iter(long))
    return Draws(
        assets=sampler.assets,
        kind=table.kind,
        dates=days,
        real=table.values[begin:end],
        steps=steps,
        paths=paths,
        is_stressed=_stressed(table, begin, end),
    )


def series(
    draws: Draws, weights: Weights | None, *, long: bool = False
) -> Iterator[tuple[str, Float64[Tensor, " n_days"], dict[str, Tensor]]]:
    """The portfolio, then each asset: its name, what happened, and each generator's draws.

    Args:
        draws: Of all assets.
        weights: Of the portfolio; None for none.
        long: Free-running paths, paths first, rather than single steps, days first.
    """
    cubes = draws.paths if long else draws.steps
    if weights is not None and len(draws.assets) > 1:
        drawn = {name: portfolio_log_returns(cube, weights) for name, cube in cubes.items()}
        yield "portfolio", portfolio_log_returns(draws.real, weights), drawn
    for column, asset in enumerate(draws.assets[:MAX_VIEWS]):
        yield asset, draws.real[:, column], {name: c[..., column] for name, c in cubes.items()}


def returns_of(assets: tuple[str, ...], prices: pd.DataFrame) -> ReturnTable:
    """Log-returns of some assets, in their order."""
    columns = prices[list(assets)]
    columns.attrs = dict(prices.attrs)
    return log_returns(columns)


def portfolio_log_returns(
    returns: Float[Tensor, "*days n_assets"], weights: Weights
) -> Float64[Tensor, "*days"]:
    """Log-return of a portfolio that is brought back to its weights every day."""
    simple = returns.double().expm1()
    return (simple @ weights).log1p()


def _stressed(table: ReturnTable, begin: int, end: int) -> Bool[Tensor, " n_days"]:
    """Days whose three weeks before were the most volatile fifth of the span."""
    scaled = table.values / table.values[: max(begin, 2)].nan_to_num().std(dim=0)
    size = scaled.square().nanmean(dim=1).nan_to_num()
    sums = torch.cat([size.new_zeros(1), size.cumsum(0)])
    rows = torch.arange(begin, end)
    since = (rows - CALM_DAYS).clamp(min=0)
    before = (sums[rows] - sums[since]) / (rows - since)
    return before >= before.quantile(1 - STRESSED_SHARE)
