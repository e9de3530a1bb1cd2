"""Proper scores of forecasts from many days: of single assets, of portfolios, of all jointly.

Source: Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation;
Scheuerer & Hamill (2015), Variogram-based proper scoring rules for probabilistic forecasts of
multivariate quantities.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.comparison import Scores
from fingan.assessment.outcomes import Outcomes
from fingan.metrics.scoring_rules import crps, energy_score, variogram_score
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

HORIZONS = (1, 5, 10, 20)
JOINT_HORIZON = 10  # of the scores of all assets jointly
N_LONG_SHORT = 20
LONG_SHORT_SEED = 20_190_131  # the same portfolios in every evaluation


@dataclass(frozen=True)
class Yardstick:
    """What makes the scores of one horizon comparable: past standard deviations."""

    unit: Float[Tensor, " n_assets"]
    portfolios: Float[Tensor, "n_assets n_portfolios"]
    """Weights on simple returns, each portfolio of past standard deviation 1: equal weights first,
    then long-short ones, if there are two assets at least."""


def forecast_scores(
    sampler: Sampler,
    prices: pd.DataFrame,
    outcomes: Outcomes,
    n_paths: int,
    *,
    seed: int,
    max_horizon: int = max(HORIZONS),
) -> dict[str, Scores]:
    """Every proper score of a sampler on every starting day.

    Args:
        sampler: Who draws; it sees the rows up to each day alone.
        prices: History and what followed.
        outcomes: Starting days and what followed.
        n_paths: Scenarios per day.
        seed: Of the scenarios; each day has its own, the same for all samplers.
        max_horizon: Longest horizon that the sampler draws; scores of longer ones are left out.
    """
    yardsticks = {h: yardstick(outcomes, h) for h in outcomes.sums if h <= max_horizon}
    scores: dict[str, list[Tensor]] = {}
    drawn = forecasts(sampler, prices, outcomes.dates, max(yardsticks), n_paths, seed=seed)
    for number, cube in enumerate(drawn):
        moves = cube.double().cumsum(1)
        for horizon, measure in yardsticks.items():
            happened = outcomes.sums[horizon][number]
            found = _scores(moves[:, horizon - 1], happened, outcomes, measure)
            if horizon == JOINT_HORIZON:
                found |= _joint_scores(moves[:, horizon - 1], happened, measure)
            for name, value in found.items():
                scores.setdefault(f"{name}_{horizon}", []).append(value)
    return {name: torch.stack(values) for name, values in scores.items()}


def yardstick(outcomes: Outcomes, horizon: int) -> Yardstick:
    """Units and portfolios from the sums over ``horizon`` before the first outcome."""
    past = outcomes.past[horizon]
    unit, gains = past.std(0), outcomes.gains(past)
    n_assets = len(unit)
    weights = torch.ones(n_assets, 1, dtype=torch.float64)
    if n_assets > 1:
        random = torch.Generator().manual_seed(LONG_SHORT_SEED)
        drawn = torch.randn(n_assets, N_LONG_SHORT, generator=random, dtype=torch.float64)
        weights = torch.cat([weights, (drawn - drawn.mean(0)) / unit.unsqueeze(1)], dim=1)
    return Yardstick(unit, weights / (gains @ weights).std(0))


def _scores(
    drawn: Float[Tensor, "n_paths n_assets"],
    happened: Float[Tensor, " n_assets"],
    outcomes: Outcomes,
    measure: Yardstick,
) -> dict[str, Float[Tensor, ""]]:
    """Scores of single assets and of portfolios, of one day and one horizon."""
    gains, gained = outcomes.gains(drawn), outcomes.gains(happened)
    portfolios = crps((gains @ measure.portfolios).T, gained @ measure.portfolios)
    scores = {
        "crps_assets": crps((drawn / measure.unit).T, happened / measure.unit).mean(),
        "crps_portfolio": portfolios[0],
    }
    return scores | ({"crps_long_short": portfolios[1:].mean()} if len(portfolios) > 1 else {})


def _joint_scores(
    drawn: Float[Tensor, "n_paths n_assets"],
    happened: Float[Tensor, " n_assets"],
    measure: Yardstick,
) -> dict[str, Float[Tensor, ""]]:
    """Scores of all assets jointly, of one day and one horizon."""
    ours, theirs = drawn / measure.unit, happened / measure.unit
    scores = {"energy_score": energy_score(ours, theirs)}
    return scores | ({"variogram_score": variogram_score(ours, theirs)} if len(theirs) > 1 else {})
