"""What makes a mode of losing: which positions, together or each for itself, and how fast.

Source: Tasche (1999), Risk contributions and performance measurement, section 5, for a position's
part as its mean loss on the losing paths; Connor & Korajczyk (1986), Performance measurement with
the arbitrage pricing theory, for the common factor as the first principal component.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.risk import influences
from fingan.risk.estimates import (
    FEWEST_A_GENERATOR,
    Estimate,
    Members,
    as_estimate,
    estimated,
    estimated_each,
    ratio,
)
from fingan.stress.losing import course_of
from fingan.stress.parting import suddenness
from fingan.volatility.correlation import shrunk_correlation

MIN_ROWS = 100  # of returns, to say what is common
N_NAMED = 3
MOST = 0.5  # of the loss, from which on a mode is named by it

LogReturns = Float[Tensor, "n_paths horizon n_assets"]


@dataclass(frozen=True)
class CommonFactor:
    """What the assets have in common: the first principal component of their history."""

    scaler: ReturnScaler
    loadings: Float[Tensor, " n_assets"]
    """Of unit length, on standardised returns."""

    @classmethod
    def of(cls, history: ReturnTable) -> "CommonFactor | None":
        """None where there is one asset or too little history."""
        n_assets = len(history.assets)
        if n_assets < 2 or len(history.dates) < max(MIN_ROWS, 2 * n_assets):
            return None
        scaler = ReturnScaler.fit(history)
        correlation = shrunk_correlation(scaler.transform(history.values))
        return cls(scaler, torch.linalg.eigh(correlation).eigenvectors[:, -1])

    def losses(
        self, log_returns: LogReturns, weights: Float[Tensor, " n_assets"], *, is_level: bool
    ) -> Float[Tensor, " n_paths"]:
        """What the portfolio would lose if every asset moved with the factor alone."""
        moves = log_returns.sum(1, dtype=torch.float64)
        spread = self.scaler.std.double()
        along = (moves / spread) @ self.loadings
        common = along.unsqueeze(1) * self.loadings * spread
        return course_of(common.unsqueeze(1), weights, is_level=is_level)[:, -1]


@dataclass(frozen=True)
class Drivers:
    """What makes the loss on some paths."""

    loss: Estimate
    """Mean loss, a share of the initial value."""
    contributions: Mapping[str, Estimate]
    """Mean loss of each held position, largest first; they add up to the loss."""
    common: Estimate | None
    """Share of the loss that is left where the assets move with their common factor alone."""
    worst_step: Estimate
    """Mean share of the loss that a path's worst step makes."""
    half_by: Estimate
    """Mean step by which half of the loss has happened."""

    @property
    def name(self) -> str:
        """``AAPL 62 %, MSFT 21 %; own moves, sudden``."""
        total, told, named = self.loss.estimate, 0.0, []
        for asset, part in self.contributions.items():
            if told >= MOST * total or part.estimate <= 0:
                break
            named.append(f"{asset} {100 * part.estimate / total:.0f} %")
            told += part.estimate
        more = len(named) - N_NAMED
        who = ", ".join(named[:N_NAMED]) + (f" and {more} more" if more > 0 else "")
        how = [] if self.common is None else ["common" if self._is_common else "own moves"]
        how.append("sudden" if self.worst_step.estimate >= MOST else "gradual")
        return f"{who}; {', '.join(how)}"

    @property
    def _is_common(self) -> bool:
        return self.common is not None and self.common.estimate >= MOST

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "loss": self.loss.record(),
            "contributions": {name: one.record() for name, one in self.contributions.items()},
            "common": None if self.common is None else self.common.record(),
            "worst_step": self.worst_step.record(),
            "half_by": self.half_by.record(),
        }


def drivers_of(
    log_returns: LogReturns,
    portfolio: Mapping[str, float],
    assets: tuple[str, ...],
    weights: Float[Tensor, " n_paths"],
    members: Int64[Tensor, " n_paths"],
    factor: CommonFactor | None,
    *,
    is_level: bool = False,
) -> Drivers:
    """What makes the loss on some paths.

    Args:
        log_returns: Of paths that lose.
        portfolio: Weight of each held asset.
        assets: Of the paths' last axis.
        weights: Probability of each path, sum 1.
        members: The generator that drew each path.
        factor: What the assets have in common.
        is_level: Whether paths are changes of a level.
    """
    shares = torch.tensor([portfolio.get(name, 0.0) for name in assets], dtype=torch.float64)
    course = course_of(log_returns, shares, is_level=is_level)
    parts = parts_of(log_returns, shares, is_level=is_level)
    owners = _owners(members)
    estimates = estimated_each(influences.mean, parts, weights, owners)
    held = [name for name in assets if portfolio.get(name, 0.0)]
    pairs = sorted(zip(held, estimates, strict=True), key=lambda pair: -pair[1].estimate)
    lost = influences.mean(course[:, -1], weights)
    common = None
    if factor is not None:
        together = factor.losses(log_returns, shares, is_level=is_level)
        shared = ratio(influences.mean(together, weights), lost)
        common = as_estimate(shared, weights, owners)
    return Drivers(
        as_estimate(lost, weights, owners),
        dict(pairs),
        common,
        estimated(influences.mean, suddenness(course), weights, owners),
        estimated(influences.mean, _half_by(course), weights, owners),
    )


def parts_of(
    log_returns: LogReturns, shares: Float[Tensor, " n_assets"], *, is_level: bool = False
) -> Float[Tensor, "n_paths n_held"]:
    """What each held position adds to the loss of each path."""
    held = shares != 0
    moves = log_returns[:, :, held].sum(1, dtype=torch.float64)
    return -(moves if is_level else moves.expm1()) * shares[held]


def _half_by(course: Float[Tensor, "n_paths horizon"]) -> Float[Tensor, " n_paths"]:
    """First step after which half of the final loss is lost."""
    reached = course >= course[:, -1:] / 2
    return reached.int().argmax(1).double() + 1


def _owners(members: Int64[Tensor, " n_paths"]) -> Members:
    """None where too few of the paths are of some generator to tell the generators apart."""
    counts = torch.bincount(members)
    return members if int(counts.min()) >= FEWEST_A_GENERATOR else None
