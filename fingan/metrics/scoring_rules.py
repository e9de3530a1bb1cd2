"""Proper scores of scenarios against what happened: lower is better, truth scores lowest.

Scores of scenarios are the fair (unbiased) estimators for a finite ensemble, so that scores of
ensembles of different size can be compared.

Source: Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation,
sections 4.2 and 4.3; Ferro (2014), Fair scores for ensemble forecasts.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Days = Float[Tensor, "*days"]


def energy_score(
    scenarios: Float[Tensor, "*dates n_paths n_assets"], outcome: Float[Tensor, "*dates n_assets"]
) -> Float[Tensor, "*dates"]:
    """E|X - y| - E|X - X'| / 2 with Euclidean norms: a score of the whole joint law.

    Args:
        scenarios: Independent draws of the forecast, in units that make assets comparable.
        outcome: What happened, in the same units; no missing values.

    Raises:
        ValueError: If there are fewer than two scenarios.
    """
    n_paths = _enough(scenarios.shape[-2])
    distance = torch.linalg.vector_norm(scenarios - outcome.unsqueeze(-2), dim=-1).mean(-1)
    pairs = torch.cdist(scenarios, scenarios).sum((-1, -2)) / (n_paths * (n_paths - 1))
    return distance - pairs / 2


def crps(
    scenarios: Float[Tensor, "*dates n_paths"], outcome: Float[Tensor, "*dates"]
) -> Float[Tensor, "*dates"]:
    """Continuous ranked probability score: the energy score of one variable.

    Args:
        scenarios: Independent draws of the forecast.
        outcome: What happened.

    Raises:
        ValueError: If there are fewer than two scenarios.
    """
    n_paths = _enough(scenarios.shape[-1])
    ordered = scenarios.sort(dim=-1).values
    ranks = torch.arange(1, n_paths + 1, dtype=scenarios.dtype, device=scenarios.device)
    pairs = ordered @ (2 * ranks - n_paths - 1) / (n_paths * (n_paths - 1))
    return (scenarios - outcome.unsqueeze(-1)).abs().mean(-1) - pairs


def variogram_score(
    scenarios: Float[Tensor, "*dates n_paths n_assets"],
    outcome: Float[Tensor, "*dates n_assets"],
    order: float = 0.5,
) -> Float[Tensor, "*dates"]:
    """Sum over pairs (i, j) of (|y_i - y_j|^p - E|X_i - X_j|^p)^2: a score of the dependence.

    Each pair counts twice, as in the paper with equal weights. Blind to a shift of all assets.

    Args:
        scenarios: Independent draws of the forecast, in units that make assets comparable.
        outcome: What happened, in the same units; no missing values.
        order: The power p; 0.5 is robust to heavy tails.

    Raises:
        ValueError: If there are fewer than two scenarios.

    Source: Scheuerer & Hamill (2015), Variogram-based proper scoring rules for probabilistic
        forecasts of multivariate quantities; less the variance of the ensemble mean.
    """
    n_paths = _enough(scenarios.shape[-2])
    score = torch.zeros_like(outcome[..., 0])
    for asset in range(1, outcome.shape[-1]):  # one asset at a time: memory of one ensemble
        drawn = (scenarios[..., :asset] - scenarios[..., asset : asset + 1]).abs() ** order
        happened = (outcome[..., :asset] - outcome[..., asset : asset + 1]).abs() ** order
        variance, mean = torch.var_mean(drawn, dim=-2)
        score = score + 2 * ((happened - mean).square() - variance / n_paths).sum(-1)
    return score


def fz0(value_at_risk: Days, expected_shortfall: Days, losses: Days, level: float) -> Days:
    """Joint score of VaR and ES, one per day; only the pair of the truth minimises its mean.

        1{L >= VaR} (L - VaR) / ((1 - level) ES) + VaR / ES + log ES - 1

    All three in one unit. Differences between forecasters do not depend on that unit, the score
    itself does: per cent instead of fractions adds log 100 = 4.605 to every day.

    Args:
        value_at_risk: Forecast of each day; positive is a loss.
        expected_shortfall: Forecast of each day, positive.
        losses: What was lost on each day; positive is money lost.
        level: Confidence of both forecasts, for example 0.975.

    Returns:
        NaN on a day whose expected shortfall is not positive: the score does not exist there.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Patton, Ziegel & Chen (2019), Dynamic semiparametric models for expected shortfall (and
        value-at-risk), equation 6, with returns turned into losses and alpha into 1 - level.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    shortfall = torch.where(expected_shortfall > 0, expected_shortfall, torch.nan)
    beyond = (losses - value_at_risk).clamp(min=0)
    return beyond / ((1 - level) * shortfall) + value_at_risk / shortfall + shortfall.log() - 1


def _enough(n_paths: int) -> int:
    if n_paths < 2:
        raise ValueError(f"scenarios must hold at least 2 paths, got {n_paths}")
    return n_paths
