"""How assets move together: correlation, its weakest directions, joint falls.

Each compares one table of market days with one of synthetic days, paths laid end to end.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

Real = Float[Tensor, "n_days n_assets"]
Synthetic = Float[Tensor, "m n_assets"]
Matrix = Float[Tensor, "n_assets n_assets"]


def correlation_error(real: Real, synthetic: Synthetic) -> float:
    """Root-mean-square difference of the correlations over all pairs of assets.

    Args:
        real: Returns of the market.
        synthetic: Returns of the generator, in the same order of assets.

    Returns:
        NaN for one asset or for an asset that never moves.

    Source: the lag-0 term of Ni et al. (2021), Sig-Wasserstein GANs, as a mean over
        pairs so that universes of different sizes compare.
    """
    return _difference_of_pairs(_correlation(real), _correlation(synthetic))


def eigen_variance_ratios(real: Real, synthetic: Synthetic) -> Float[Tensor, " n_assets"]:
    """Synthetic over real variance along the principal directions of the real correlation.

    Both are in units of the market's standard deviations, so a generator of the wrong volatility
    shows as well. A real direction of low variance is the best of its own sample: with few days
    even a true model scores above 1 there, as its sampling floor shows.

    Args:
        real: Returns of the market.
        synthetic: Returns of the generator, in the same order of assets.

    Returns:
        By ascending eigenvalue: the first directions are those that long-short portfolios load
        on. NaN where the real assets are linearly dependent.

    Source: Cetingoz & Lehalle (2025), Synthetic data for portfolios: a throw of the dice will never
        abolish chance, arXiv:2501.03993.
    """
    scale = real.std(0)
    eigenvalues, directions = torch.linalg.eigh(_covariance(real / scale))
    along = directions.T @ _covariance(synthetic / scale) @ directions
    smallest = eigenvalues[-1] * len(eigenvalues) * torch.finfo(real.dtype).eps
    return torch.where(eigenvalues > smallest, along.diagonal() / eigenvalues, torch.nan)


def low_eigenvalue_error(real: Real, synthetic: Synthetic, share: float = 0.25) -> float:
    """Mean |log variance ratio| over the ``share`` of directions with the lowest real variance.

    Args:
        real: Returns of the market.
        synthetic: Returns of the generator, in the same order of assets.
        share: Of the directions, in (0, 1]; at least one is taken.

    Returns:
        0 for equal variances, log 2 for all doubled or halved, infinite for a lost direction; NaN
        for one asset.

    Raises:
        ValueError: If ``share`` lies outside (0, 1].

    Source: Cetingoz & Lehalle (2025), arXiv:2501.03993; the mean of logarithms is ours.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], got {share}")
    n_assets = real.shape[1]
    if n_assets == 1:
        return math.nan
    n_lowest = max(1, math.floor(share * n_assets + 1e-9))
    return float(eigen_variance_ratios(real, synthetic)[:n_lowest].clamp(min=0).log().abs().mean())


def tail_dependence(returns: Synthetic, level: float) -> Matrix:
    """P(an asset is among its worst days | another one is), for every pair.

    Args:
        returns: In any order of days.
        level: Share of days that are not among the worst, for example 0.95.

    Returns:
        1 on the diagonal and for assets that fall together, about ``1 - level`` for independent
        ones; symmetric. NaN where fewer than one day is among the worst.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Coles, Heffernan & Tawn (1999), Dependence measures for extreme value analyses: the
        lower tail at a finite level, from ranks.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    n_days, n_assets = returns.shape
    n_worst = math.floor((1 - level) * n_days + 1e-9)
    if n_worst < 1:
        return returns.new_full((n_assets, n_assets), torch.nan)
    worst = returns.topk(n_worst, dim=0, largest=False).indices
    is_worst = torch.zeros_like(returns).scatter_(0, worst, 1.0)
    return is_worst.T @ is_worst / n_worst


def tail_dependence_error(real: Real, synthetic: Synthetic, level: float = 0.95) -> float:
    """Root-mean-square difference of the tail dependences over all pairs of assets.

    Args:
        real: Returns of the market.
        synthetic: Returns of the generator, in the same order of assets.
        level: Share of days that are not among the worst.

    Returns:
        NaN for one asset.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).
    """
    return _difference_of_pairs(tail_dependence(real, level), tail_dependence(synthetic, level))


def _covariance(returns: Tensor) -> Tensor:
    centred = returns - returns.mean(0)
    return centred.T @ centred / (len(returns) - 1)


def _correlation(returns: Tensor) -> Tensor:
    moves = returns.amax(0) > returns.amin(0)
    scale = torch.where(moves, returns.std(0), torch.nan)
    return _covariance(returns / scale)


def _difference_of_pairs(real: Tensor, synthetic: Tensor) -> float:
    above = torch.triu(torch.ones_like(real, dtype=torch.bool), diagonal=1)
    return float((real - synthetic)[above].square().mean().sqrt())  # the mean of no pair is NaN
