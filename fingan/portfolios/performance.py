"""Daily returns of rival strategies side by side: what each earned, and how sure that is.

All strategies are resampled on the same blocks of days, so that what they have in common leaves
the differences.

Source: Politis & Romano (1994), The stationary bootstrap; Ledoit & Wolf (2008), Robust performance
hypothesis testing with the Sharpe ratio, for the paired difference of ratios.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.risk.drawdowns import max_drawdown
from fingan.risk.measures import expected_shortfall

Verdict = Literal["better", "worse", "undecided"]
MEASURES = ("return_per_year", "volatility_per_year", "sharpe", "expected_shortfall")
HIGHER_IS_BETTER = ("return_per_year", "sharpe")
COVERAGE = 0.95

Returns = Float[Tensor, "n_days n_strategies"]


@dataclass(frozen=True)
class Interval:
    """A figure of a strategy and its bootstrap interval."""

    estimate: float
    lower: float
    upper: float

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"estimate": self.estimate, "ci": [self.lower, self.upper]}


@dataclass(frozen=True)
class Performance:
    """What one strategy did, net of costs."""

    strategy: str
    figures: dict[str, Interval]
    max_drawdown: float
    """Along the one path that happened: no error can be given."""
    turnover_per_year: float
    cost_per_year: float
    differences: dict[str, Interval]
    """To the reference, paired; empty for the reference itself."""
    verdicts: dict[str, Verdict]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "strategy": self.strategy,
            "figures": {name: one.record() for name, one in self.figures.items()},
            "max_drawdown": self.max_drawdown,
            "turnover_per_year": self.turnover_per_year,
            "cost_per_year": self.cost_per_year,
            "differences": {name: one.record() for name, one in self.differences.items()},
            "verdicts": dict(self.verdicts),
        }


@dataclass(frozen=True)
class Track:
    """Daily simple returns of a strategy net of costs, and what it traded."""

    returns: Float[Tensor, " n_days"]
    turnover: float
    """Sum over all trades, without sign."""
    cost: float
    """Sum over all trades, as fractions of the value then."""


def performances(
    tracks: Mapping[str, Track],
    reference: str,
    level: float,
    *,
    periods_per_year: int = 252,
    n_samples: int = 2_000,
    seed: int = 0,
) -> tuple[Performance, ...]:
    """Figures of all strategies with 95 % intervals, and their differences to one of them.

    Args:
        tracks: By name, of the same days.
        reference: The strategy that the others are held against.
        level: Confidence level of the expected shortfall of a day.
        periods_per_year: Steps of the returns.
        n_samples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    returns = torch.stack([track.returns for track in tracks.values()], 1)
    rows = bootstrap_rows(returns, n_samples, seed)
    found = _figures(returns, level, periods_per_year)
    drawn = torch.stack([_figures(returns[row], level, periods_per_year) for row in rows])
    base = list(tracks).index(reference)
    years = len(returns) / periods_per_year
    results = []
    for place, (name, track) in enumerate(tracks.items()):
        apart, apart_drawn = found[:, place] - found[:, base], drawn[..., place] - drawn[..., base]
        differences = {} if name == reference else _intervals(apart, apart_drawn)
        wealth = (1 + track.returns).cumprod(0).unsqueeze(0)
        results.append(
            Performance(
                strategy=name,
                figures=_intervals(found[:, place], drawn[..., place]),
                max_drawdown=float(max_drawdown(wealth)),
                turnover_per_year=track.turnover / years,
                cost_per_year=track.cost / years,
                differences=differences,
                verdicts={measure: _verdict(measure, one) for measure, one in differences.items()},
            )
        )
    return tuple(results)


def bootstrap_rows(
    returns: Returns, n_samples: int, seed: int
) -> Int64[Tensor, "n_samples n_days"]:
    """Rows of each resampled history: blocks of random length, wrapping round.

    Source: Politis & White (2004), Automatic block-length selection, corrected by Patton, Politis &
        White (2009), on squared returns, whose memory is the longest; through arch.
    """
    from arch.bootstrap import StationaryBootstrap, optimal_block_length

    squares = returns.square().numpy()
    blocks = optimal_block_length(squares)["stationary"].to_numpy()
    length = round(float(np.clip(np.nanmax(blocks, initial=1.0), 1.0, len(returns) / 4)))
    sampler = StationaryBootstrap(length, np.arange(len(returns)), seed=seed)
    rows = np.stack([data[0][0] for data in sampler.bootstrap(n_samples)])
    return torch.from_numpy(rows.astype(np.int64))


def _figures(returns: Returns, level: float, periods: int) -> Float[Tensor, "4 n_strategies"]:
    """The figures of ``MEASURES``, one column per strategy."""
    mean, spread = returns.mean(0), returns.std(0)
    shortfall = expected_shortfall(-returns, level)
    root = math.sqrt(periods)
    return torch.stack([periods * mean, root * spread, root * mean / spread, shortfall])


def _intervals(
    found: Float[Tensor, " n_figures"], drawn: Float[Tensor, "n_samples n_figures"]
) -> dict[str, Interval]:
    """The basic bootstrap's interval: the percentiles of the error, turned round.

    Source: Davison & Hinkley (1997), Bootstrap methods and their application, equation 5.6.
    """
    tail = (1 - COVERAGE) / 2
    low, high = drawn.quantile(torch.tensor([tail, 1 - tail], dtype=drawn.dtype), dim=0)
    columns = zip(
        found.tolist(), (2 * found - high).tolist(), (2 * found - low).tolist(), strict=True
    )
    return {name: Interval(*column) for name, column in zip(MEASURES, columns, strict=True)}


def _verdict(measure: str, difference: Interval) -> Verdict:
    if difference.lower <= 0 <= difference.upper:
        return "undecided"
    is_higher = difference.lower > 0
    return "better" if is_higher == (measure in HIGHER_IS_BETTER) else "worse"
