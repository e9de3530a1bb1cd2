"""Tail measures of simulated losses: positive is money lost.

Source: Rockafellar & Uryasev (2002), Conditional value-at-risk for general loss distributions.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Losses = Float[Tensor, "n_paths *portfolios"]  # fraction of initial value; positive is money lost
Measure = Float[Tensor, "*portfolios"]
Weights = Float[Tensor, " n_paths"] | None  # probability of each path; None where all are equal


def value_at_risk(losses: Losses, level: float, weights: Weights = None) -> Measure:
    """The smallest loss that at least a share ``level`` of the paths does not exceed.

    Args:
        losses: Loss at the horizon, fraction of initial value; positive is money lost.
        level: Confidence level in (0, 1), for example 0.975.
        weights: Probability of each path, sum 1; None where all are equal.

    Returns:
        A loss of one of the paths; negative where even that one gains.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Rockafellar & Uryasev (2002), Definition 2: the lower quantile, no interpolation.
    """
    if weights is not None:
        check_level(level)
        return quantiles(losses, torch.tensor([level], dtype=torch.float64), weights)[0]
    n_paths = losses.shape[0]
    rank = n_paths - math.floor(_tail_size(n_paths, level))
    return losses.kthvalue(max(rank, 1), dim=0).values


def expected_shortfall(losses: Losses, level: float, weights: Weights = None) -> Measure:
    """Mean loss over the worst ``1 - level`` share of the paths.

    Args:
        losses: Loss at the horizon, fraction of initial value; positive is money lost.
        level: Confidence level in (0, 1), for example 0.975.
        weights: Probability of each path, sum 1; None where all are equal.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Rockafellar & Uryasev (2002), Proposition 8: the path astride the quantile counts in
        part; equation 15 where paths are weighted.
    """
    if weights is not None:
        quantile = value_at_risk(losses, level, weights)
        beyond = torch.tensordot(weights.to(losses), (losses - quantile).clamp(min=0), 1)
        return quantile + beyond / (1 - level)
    n_tail = _tail_size(losses.shape[0], level)
    worst = losses.topk(math.ceil(n_tail), dim=0).values
    shares = torch.ones_like(worst)
    shares[-1] = n_tail - (len(worst) - 1)
    return (shares * worst).sum(dim=0) / n_tail


def quantiles(
    values: Losses, probabilities: Float[Tensor, " n_probabilities"], weights: Weights = None
) -> Float[Tensor, "n_probabilities *portfolios"]:
    """Lower quantiles: the smallest value that at least so much probability does not exceed.

    Args:
        values: Any figure of each path.
        probabilities: In [0, 1].
        weights: Probability of each path, sum 1; None where all are equal.

    Source: Rockafellar & Uryasev (2002), Definition 2, of weighted paths.
    """
    if weights is None:
        return _order_statistics(values, probabilities)
    n_paths = len(values)
    ordered, places = values.sort(0)
    reached = weights.double()[places].cumsum(0).movedim(0, -1).contiguous()
    sought = (probabilities.double() - 1e-12).expand(*reached.shape[:-1], -1).contiguous()
    ranks = torch.searchsorted(reached, sought).clamp(max=n_paths - 1).movedim(-1, 0)
    return ordered.gather(0, ranks)


def check_level(level: float) -> None:
    """Refuse what is no confidence level.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")


def _order_statistics(
    values: Losses, probabilities: Float[Tensor, " n_probabilities"]
) -> Float[Tensor, "n_probabilities *portfolios"]:
    """Quantiles of equally probable paths, by partition: a tenth of the time of a whole sort."""
    n_paths, portfolios = values.shape[0], values.shape[1:]
    exact = probabilities.double() * n_paths
    whole = exact.round()
    exact = torch.where((exact - whole).abs() <= 1e-9 * whole, whole, exact)
    ranks = (exact.ceil().long() - 1).clamp(0, n_paths - 1)
    rows = values.reshape(n_paths, -1).T.contiguous().numpy()
    parted = np.partition(rows, ranks.unique().tolist(), axis=1)
    found = torch.from_numpy(parted[:, ranks.numpy()])
    return found.T.reshape(-1, *portfolios)


def _tail_size(n_paths: int, level: float) -> float:
    """Paths beyond the quantile, not a whole number in general."""
    check_level(level)
    exact = (1 - level) * n_paths
    whole = round(exact)
    return whole if whole and math.isclose(exact, whole, rel_tol=1e-9) else exact
