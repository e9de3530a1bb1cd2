"""Joint past days, drawn again: plain, or as innovations of volatility filters.

Source: Barone-Adesi, Giannopoulos & Vosper (1999), VaR without correlations for portfolios of
derivative securities; Hull & White (1998), Incorporating volatility updating into the historical
simulation method for value-at-risk.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.scenarios.noise import path_rows
from fingan.scenarios.samplers import BLOCK_SIZE, Continuations, DrawBlock, ScenarioRequest
from fingan.volatility.filter import VolatilityFilter
from fingan.volatility.recurrence import linear_recurrence


@dataclass(frozen=True)
class HistoricalSimulation:
    """Past days drawn at random, all assets of a day together: no memory."""

    returns: Float[Tensor, "n_rows n_assets"]
    """Log-returns of the days on which all assets were observed, float32."""

    def continuations(self, returns: ReturnTable) -> Continuations:  # noqa: ARG002 - no memory
        """The same from every row."""

        def continued(_row: int, request: ScenarioRequest) -> DrawBlock:
            def draw(block: int) -> Tensor:
                return self.returns[drawn_rows(request, block, len(self.returns))].transpose(0, 1)

            return draw

        return continued


@dataclass(frozen=True)
class FilteredHistoricalSimulation:
    """Past joint innovations drawn at random, run through each asset's volatility recursion."""

    scaler: ReturnScaler
    volatility: VolatilityFilter
    innovations: Float[Tensor, "n_rows n_assets"]
    """Standardised, of the days on which all assets were observed."""

    def continuations(self, returns: ReturnTable) -> Continuations:
        """Each row goes on from the variance that the filter gives the next day."""
        variances = self.volatility.variances(self.scaler.transform(returns.values)).float()
        innovations, volatility = self.innovations.float(), self.volatility
        rise, fall = volatility.alpha, volatility.alpha + volatility.gamma
        news = torch.where(self.innovations < 0, fall, rise) * self.innovations.square()
        multipliers, omega = (volatility.beta + news).float(), volatility.omega.float()
        mean, std = self.scaler.mean.float(), self.scaler.std.float()

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            start = variances[row + 1].expand(BLOCK_SIZE, -1)

            def draw(block: int) -> Tensor:
                rows = drawn_rows(request, block, len(innovations))
                multiplier = multipliers[rows]
                today = linear_recurrence(multiplier, omega.expand_as(multiplier), start)
                returns = innovations[rows].mul_(today[:-1].sqrt_())
                return torch.addcmul(mean, returns, std).transpose(0, 1)

            return draw

        return continued


def drawn_rows(
    request: ScenarioRequest, block: int, n_rows: int
) -> Int64[Tensor, "horizon block_size"]:
    """A row number for each step of each path of a block."""
    return path_rows(request.seed, block, request.horizon, BLOCK_SIZE, n_rows)
