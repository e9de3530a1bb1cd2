"""The factor bootstrap: few common factors and each asset's own rest, drawn from different days.

    x = mean + std (F b' + e)

F are the leading principal components of standardised returns, drawn in blocks of past days as the
stationary bootstrap does, all factors of a day together; e is the rest of each asset, drawn in
blocks of its own. What assets share beyond the factors is lost: little where assets are many, which
is what it is for, and much where they are a handful.

Source: Kosowski, Timmermann, Wermers & White (2006), Can mutual fund "stars" really pick stocks?,
section III, for factors and residuals drawn independently; Stock & Watson (2002), Forecasting using
principal components from a large number of predictors, for the factors; Politis & Romano (1994),
The stationary bootstrap, section 2, for the blocks.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.scenarios.block_bootstrap import in_blocks, optimal_mean_block
from fingan.scenarios.noise import path_events, path_rows
from fingan.scenarios.resampling import joint_days
from fingan.scenarios.samplers import BLOCK_SIZE, Continuations, DrawBlock, ScenarioRequest

N_FACTORS = 5  # as the factor models of the field have; half the assets where those are fewer


@dataclass(frozen=True)
class FactorBootstrap:
    """Past days of common factors, and past days of each asset's own."""

    mean: Float32[Tensor, " n_assets"]
    factors: Float32[Tensor, "n_rows n_factors"]
    loadings: Float32[Tensor, "n_factors n_assets"]
    """In units of returns."""
    residuals: Float32[Tensor, "n_rows n_assets"]
    mean_block: float
    """Expected days in a block, at least 1."""

    @classmethod
    def fit(cls, table: ReturnTable) -> "FactorBootstrap":
        """Split the joint days into factors and rests."""
        days = joint_days(table.values)
        mean, std = days.mean(0), days.std(0)
        centred = days - mean
        n_factors = min(N_FACTORS, (days.shape[1] + 1) // 2)
        _, _, directions = torch.linalg.svd(centred / std, full_matrices=False)
        leading = directions[:n_factors]
        factors, loadings = (centred / std) @ leading.T, leading * std
        return cls(
            mean=mean.float(),
            factors=factors.float(),
            loadings=loadings.float(),
            residuals=(centred - factors @ loadings).float(),
            mean_block=optimal_mean_block(days),
        )

    def continuations(self, returns: ReturnTable) -> Continuations:  # noqa: ARG002 - no memory
        """The same from every row."""

        def continued(_row: int, request: ScenarioRequest) -> DrawBlock:
            def draw(first: int, n_blocks: int = 1) -> Tensor:
                rows = self.rows(request, first, n_blocks)
                common = self.factors[rows[..., 0]] @ self.loadings
                own = self.residuals.gather(0, rows[..., 1:].flatten(0, 1)).view_as(common)
                return common.add_(own).add_(self.mean).transpose(0, 1)

            return draw

        return continued

    def rows(
        self, request: ScenarioRequest, first: int, n_blocks: int
    ) -> Int64[Tensor, "horizon n_paths n_days"]:
        """The day of the factors, then of each asset's own, of each step and path."""
        n_days = 1 + len(self.mean)
        size = BLOCK_SIZE * n_days
        place = (request.seed, first, request.horizon, size)
        jumps = path_events(*place, 1 / self.mean_block, n_blocks)
        starts = path_rows(*place, len(self.residuals), n_blocks)
        rows = in_blocks(jumps, starts, len(self.residuals))
        return rows.unflatten(1, (n_blocks * BLOCK_SIZE, n_days))
