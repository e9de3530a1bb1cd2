"""One step ahead from every day of a span: where in the forecast did the outcome fall?

Under the true model the ranks of outcomes among the scenarios are independent and uniform, whatever
the process, so that their normal scores have a known law: no bootstrap is needed.

Source: Diebold, Gunther & Tay (1998), Evaluating density forecasts; Berkowitz (2001), Testing
density forecasts, with applications to risk management, for the normal scores.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.outcomes import Outcomes
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

Ranks = Float[Tensor, "n_days n_portfolios"]


@dataclass(frozen=True)
class Calibration:
    """Ranks of what happened among the scenarios of each day."""

    assets: Float[Tensor, "n_days n_assets"]
    """Scenarios below the outcome, ties by half, of each asset."""
    directions: Float[Tensor, "n_days n_directions"]
    """Along the principal directions of the market, by ascending variance."""
    portfolio: Float[Tensor, " n_days"]
    """Of the equal-weight portfolio."""
    n_paths: int

    def spread(self, ranks: Ranks) -> Float[Tensor, " n_portfolios"]:
        """Root mean square of the normal scores: above 1 the market moves more than the model."""
        scores = self._normal_score(ranks)
        grid = self._normal_score(torch.arange(self.n_paths + 1, dtype=torch.float64))
        return (scores.square().mean(0) / grid.square().mean()).sqrt()

    def exceptions(self, level: float) -> tuple[int, float]:
        """Days on which the portfolio lost more than its VaR, and their probability a day.

        The VaR is the scenario of such a rank that the probability is known exactly.
        """
        rank = max(round((1 - level) * (self.n_paths + 1)), 1)
        return int((self.portfolio < rank).sum()), rank / (self.n_paths + 1)

    def _normal_score(self, ranks: Tensor) -> Tensor:
        return torch.special.ndtri((ranks + 0.5) / (self.n_paths + 1))


def calibrate(
    sampler: Sampler,
    prices: pd.DataFrame,
    outcomes: Outcomes,
    directions: Float[Tensor, "n_assets n_directions"],
    n_paths: int,
    *,
    seed: int,
) -> Calibration:
    """Rank one-step outcomes among scenarios.

    Args:
        sampler: Who forecasts.
        prices: History and what followed.
        outcomes: Starting days, with sums over one step.
        directions: Columns of weights on returns.
        n_paths: Scenarios a day.
        seed: Of the scenarios.
    """
    ranks: list[tuple[Tensor, Tensor, Tensor]] = []
    drawn = forecasts(sampler, prices, outcomes.dates, 1, n_paths, seed=seed)
    for cube, happened in zip(drawn, outcomes.sums[1], strict=True):
        today = cube[:, 0].double()
        gains, gained = outcomes.gains(today), outcomes.gains(happened)
        ranks.append(
            (
                _ranks(today, happened),
                _ranks(today @ directions, happened @ directions),
                _ranks(gains.mean(1), gained.mean()),
            )
        )
    of_assets, of_directions, of_portfolio = map(torch.stack, zip(*ranks, strict=True))
    return Calibration(of_assets, of_directions, of_portfolio, n_paths)


def _ranks(drawn: Float[Tensor, "n_paths *columns"], happened: Float[Tensor, "*columns"]) -> Tensor:
    below, equal = (drawn < happened).sum(0), (drawn == happened).sum(0)
    return below.double() + equal.double() / 2
