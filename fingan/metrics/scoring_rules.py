"""Proper scores of scenarios against what happened: lower is better, truth scores lowest.

Both are the fair (unbiased) estimators for a finite ensemble, so that scores of ensembles of
different size can be compared.

Source: Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation,
sections 4.2 and 4.3; Ferro (2014), Fair scores for ensemble forecasts.
"""

import torch
from jaxtyping import Float
from torch import Tensor


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


def _enough(n_paths: int) -> int:
    if n_paths < 2:
        raise ValueError(f"scenarios must hold at least 2 paths, got {n_paths}")
    return n_paths
