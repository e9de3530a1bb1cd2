"""The stationary bootstrap: blocks of past days of random length, all assets of a day together.

Source: Politis & Romano (1994), The stationary bootstrap, section 2; Politis & White (2004),
Automatic block-length selection for the dependent bootstrap, with the correction of Patton,
Politis & White (2009), for the length, as arch computes it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.scenarios.noise import path_events
from fingan.scenarios.resampling import Days, drawn_rows, joint_days, rows_of
from fingan.scenarios.samplers import BLOCK_SIZE, Continuations, DrawBlock, ScenarioRequest


@dataclass(frozen=True)
class StationaryBootstrap:
    """Past days in their order, with a jump to a random day after a geometric time.

    A path begins on a random day: the law is stationary and knows no present. The day after the
    last is the first, so that every day is as likely.
    """

    returns: Float32[Tensor, "n_rows n_assets"]
    """Log-returns of the days on which all assets were observed, in their order."""
    mean_block: float
    """Expected days in a block, at least 1."""

    @classmethod
    def fit(cls, table: ReturnTable) -> "StationaryBootstrap":
        """Keep the joint days; a day with a gap is left out of its block."""
        days = joint_days(table.values)
        return cls(days.float(), optimal_mean_block(days))

    def continuations(self, returns: ReturnTable) -> Continuations:  # noqa: ARG002 - no memory
        """The same from every row."""

        def continued(_row: int, request: ScenarioRequest) -> DrawBlock:
            def draw(first: int, n_blocks: int = 1) -> Tensor:
                rows = self.rows(request, first, n_blocks)
                return rows_of(self.returns, rows).transpose(0, 1)

            return draw

        return continued

    def rows(
        self, request: ScenarioRequest, first: int, n_blocks: int
    ) -> Int64[Tensor, "horizon n_paths"]:
        """The day of each step of each path of some blocks."""
        n_rows, horizon = len(self.returns), request.horizon
        jumps = path_events(request.seed, first, horizon, BLOCK_SIZE, 1 / self.mean_block, n_blocks)
        return in_blocks(jumps, drawn_rows(request, first, n_blocks, n_rows), n_rows)


def in_blocks(
    jumps: Bool[Tensor, "horizon n_series"], starts: Int64[Tensor, "horizon n_series"], n_rows: int
) -> Int64[Tensor, "horizon n_series"]:
    """Rows that follow each other, from the row of ``starts`` at the first step and each jump."""
    steps = torch.arange(len(jumps)).unsqueeze(1)
    begun = (jumps * steps).cummax(0).values  # the step at which a step's block began
    return starts.gather(0, begun).add_(steps - begun).remainder_(n_rows)


def optimal_mean_block(days: Days) -> float:
    """Expected block length: the median over the assets of what their absolute returns need.

    Raw returns are nearly uncorrelated, so that their own optimum is about one day, which would
    shuffle volatility clustering away; it lives in the absolute returns. Squared returns have it
    too, but their autocovariances need eight moments, which returns do not have, and follow a few
    crashes. The rows are drawn jointly, so that one length serves all assets: the median, which
    one odd asset does not move.
    """
    from arch.bootstrap import optimal_block_length

    deviations = (days - days.mean(0)).abs().numpy()
    lengths = optimal_block_length(deviations)["stationary"]
    return max(1.0, float(lengths.median()))
