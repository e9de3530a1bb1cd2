"""Stylised facts of one asset, and the band in which the market's own days let them lie.

A bootstrap that lays blocks end to end weakens every autocorrelation, for it joins days that never
followed each other. Here whole pairs of days are resampled: each day brings the later days that it
is multiplied with, so that no joint is counted. Bands are simultaneous over the lags: 95 of 100
hold all lags at once, where pointwise ones would miss two of forty.

Source: Künsch (1989), The jackknife and the bootstrap for general stationary observations, section
2.4, blocks of blocks; Politis & Romano (1994), The stationary bootstrap, as arch draws it; Montiel
Olea & Plagborg-Møller (2019), Simultaneous confidence bands, algorithm 2, for the sup-t band.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.metrics.tails import hill_index

CONFIDENCE = 0.95
N_CLUSTERING_LAGS, N_LEVERAGE_LAGS = 40, 10
TAIL_SHARE = 0.05  # of the losses, for Hill's estimator

Series = Float[Tensor, "*paths n_days"]
ByLag = Float[Tensor, "*paths n_lags"]
Rows = Int64[Tensor, "n_replications n_rows"]
Columns = Callable[[Tensor], Iterator[Tensor]]


@dataclass(frozen=True)
class Band:
    """A fact of the market and how far chance may carry it, lag by lag."""

    market: Float[Tensor, " n_lags"]
    reach: Float[Tensor, " n_lags"]

    def distances(self, values: Float[Tensor, " n_lags"]) -> Float[Tensor, " n_lags"]:
        """Of other values from the market's, 1 at the edge of the band; far where there is none."""
        return ((values - self.market).abs() / self.reach).nan_to_num(nan=torch.inf)


@dataclass(frozen=True)
class Fact:
    """What is estimated of each path."""

    title: str
    n_lags: int
    estimate: Callable[[Tensor], Tensor]
    """Of paths, lag by lag."""
    resampled: Callable[[Tensor, "Resample"], Tensor]
    """Of the market's one path, in every replication."""

    def band(self, market: Float[Tensor, " n_days"], resample: "Resample") -> Band:
        """The simultaneous band about the market's own value."""
        value, drawn = self.estimate(market), self.resampled(market, resample)
        spread = drawn.std(0)
        farthest = ((drawn - value).abs() / spread).amax(1)
        return Band(value, farthest.quantile(CONFIDENCE) * spread)


@dataclass(frozen=True)
class Resample:
    """The stationary bootstrap of positions in time."""

    mean_block: float
    n_replications: int
    seed: int

    def rows(self, n_rows: int) -> Rows:
        """Positions of each replication."""
        from arch.bootstrap import StationaryBootstrap

        positions = np.arange(n_rows)
        bootstrap = StationaryBootstrap(round(self.mean_block), positions, seed=self.seed)
        drawn = [sample[0][0] for sample in bootstrap.bootstrap(self.n_replications)]
        return torch.from_numpy(np.stack(drawn))

    def means(self, columns: Iterator[Float[Tensor, " n_rows"]]) -> Tensor:
        """Mean of each column in each replication."""
        table = torch.stack(list(columns), dim=1)
        rows = self.rows(len(table))
        counts = torch.zeros(rows.shape, dtype=table.dtype)
        counts.scatter_add_(1, rows, torch.ones_like(counts))
        return counts @ table / len(table)


def _clustering_columns(returns: Series) -> Iterator[Tensor]:
    """Products whose means give the autocorrelation of absolute returns."""
    sizes = returns.abs()
    n_rows = sizes.shape[-1] - N_CLUSTERING_LAGS
    today = sizes[..., :n_rows]
    yield today
    for lag in range(N_CLUSTERING_LAGS + 1):
        yield today * sizes[..., lag : lag + n_rows]


def _clustering(means: Float[Tensor, "*paths n_columns"]) -> ByLag:
    square = means[..., :1].square()
    return (means[..., 2:] - square) / (means[..., 1:2] - square)


def _leverage_columns(returns: Series) -> Iterator[Tensor]:
    """Products whose means give corr(return, squared return some days later)."""
    n_rows = returns.shape[-1] - N_LEVERAGE_LAGS
    today = returns[..., :n_rows]
    for power in (1, 2, 4):
        yield today**power
    for lag in range(1, N_LEVERAGE_LAGS + 1):
        yield today * returns[..., lag : lag + n_rows].square()


def _leverage(means: Float[Tensor, "*paths n_columns"]) -> ByLag:
    first, second, fourth = (means[..., number : number + 1] for number in range(3))
    spread = (second - first.square()).sqrt() * (fourth - second.square()).sqrt()
    return (means[..., 3:] - first * second) / spread


def _tail(returns: Series) -> ByLag:
    """Hill's tail index of the losses of each path."""
    losses = -returns.reshape(-1, returns.shape[-1])
    found = [hill_index(path, TAIL_SHARE).estimate for path in losses]
    return torch.tensor(found, dtype=torch.float64).reshape(*returns.shape[:-1], 1)


def _of_means(title: str, n_lags: int, columns: Columns, fact: Callable[[Tensor], Tensor]) -> Fact:
    return Fact(
        title,
        n_lags,
        lambda paths: fact(torch.stack([column.mean(-1) for column in columns(paths)], dim=-1)),
        lambda market, resample: fact(resample.means(columns(market))),
    )


FACTS = (
    _of_means("ACF of |r|", N_CLUSTERING_LAGS, _clustering_columns, _clustering),
    _of_means("leverage", N_LEVERAGE_LAGS, _leverage_columns, _leverage),
    Fact(
        "tail index", 1, _tail, lambda market, resample: _tail(market[resample.rows(len(market))])
    ),
)
