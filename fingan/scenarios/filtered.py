"""Filtered laws: innovations of some law, run through each asset's volatility recursion.

    x[t] = sigma[t] z[t]
    sigma2[t + 1] = omega + (alpha + gamma 1[z_t < 0]) x[t]^2 + beta sigma2[t]

A member of the family is where its standardised joint innovations z come from: past days drawn
again (filtered historical simulation), Student's t under a Gaussian copula, a t copula.

Source: Bollerslev (1986), Generalized autoregressive conditional heteroskedasticity; Glosten,
Jagannathan & Runkle (1993), On the relation between the expected value and the volatility of the
nominal excess return on stocks, for gamma.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.scenarios.samplers import Continuations, DrawBlock, ScenarioRequest
from fingan.volatility.filter import VolatilityFilter
from fingan.volatility.recurrence import linear_recurrence

Steps = Float32[Tensor, "horizon n_paths n_assets"]


class Innovations(Protocol):
    """A joint law of standardised shocks, independent from step to step."""

    def draw(self, request: ScenarioRequest, first: int, n_blocks: int) -> Steps:
        """Shocks of blocks of paths, time first; new memory, the caller may write into it.

        Args:
            request: Horizon and seed.
            first: Index of the first block.
            n_blocks: Blocks side by side; each has the shocks that it has alone.
        """


def standardised(
    scaled: Float[Tensor, "n_days n_assets"], volatility: VolatilityFilter
) -> Float[Tensor, "n_days n_assets"]:
    """A history's innovations: scaled returns over the volatility that each day began with."""
    return scaled / volatility.variances(scaled)[:-1].sqrt()


@dataclass(frozen=True)
class FilteredLaw:
    """Innovations, scaled by a variance that remembers them."""

    scaler: ReturnScaler
    volatility: VolatilityFilter
    innovations: Innovations

    def continuations(self, returns: ReturnTable) -> Continuations:
        """Each row goes on from the variance that the filter gives the next day."""
        variances = self.volatility.variances(self.scaler.transform(returns.values)).float()
        mean, std = self.scaler.mean.float(), self.scaler.std.float()
        recursion = _Recursion.of(self.volatility)

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            today = variances[row + 1]

            def draw(first: int, n_blocks: int = 1) -> Tensor:
                shocks = self.innovations.draw(request, first, n_blocks)
                returns = recursion.scaled(shocks, today)
                return torch.addcmul(mean, returns, std).transpose(0, 1)

            return draw

        return continued


@dataclass(frozen=True)
class _Recursion:
    """A filter's parameters as the simulation needs them: float32, leverage only where it is."""

    omega: Float32[Tensor, " n_assets"]
    alpha: Float32[Tensor, " n_assets"]
    gamma: Float32[Tensor, " n_assets"] | None
    beta: Float32[Tensor, " n_assets"]

    @classmethod
    def of(cls, volatility: VolatilityFilter) -> "_Recursion":
        gamma = volatility.gamma.float() if volatility.gamma.any() else None
        return cls(
            volatility.omega.float(), volatility.alpha.float(), gamma, volatility.beta.float()
        )

    def scaled(self, shocks: Steps, today: Float32[Tensor, " n_assets"]) -> Steps:
        """Shocks times the volatility that they themselves build up, in place."""
        if len(shocks) == 1:
            return shocks.mul_(today.sqrt())
        past = shocks[:-1]
        multiplier = torch.addcmul(self.beta, past * self.alpha, past)
        if self.gamma is not None:
            falls = past.clamp(max=0)
            multiplier.addcmul_(falls * self.gamma, falls)
        start = today.expand_as(past[0])
        variances = linear_recurrence(multiplier, self.omega.expand_as(past), start)
        return shocks.mul_(variances.sqrt_())
