"""Marginal laws of innovations: the body as observed, the tails generalised Pareto.

The law starts every asset at its own history, so that the network is left the joint law and the
dynamics. Laws of innovations drift, so that they are taken from the later part of a history.
Between the tails it is a smooth curve through a hundred quantiles, which holds no single
observation; beyond them it is heavy by construction and goes past what was seen.

Source: Barone-Adesi, Giannopoulos & Vosper (1999), VaR without correlations for portfolios of
derivative securities, for past innovations as the law; McNeil & Frey (2000), Estimation of
tail-related risk measures for heteroscedastic financial time series, for Pareto tails on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fingan.models.quantile_tables import QuantileTable

Innovations = Float[Tensor, "n_days n_assets"]  # NaN where not observed

TAIL = 0.06  # of the observations on each side
N_KNOTS = 101  # quantiles of the body
LEAST_EXCESSES = 5  # beyond an edge; with fewer the law ends there
MAX_SCORE = 5.0  # of an observation: once in three million
TIE = 1e-5  # values closer than this are one
LEAST_TAIL = 15  # observations of a tail; of fewer the normal law is kept
SHAPE, SHAPE_SPREAD, MAX_SHAPE = 0.15, 0.1, 0.35  # prior of the tail index's inverse, and a bound
REACH, N_CELLS = 6.5, 1300  # of the table, in normal deviations


@dataclass(frozen=True)
class Margins:
    """One increasing map per asset, from a normal score to an innovation."""

    table: QuantileTable

    def scores(self, innovations: Innovations) -> Innovations:
        """Normal scores of innovations: the map inverted; NaN stays NaN."""
        grid = np.linspace(-self.table.reach, self.table.reach, self.table.values.shape[1])
        values = innovations.numpy()
        curves = self.table.values.double().numpy()
        columns = [_inverse(values[:, j], curve, grid) for j, curve in enumerate(curves)]
        return torch.from_numpy(np.stack(columns, axis=1))

    def mirrored(self, where: Bool[Tensor, " n_columns"]) -> "Margins":
        """The laws with gains and falls changed over, of some columns."""
        turned = self.table.values.flip(1).neg()
        values = turned.where(where.unsqueeze(1), self.table.values)
        return Margins(QuantileTable(self.table.reach, values))

    def of_values_from(self, law: "Margins") -> "Margins":
        """The map from numbers of another law instead of the normal one, to the same values."""
        grid = np.linspace(-REACH, REACH, N_CELLS + 1)
        pairs = zip(
            self.table.values.double().numpy(), law.table.values.double().numpy(), strict=True
        )
        return _margins(
            [np.interp(np.interp(grid, other, grid), grid, own) for own, other in pairs]
        )


class MarginMap(nn.Module):
    """The map as part of a generator: it goes to the generator's device, and is not trained."""

    def __init__(self, margins: Margins) -> None:
        super().__init__()
        self.table = margins.table

    def forward(self, scores: Float[Tensor, "*shape n_assets"]) -> Float[Tensor, "*shape n_assets"]:
        """Innovations of normal scores, differentiable by them."""
        return self.table(scores)

    def _apply(self, fn: Any, recurse: bool = True) -> "MarginMap":
        """Move the table with the module."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.table = QuantileTable(self.table.reach, fn(self.table.values))
        return self


def fit_margins(
    innovations: Innovations, *, latest: int | None = None, is_unit: bool = False
) -> Margins:
    """Fit each column's law to what was observed of it, its mean taken off.

    Args:
        innovations: Of a training span.
        latest: How many observations count, the last ones; all if not given.
        is_unit: Whether each law is given the variance 1.
    """
    grid = np.linspace(-REACH, REACH, N_CELLS + 1)
    curves = []
    for column in innovations.double().numpy().T:
        observed = column[~np.isnan(column)]
        curve = _curve(np.sort(observed if latest is None else observed[-latest:]), grid)
        density = np.exp(-(grid**2) / 2)
        curve = curve - (curve * density).sum() / density.sum()
        if is_unit:
            curve /= np.sqrt((curve**2 * density).sum() / density.sum())
        curves.append(curve)
    return _margins(curves)


def _margins(curves: Sequence[Float[np.ndarray, " n_points"]]) -> Margins:
    """Tables of curves on the grid."""
    values = np.reshape(curves, (len(curves), N_CELLS + 1))
    return Margins(QuantileTable(REACH, torch.from_numpy(values).float()))


def _inverse(
    values: Float[np.ndarray, " n"],
    curve: Float[np.ndarray, " n_points"],
    grid: Float[np.ndarray, " n_points"],
) -> Float[np.ndarray, " n"]:
    """Normal scores of values; of a value that stands for many, the middle of theirs."""
    scores = (np.interp(values - TIE, curve, grid) + np.interp(values + TIE, curve, grid)) / 2
    return np.clip(scores, -MAX_SCORE, MAX_SCORE)


def _curve(
    ordered: Float[np.ndarray, " n"], grid: Float[np.ndarray, " n_points"]
) -> Float[np.ndarray, " n_points"]:
    """The innovation at each normal score."""
    from scipy.interpolate import PchipInterpolator
    from scipy.special import ndtr, ndtri

    n_tail = int(TAIL * len(ordered))
    if n_tail < LEAST_TAIL:
        return grid * ordered.std()
    share = n_tail / len(ordered)
    levels = ndtr(np.linspace(ndtri(share), -ndtri(share), N_KNOTS))
    knots = np.quantile(ordered, levels, method="hazen")
    knots = np.maximum.accumulate(knots + 1e-9 * np.arange(N_KNOTS))
    body = PchipInterpolator(ndtri(levels), knots)
    low, high = knots[0], knots[-1]
    falls, rises = low - ordered[ordered < low], ordered[ordered > high] - high
    inside = np.clip(grid, ndtri(share), -ndtri(share))
    beyond = ndtr(-np.abs(grid)) * len(ordered)  # observations expected further out
    curve: Float[np.ndarray, " n_points"] = np.where(
        grid < inside,
        low - _excess(beyond, falls),
        np.where(grid > inside, high + _excess(beyond, rises), body(inside)),
    )
    return curve


def _excess(
    beyond: Float[np.ndarray, " n_points"], excesses: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n_points"]:
    """Quantiles of the generalised Pareto law fitted to excesses; none where they are too few.

    Values that equal the edge are not beyond it: a price that often stands still has thin tails.
    """
    if len(excesses) < LEAST_EXCESSES:
        return np.zeros_like(beyond)
    shape, scale = _pareto(excesses)
    left = np.clip(beyond / len(excesses), 1e-300, 1)
    return scale * np.expm1(-shape * np.log(left)) / shape


def _pareto(excesses: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """(shape, scale) of a generalised Pareto law: posterior mode, a Gaussian prior on the shape."""
    from scipy.optimize import minimize

    mean = float(excesses.mean())

    def surprise(free: Float[np.ndarray, " 2"]) -> float:
        shape, scale = free[0], np.exp(free[1])
        if not 1e-3 <= shape <= MAX_SHAPE:
            return 1e12
        log = np.log1p(shape * excesses / scale)
        prior = ((shape - SHAPE) / SHAPE_SPREAD) ** 2 / 2
        return float(len(excesses) * free[1] + (1 + 1 / shape) * log.sum() + prior)

    found = minimize(surprise, [SHAPE, np.log(mean * (1 - SHAPE))], method="Nelder-Mead")
    return float(found.x[0]), float(np.exp(found.x[1]))
