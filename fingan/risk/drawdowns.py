"""What a path loses on its way: drawdowns of a portfolio that is held without trading.

Each is a number per path; a wealth of 1 before the first step counts as the first peak.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.risk.measures import expected_shortfall

Wealth = Float[Tensor, "n_paths horizon"]  # after each step, of 1 at the start
PerPath = Float[Tensor, " n_paths"]


def wealth_paths(
    log_returns: Float[Tensor, "n_paths horizon n_assets"], weights: Float[Tensor, " n_assets"]
) -> Wealth:
    """Value of a portfolio after each step, float64, of 1 at the start; bought and held.

    Args:
        log_returns: Of each asset and step: they add over time, simple returns over assets.
        weights: Shares of the initial value; what they lack to 1 is held in cash without interest.
    """
    grown = log_returns.cumsum(1, dtype=torch.float64).expm1_()
    return (grown @ weights.double()).add_(1)


def drawdowns(wealth: Wealth) -> Wealth:
    """What is lost since the highest value so far, as a share of it; 0 at a new peak."""
    peak = wealth.cummax(1).values.clamp(min=1.0)
    return 1 - wealth / peak


def max_drawdown(wealth: Wealth) -> PerPath:
    """The deepest drawdown of the path.

    Source: Chekhlov, Uryasev & Zabarankin (2005), Drawdown measure in portfolio optimization,
        section 3, of compounded and not of added returns.
    """
    return drawdowns(wealth).amax(1)


def average_drawdown(wealth: Wealth) -> PerPath:
    """Mean drawdown over the steps.

    Source: Chekhlov, Uryasev & Zabarankin (2005), section 3.
    """
    return drawdowns(wealth).mean(1)


def conditional_drawdown(wealth: Wealth, level: float) -> PerPath:
    """CDaR of the path: mean of the worst ``1 - level`` share of its drawdowns.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Chekhlov, Uryasev & Zabarankin (2005), Definition 3.1.
    """
    return expected_shortfall(drawdowns(wealth).T, level)


def ulcer_index(wealth: Wealth) -> PerPath:
    """Root mean square of the drawdowns over the steps.

    Source: Martin & McCann (1989), The investor's guide to Fidelity funds, chapter 10, as a
        fraction where they have percent.
    """
    return drawdowns(wealth).square().mean(1).sqrt()


def time_under_water(wealth: Wealth) -> PerPath:
    """Share of the steps that end below an earlier peak."""
    return (drawdowns(wealth) > 0).double().mean(1)
