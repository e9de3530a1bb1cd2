"""Tail measures of simulated losses: positive is money lost.

Source: Rockafellar & Uryasev (2002), Conditional value-at-risk for general loss distributions.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

Losses = Float[Tensor, "n_paths *portfolios"]  # fraction of initial value; positive is money lost
Measure = Float[Tensor, "*portfolios"]


def value_at_risk(losses: Losses, level: float) -> Measure:
    """The smallest loss that at least a share ``level`` of the paths does not exceed.

    Args:
        losses: Loss at the horizon, fraction of initial value; positive is money lost.
        level: Confidence level in (0, 1), for example 0.975.

    Returns:
        A loss of one of the paths; negative where even that one gains.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Rockafellar & Uryasev (2002), Definition 2: the lower quantile, no interpolation.
    """
    n_paths = losses.shape[0]
    rank = n_paths - math.floor(_tail_size(n_paths, level))
    return losses.kthvalue(max(rank, 1), dim=0).values


def expected_shortfall(losses: Losses, level: float) -> Measure:
    """Mean loss over the worst ``1 - level`` share of the paths.

    Args:
        losses: Loss at the horizon, fraction of initial value; positive is money lost.
        level: Confidence level in (0, 1), for example 0.975.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Rockafellar & Uryasev (2002), Proposition 8: the path astride the quantile counts in
        part.
    """
    n_tail = _tail_size(losses.shape[0], level)
    worst = losses.topk(math.ceil(n_tail), dim=0).values
    weights = torch.ones_like(worst)
    weights[-1] = n_tail - (len(worst) - 1)
    return (weights * worst).sum(dim=0) / n_tail


def _tail_size(n_paths: int, level: float) -> float:
    """Paths beyond the quantile, not a whole number in general."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    exact = (1 - level) * n_paths
    whole = round(exact)
    return whole if whole and math.isclose(exact, whole, rel_tol=1e-9) else exact
