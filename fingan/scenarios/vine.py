"""A regular vine copula with margins of its own, fitted on returns by skfolio: one step, no memory.

Drawing from a vine takes some 0.1 ms a path, too slow for thousands of forecasts, and its law is
the same from every date. So a pool of scenarios is drawn once, when it is fitted, and a path is a
row of the pool at random: each path has the law of the vine, but more paths than the pool has
rows say nothing more of it.

Source: Dissmann, Brechmann, Czado & Kurowicka (2013), Selecting and estimating regular vine
copulae and application to financial returns; Aas, Czado, Frigessi & Bakken (2009), Pair-copula
constructions of multiple dependence.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float32
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.resampling import drawn_rows, joint_days, rows_of
from fingan.scenarios.samplers import Continuations, DrawBlock, ScenarioRequest

MIN_ASSETS = 3  # of skfolio's vine
POOL_SIZE, POOL_SEED = 2**15, 0


@dataclass(frozen=True)
class Vine:
    """Joint days of a fitted vine copula."""

    pool: Float32[Tensor, "pool_size n_assets"]
    """Log-returns of scenarios, drawn when it was fitted."""

    @classmethod
    def fit(cls, table: ReturnTable) -> "Vine":
        """Fit on the joint days, margins and pairs chosen by Akaike's criterion; then draw.

        Raises:
            PriceDataError: If there are fewer than three assets, or too few joint days.
        """
        if len(table.assets) < MIN_ASSETS:
            raise PriceDataError(
                f"a vine needs at least {MIN_ASSETS} assets, got {len(table.assets)};"
                " take 't-copula' for fewer"
            )
        from skfolio.distribution import VineCopula

        scaler = ReturnScaler.fit(table)  # margins are searched for in steps of an absolute size
        days = joint_days(scaler.transform(table.values))
        vine = VineCopula(random_state=POOL_SEED).fit(days.numpy())
        pool = torch.from_numpy(vine.sample(POOL_SIZE))
        return cls(scaler.inverse(pool).float())

    def continuations(self, returns: ReturnTable) -> Continuations:  # noqa: ARG002 - no memory
        """The same from every row, for one step."""

        def continued(_row: int, request: ScenarioRequest) -> DrawBlock:
            if request.horizon > 1:
                raise RequestError(
                    f"horizon must be 1 for baseline 'vine', got {request.horizon}: a vine copula"
                    " has no law of the days between; take 't-copula' for more"
                )

            def draw(first: int, n_blocks: int = 1) -> Tensor:
                rows = drawn_rows(request, first, n_blocks, len(self.pool))
                return rows_of(self.pool, rows).transpose(0, 1)

            return draw

        return continued
