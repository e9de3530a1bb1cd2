"""Correlation that moves: the variances of the leading modes of joint normal scores.

    y_t = D_t^-1 sum_k a_k sqrt(g_kt) z_kt,       a_k = v_k sqrt(lambda_k)
    g_{k,t+1} = (1 - alpha - beta) + (alpha z_kt^2 + beta) g_kt

``a_k`` are the eigenvectors of the average correlation, scaled; ``D`` gives every asset variance 1.
When the first mode's ``g`` is large, assets move together; the others let sectors come and go.

Source: Engle (2002), Dynamic conditional correlation; Alexander (2001), Orthogonal GARCH, for
giving principal components variances of their own.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.scoring import most_likely

Scores = Float[Tensor, "n_days n_assets"]  # normal scores of innovations, NaN where unobserved

N_MODES = 5
MAX_NEWS = 7.0  # a larger move of a mode counts as this one
MAX_PERSISTENCE = 0.999
SMALLEST, LARGEST = 0.05, 20.0  # variance of a mode, relative to the usual
LEAST_USUAL = 0.05
LEAST_SEEN = 0.5  # of a mode
START = (math.log(0.985 / 0.015), math.log(0.025 / 0.975))  # persistence, share of news in it
SPREAD = (1.5, 1.0)


@dataclass(frozen=True)
class CorrelationModes:
    """The average correlation and the recursions of its leading modes."""

    root: Float[Tensor, "n_assets n_assets"]
    """Columns ``a_k``, largest first: root @ root.T is the average correlation."""
    usual: Float[Tensor, " n_modes"]
    """Mean squared move in the training span: near 1, but where prices often stand still."""
    alpha: Float[Tensor, " n_modes"]
    beta: Float[Tensor, " n_modes"]

    def variances(self, scores: Scores) -> Float[Tensor, "n_states n_modes"]:
        """``g`` over a history: row t uses days before t only; the last is tomorrow's."""
        n_modes = len(self.alpha)
        moves, shares = _moves(scores, self.root[:, :n_modes])
        _, variances = _filtered(self.alpha, self.beta, moves.square() / self.usual, shares)
        return variances

    def shocks(self, scores: Scores) -> Float[Tensor, "n_days n_modes"]:
        """``z`` over a history; NaN where too little of a mode was observed."""
        moves, lent = _moves(scores, self.root[:, : len(self.alpha)])
        variances = self.variances(scores)[:-1]
        scale = 1 + (variances - 1) @ lent
        return moves * (scale / (variances * self.usual)).sqrt()


def fit_modes(
    scores: Scores, correlation: Float[Tensor, "n_assets n_assets"], n_modes: int = N_MODES
) -> CorrelationModes:
    """Fit the recursion of each leading mode.

    Args:
        scores: Of the training span.
        correlation: Their average correlation, positive definite.
        n_modes: At most so many modes move, and never more than half the assets.
    """
    values, vectors = torch.linalg.eigh(correlation.double())
    root = (vectors * values.sqrt()).flip(1)
    root = root * root.sum(0).sign().where(root.sum(0) != 0, 1.0)
    n_modes = min(n_modes, (len(root) + 1) // 2) if len(root) > 1 else 0
    if n_modes == 0:
        return CorrelationModes(root, *(root.new_zeros(0) for _ in range(3)))
    moves, shares = _moves(scores, root[:, :n_modes])
    squares = moves.square()
    usual = squares.nanmean(0).nan_to_num(nan=1.0).clamp(min=LEAST_USUAL)
    squares = squares / usual

    def log_likelihood(points: Tensor) -> list[Tensor]:
        likelihood, _ = _filtered(*_coefficients(points), squares, shares)
        return [likelihood]

    start, spread = (torch.tensor(numbers, dtype=torch.float64) for numbers in (START, SPREAD))
    alpha, beta = _coefficients(most_likely(log_likelihood, start, spread, n_modes))
    return CorrelationModes(root, usual, alpha, beta)


def _coefficients(free: Float[Tensor, "*tried n_modes 2"]) -> tuple[Tensor, Tensor]:
    persistence, share = free.sigmoid().unbind(-1)
    persistence = MAX_PERSISTENCE * persistence
    return persistence * share, persistence * (1 - share)


def _moves(
    scores: Scores, root: Float[Tensor, "n_assets n_modes"]
) -> tuple[Float[Tensor, "n_days n_modes"], Float[Tensor, "n_modes n_modes"]]:
    """Each mode's move, its average square 1, and how much each mode lends to a mode's assets.

    NaN where too little of a mode was observed: its variance goes on as expected.
    """
    size = root.square().sum(0)
    directions = root / size
    observed = ~scores.isnan()
    moves = scores.nan_to_num().double() @ directions
    seen = observed.double() @ (directions * root)  # how much of each mode was observed
    moves = torch.where(seen > LEAST_SEEN, moves / seen, torch.nan)
    lent = (root.square() / size).T @ root.square()
    return moves, lent


def _filtered(
    alpha: Tensor, beta: Tensor, squared_moves: Tensor, lent: Tensor
) -> tuple[Tensor, Tensor]:
    """Each day's Gaussian log-likelihood of each mode, and the modes' variances."""
    news, weights = alpha.numpy(), beta.numpy()
    rest, lending, squares = 1 - news - weights, lent.numpy().T, squared_moves.numpy()
    variances = np.ones((len(squares) + 1, *news.shape))
    likelihood = np.empty((len(squares), *news.shape))
    for day, square in enumerate(squares):
        before = variances[day]
        scale = 1 + (before - 1) @ lending  # mean variance that D takes off a mode's assets
        surprise = square * scale / before
        is_seen = ~np.isnan(surprise)
        np.subtract(-np.log(before / scale), surprise, out=likelihood[day])
        likelihood[day] = np.where(is_seen, likelihood[day], 0.0)
        bounded = np.where(is_seen, np.minimum(surprise, MAX_NEWS**2), 1.0)
        following = (news * bounded + weights) * before + rest
        variances[day + 1] = np.minimum(np.maximum(following, SMALLEST), LARGEST)
    return torch.from_numpy(likelihood / 2), torch.from_numpy(variances)
