"""VaR and ES of many portfolios from the same scenarios, and the band of a right forecaster."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.outcomes import Outcomes
from fingan.risk.measures import expected_shortfall, value_at_risk
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

HORIZON = 10
EQUAL, LONG_ONLY, LONG_SHORT = "equal weights", "20 long-only", "20 long-short"
N_RANDOM, SEED = 20, 20_190_131  # the same portfolios in every run
N_REPETITIONS, BLOCK = 20_000, 500  # of the band; simulated at once
COVERAGE = 0.95

Weights = Float[Tensor, "n_assets n_portfolios"]
Groups = dict[str, Weights]


class Said(NamedTuple):
    """Of one group of portfolios, on each date at each level."""

    value_at_risk: Float[Tensor, "n_dates n_levels n_portfolios"]
    expected_shortfall: Float[Tensor, "n_dates n_levels n_portfolios"]


def groups_of(outcomes: Outcomes) -> Groups:
    """Portfolios by kind: shares of the capital in each asset."""
    unit = outcomes.past[HORIZON].std(0)
    n_assets = len(unit)
    equal = torch.full((n_assets, 1), 1 / n_assets, dtype=torch.float64)
    if n_assets == 1:
        return {EQUAL: equal}
    random = torch.Generator().manual_seed(SEED)
    shape = (n_assets, N_RANDOM)
    waits = -torch.rand(shape, generator=random, dtype=torch.float64).log()
    drawn = torch.randn(shape, generator=random, dtype=torch.float64) / unit.unsqueeze(1)
    drawn -= drawn.mean(0)
    return {
        EQUAL: equal,
        LONG_ONLY: waits / waits.sum(0),
        LONG_SHORT: 2 * drawn / drawn.abs().sum(0),
    }


def losses_of(outcomes: Outcomes, weights: Weights) -> Float[Tensor, "n_dates n_portfolios"]:
    """What each portfolio lost after each date; positive is money lost."""
    return -outcomes.gains(outcomes.sums[HORIZON]) @ weights


def forecast(
    sampler: Sampler,
    prices: pd.DataFrame,
    outcomes: Outcomes,
    groups: Groups,
    levels: Sequence[float],
    n_paths: int,
    *,
    seed: int,
) -> dict[str, Said]:
    """VaR and ES of every portfolio on every date, from the rows up to it.

    Args:
        sampler: Who draws.
        prices: History and what followed.
        outcomes: Starting days.
        groups: Weights by kind of portfolio.
        levels: Confidence of VaR and ES.
        n_paths: Scenarios per date.
        seed: Of the scenarios.
    """
    weights = torch.cat(list(groups.values()), dim=1)
    found: list[tuple[Tensor, Tensor]] = []
    for cube in forecasts(sampler, prices, outcomes.dates, HORIZON, n_paths, seed=seed):
        losses = -outcomes.gains(cube.double().sum(1)) @ weights
        found.append(
            (
                torch.stack([value_at_risk(losses, level) for level in levels]),
                torch.stack([expected_shortfall(losses, level) for level in levels]),
            )
        )
    thresholds, shortfalls = (torch.stack(parts) for parts in zip(*found, strict=True))
    sizes = [group.shape[1] for group in groups.values()]
    pieces = zip(thresholds.split(sizes, dim=2), shortfalls.split(sizes, dim=2), strict=True)
    return {name: Said(*piece) for name, piece in zip(groups, pieces, strict=True)}


def coverage_band(n_dates: int, stride: int, horizon: int, level: float) -> tuple[int, int]:
    """Fewest and most violations that a right forecaster has in 95 of 100 histories.

    Args:
        n_dates: Starting days.
        stride: Rows from one to the next; from the horizon on the law is binomial.
        horizon: Steps of each loss.
        level: Confidence of VaR.

    Source: the null of a parametric bootstrap, Efron & Tibshirani (1993), An introduction to the
        bootstrap, section 16: losses are sums of independent normal steps over the same windows.
    """
    if stride >= horizon:
        from scipy.stats import binom

        low, high = binom.interval(COVERAGE, n_dates, 1 - level)
        return int(low), int(high)
    random = torch.Generator().manual_seed(SEED)
    threshold = math.sqrt(horizon) * float(torch.special.ndtri(torch.tensor(level).double()))
    n_steps, counts = (n_dates - 1) * stride + horizon, []
    for _ in range(N_REPETITIONS // BLOCK):
        steps = torch.randn(BLOCK, n_steps, generator=random)
        counts.append((steps.unfold(1, horizon, stride).sum(-1) > threshold).sum(1))
    tails = torch.tensor([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    low, high = torch.cat(counts).float().quantile(tails, interpolation="nearest").tolist()
    return int(low), int(high)
