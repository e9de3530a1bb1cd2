"""Whose risk it is: the ES of a portfolio by position, five ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from fingan.risk import contributions
from fingan.risk.estimates import Estimate, Members, Weights


@dataclass(frozen=True)
class Position:
    """What one position has to do with the risk."""

    asset: str
    weight: float
    component: Estimate
    """What it adds to ES; the components sum to ES."""
    share: Estimate
    """Of ES; the shares sum to 1."""
    marginal: Estimate
    """What ES grows by for each unit of weight."""
    incremental: Estimate
    """ES less ES without it, cash in its place."""
    standalone: Estimate
    """ES of the position by itself."""
    value_at_risk: Estimate
    """What it adds to VaR; these sum to VaR."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "asset": self.asset,
            "weight": self.weight,
            "component": self.component.record(),
            "share": self.share.record(),
            "marginal": self.marginal.record(),
            "incremental": self.incremental.record(),
            "standalone": self.standalone.record(),
            "value_at_risk": self.value_at_risk.record(),
        }


@dataclass(frozen=True)
class Attribution:
    """The risk of a portfolio divided among its positions."""

    level: float
    positions: tuple[Position, ...]
    """Largest component first."""
    diversification_ratio: Estimate
    """What the positions' ES sum to, over ES of the portfolio."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "level": self.level,
            "positions": [position.record() for position in self.positions],
            "diversification_ratio": self.diversification_ratio.record(),
        }


def attribution(
    assets: Sequence[str],
    simple_returns: Float[Tensor, "n_paths n_assets"],
    shares: Float[Tensor, " n_assets"],
    level: float,
    weights: Weights = None,
    members: Members = None,
) -> Attribution:
    """Divide the ES of a portfolio among its positions.

    Args:
        assets: Those that are held.
        simple_returns: Of each, over the horizon.
        shares: Of the initial value, none of them 0.
        level: Confidence level in (0, 1).
        weights: Probability of each path, sum 1; None where all are equal.
        members: The generator that drew each path.
    """
    arguments = (simple_returns, shares, level, weights, members)
    euler, alone = contributions.contributions(*arguments), contributions.standalone(*arguments)
    columns = zip(
        assets,
        shares.tolist(),
        euler.expected_shortfall,
        euler.share,
        contributions.incremental(*arguments),
        alone.each,
        euler.value_at_risk,
        strict=True,
    )
    positions = [
        Position(asset, share, component, part, component.scaled(1 / share), less, own, at_var)
        for asset, share, component, part, less, own, at_var in columns
    ]
    positions.sort(key=lambda position: -position.component.estimate)
    return Attribution(level, tuple(positions), alone.diversification_ratio)
