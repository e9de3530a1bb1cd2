"""What the generator and the critic know of the market when a path begins.

A handful of causal features, each averaged over the assets observed that day: the level of
volatility and its ratio to faster and slower estimates, recent market returns, the drawdown, and
how much assets move together. All are of order one.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.filter import Returns, Variances
from fingan.volatility.recurrence import linear_recurrence

States = Float[Tensor, "n_states n_features"]

N_FEATURES = 8
FAST, SLOW, YEAR = 1 - 1 / 5, 1 - 1 / 63, 252  # decays a step; the drawdown's look-back in steps
BOUND = 3.0


def market_states(returns: Returns, variances: Variances) -> States:
    """Features of each day's start: row t uses returns before t only.

    Args:
        returns: Scaled returns of a history, mean-free; NaN where unobserved.
        variances: The filter's conditional variances of the same history, one row more.
    """
    shock = (returns / variances[:-1].sqrt()).clamp(-10, 10)
    market = shock.nanmean(1).nan_to_num()
    spread = _average(market.square(), SLOW, 0.3).clamp(min=1e-3)
    fast = _average(shock.square().nanmean(1).nan_to_num(nan=1.0), FAST, 1.0)
    slow = _average(shock.square().nanmean(1).nan_to_num(nan=1.0), SLOW, 1.0)
    together = spread / slow.clamp(min=1e-3)
    unit = torch.cat([spread.new_ones(1), market / spread[:-1].sqrt()])  # the latest, row by row
    unit[0] = 0
    wealth = unit.cumsum(0)
    features = [
        variances.log().mean(1) / 2,
        fast.clamp(min=1e-3).log() / 2,
        slow.clamp(min=1e-3).log() / 2,
        torch.asinh(unit),
        _trailing_sum(unit, 5) / 5**0.5,
        _trailing_sum(unit, 21) / 21**0.5,
        (wealth - _trailing_maximum(wealth, YEAR)) / YEAR**0.5,
        together.clamp(min=1e-3).log() / 2,
    ]
    return torch.stack(features, dim=1).clamp(-BOUND, BOUND)


def _average(values: Float[Tensor, " n_days"], decay: float, start: float) -> Tensor:
    """Exponential averages before each day, and after the last."""
    gain = torch.full_like(values, decay)
    return linear_recurrence(gain, (1 - decay) * values, values.new_tensor(start))


def _trailing_sum(values: Float[Tensor, " n"], n_steps: int) -> Float[Tensor, " n"]:
    total = torch.nn.functional.pad(values.cumsum(0), (n_steps, 0))
    return total[n_steps:] - total[:-n_steps]


def _trailing_maximum(values: Float[Tensor, " n"], n_steps: int) -> Float[Tensor, " n"]:
    padded = torch.nn.functional.pad(values, (n_steps - 1, 0), value=-torch.inf)
    return padded.unfold(0, n_steps, 1).amax(-1)
