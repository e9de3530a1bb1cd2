"""Where a path begins: conditional variances, and what the networks are told of the market.

The networks are told three causal features of volatility, averaged over the assets observed: its
ratio to a faster and to a slower estimate, and how much assets move together. All are logarithms of
order one. Recent returns and drawdowns are left out on purpose: one history has too few of them to
teach a conditional mean, and a generator that was given them learnt luck (docs/method.md).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.filter import Returns, Variances
from fingan.volatility.recurrence import linear_recurrence

States = Float[Tensor, "n_states n_features"]

N_FEATURES = 3
FAST, SLOW = 1 - 1 / 5, 1 - 1 / 63  # decays a step
USUAL_SHARE = 0.3  # of the market's variance in an asset's, where averages begin
BOUND, SMALLEST = 3.0, 1e-3


class Today(NamedTuple):
    """Where paths begin; each tensor has the paths, or the days of a history, first."""

    variance: Float[Tensor, "n n_assets"]
    """Conditional variance of the first step, of scaled returns."""
    slow: Float[Tensor, "n n_assets"]
    """Slow component of the variance; 1 where the filter has none."""
    leverage: Float[Tensor, "n 2 n_assets"]
    """Leverage components of the variance, in logarithms; 0 where the filter has none."""
    modes: Float[Tensor, "n n_modes"]
    """Variance of the leading modes of innovations, relative to the usual; there may be none."""
    state: Float[Tensor, "n n_features"]
    """What the networks are told."""

    def map(self, change: Callable[[Tensor], Tensor]) -> "Today":
        """The same change to every tensor."""
        return Today(*(change(tensor) for tensor in self))

    def rows(self, index: Tensor | slice) -> "Today":
        """Some of the rows, in the order of the index."""
        return self.map(lambda tensor: tensor[index])

    def row(self, index: int) -> "Today":
        """One row, also counted from the end."""
        return self.map(lambda tensor: tensor[index].unsqueeze(0))

    def expand(self, n_paths: int) -> "Today":
        """One row, as many times as there are paths; no memory is copied."""
        return self.map(lambda tensor: tensor.expand(n_paths, *tensor.shape[1:]))

    def repeat(self, n_paths: int) -> "Today":
        """Each row so many times, one after the other."""
        return self.map(lambda tensor: tensor.repeat_interleave(n_paths, 0))

    def untold(self) -> "Today":
        """The same of which the networks are told nothing."""
        return self._replace(state=torch.zeros_like(self.state))

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Today":
        """On a device, in the networks' precision."""
        return self.map(lambda tensor: tensor.to(device, dtype))


def market_states(returns: Returns, variances: Variances) -> States:
    """Features of each day's start: row t uses returns before t only.

    Args:
        returns: Scaled returns of a history, mean-free; NaN where unobserved.
        variances: The filter's conditional variances of the same history, one row more.
    """
    shock = (returns / variances[:-1].sqrt()).clamp(-10, 10)
    market = shock.nanmean(1).nan_to_num().square()
    size = shock.square().nanmean(1).nan_to_num(nan=1.0)
    fast = _average(size, FAST, 1.0)
    slow = _average(size, SLOW, 1.0)
    together = _average(market, SLOW, USUAL_SHARE) / slow
    features = torch.stack([fast, slow, together], dim=1)
    return (features.clamp(min=SMALLEST).log() / 2).clamp(-BOUND, BOUND)


def _average(values: Float[Tensor, " n_days"], decay: float, start: float) -> Tensor:
    """Exponential averages before each day, and after the last."""
    gain = torch.full_like(values, decay)
    return linear_recurrence(gain, (1 - decay) * values, values.new_tensor(start)).clamp(
        min=SMALLEST
    )
