"""What each day and asset says against the model: moves under its filter, alone and together.

Everything is causal: row t is judged with what the filter knew before t. The published model holds
no critic (it keeps what draws scenarios), so the evidence is of its filter: each asset's innovation
on the scale of normal scores, each asset's move given all others of the day, the joint distance,
and runs of an unchanged price.

Source: McNeil, Frey & Embrechts (2015), Quantitative risk management, sections 6.1 and 9.3, for
innovations and their Mahalanobis distance; Whittaker (1990), Graphical models in applied
multivariate statistics, section 5.8, for residuals from the inverse of a correlation matrix.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.models.margins import MAX_SCORE
from fingan.models.market import MarketModel
from fingan.volatility.modes import CorrelationModes

Moves = Float[Tensor, "n_days n_assets"]

CHUNK = 256  # days whose correlations are held at once
LEAST = 1e-6  # added to the diagonal of a correlation before it is inverted


@dataclass(frozen=True)
class Evidence:
    """What each day says, asset by asset; an asset that was not observed says nothing: zero."""

    assets: tuple[str, ...]
    dates: pd.DatetimeIndex
    moves: Moves
    """Innovations as normal scores; beyond the model's reach in their own standard deviations."""
    alone: Moves
    """Moves given all other assets of the day: standard normal if the model is right."""
    joint: Moves
    """Each asset's part of the squared Mahalanobis distance of the day; they sum to it."""
    stale: Int64[Tensor, "n_days n_assets"]
    """Days in a row on which the price did not change, up to the day."""
    observed: Float[Tensor, " n_days"]
    """Assets observed on the day, at least 1."""


def gather(model: MarketModel, returns: ReturnTable) -> Evidence:
    """The evidence of every day of a history.

    Args:
        model: Its filter is run over the history; it is not fitted to it.
        returns: Log-returns of the model's assets, in its order.
    """
    law, today = model.law, model.conditions(returns)
    scaled = (returns.values.double() - model.mean) / model.std
    scaled = scaled / model.time_of_day.of(returns.dates)
    innovations = scaled / today.variance[:-1].double().sqrt()
    scores = law.margins.scores(innovations)
    moves = _beyond(scores, innovations).nan_to_num()
    alone, joint = _given_the_rest(law.modes, today.modes[:-1].double(), moves)
    return Evidence(
        assets=returns.assets,
        dates=returns.dates,
        moves=moves,
        alone=alone,
        joint=joint,
        stale=unchanged_runs(returns.values),
        observed=returns.observed.sum(1).clamp(min=1).double(),
    )


def unchanged_runs(
    returns: Float[Tensor, "n_days n_assets"],
) -> Int64[Tensor, "n_days n_assets"]:
    """Days in a row, up to each, on which the price stood still; a gap ends a run."""
    counts = torch.zeros(returns.shape[1], dtype=torch.int64)
    runs = []
    for stood in returns == 0:
        counts = torch.where(stood, counts + 1, 0)
        runs.append(counts)
    return torch.stack(runs)


def _beyond(scores: Moves, innovations: Moves) -> Moves:
    """Scores end where the law does; a larger innovation counts in its own standard deviations."""
    size = innovations.abs().clamp(min=MAX_SCORE)
    return torch.where(scores.abs() >= MAX_SCORE - 1e-9, innovations.sign() * size, scores)


def _given_the_rest(
    modes: CorrelationModes, levels: Float[Tensor, "n_days n_modes"], moves: Moves
) -> tuple[Moves, Moves]:
    """Residuals of each asset given the others, and parts of the squared distance."""
    alone, joint = torch.empty_like(moves), torch.empty_like(moves)
    for first in range(0, len(moves), CHUNK):
        rows = slice(first, first + CHUNK)
        precision = torch.linalg.inv(_correlations(modes, levels[rows]))
        pulled = (precision @ moves[rows].unsqueeze(2)).squeeze(2)
        alone[rows] = pulled / precision.diagonal(dim1=1, dim2=2).sqrt()
        joint[rows] = moves[rows] * pulled
    return alone, joint


def _correlations(
    modes: CorrelationModes, levels: Float[Tensor, "n_days n_modes"]
) -> Float[Tensor, "n_days n_assets n_assets"]:
    """Of normal scores on each day: the modes' variances in the average correlation's roots."""
    root = modes.root.double()
    variances = torch.ones(len(levels), root.shape[1], dtype=torch.float64)
    variances[:, : levels.shape[1]] = levels
    covariance = torch.einsum("ik,tk,jk->tij", root, variances, root)
    spread = covariance.diagonal(dim1=1, dim2=2).sqrt()
    correlation = covariance / (spread.unsqueeze(1) * spread.unsqueeze(2))
    return correlation + LEAST * torch.eye(len(root), dtype=torch.float64)
