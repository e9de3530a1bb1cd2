"""The trading strategies of the Tail-GAN benchmark: from price increments to profit and loss.

Prices are counted from their start, and each strategy holds at most 10 units:

- *buy and hold*: one asset from first to last;
- *static portfolio*: random long-short weights, each portfolio's sizes adding up to 1;
- *mean reversion* in one asset: the signal is the price less its mean over the first 11, sold
  where it rises through the upper threshold and bought where it falls through the lower one;
- *trend following* in one asset: the signal is the mean of the last 10 prices less that of the
  last 20, bought where it rises through the upper threshold and sold where it falls through the
  lower one.

Positions of the last two end where the signal crosses zero; a long and a short one may overlap.
Thresholds are the 31st and the 69th percentile of the signal over paths of the training set.

Source: Cont, Cucuringu, Xu & Zhang (2025), Tail-GAN: Learning to simulate tail risk scenarios,
section 4; rules and numbers, which the paper leaves out, after the program published with it, also
where they look odd: mean reversion knows the mean of the first 11 prices while they come, and a
moving average over fewer prices than its length is the price itself.
"""

from dataclasses import dataclass
from itertools import accumulate

import torch
from jaxtyping import Bool, Float
from torch import Tensor

UNITS = 10
N_PORTFOLIOS = 50
DENSITY = 0.9  # chance that an asset is in a static portfolio
WINDOW = 10
SHARES = (0.31, 0.69)
SIGNAL_UNIT = 0.01
GROUPS = ("buy and hold", "static portfolios", "mean reversion", "trend following")

Increments = Float[Tensor, "n_paths n_steps n_assets"]
Prices = Float[Tensor, "n_paths n_times n_assets"]  # n_times = n_steps + 1
Events = Bool[Tensor, "n_paths n_times n_assets"]
Thresholds = Float[Tensor, "2 n_assets"]  # lower, upper


@dataclass(frozen=True)
class Strategies:
    """All strategies on a number of assets."""

    weights: Float[Tensor, "n_assets n_portfolios"]
    reversion: Thresholds
    trend: Thresholds

    @classmethod
    def learnt(cls, increments: Increments, *, seed: int) -> "Strategies":
        """Strategies whose thresholds come from paths of a training set."""
        prices = _prices(increments)
        signals = (reversion_signal(prices), trend_signal(prices))
        shares = torch.tensor(SHARES, dtype=prices.dtype)
        return cls(
            static_portfolios(increments.shape[-1], seed=seed).to(prices),
            *(_quantiles(signal, shares) for signal in signals),
        )

    @property
    def groups(self) -> dict[str, slice]:
        """Which columns of the profits belong to which kind of strategy."""
        n_assets, n_portfolios = self.weights.shape
        ends = list(accumulate((n_assets, n_portfolios, n_assets, n_assets)))
        starts = [0, *ends[:-1]]
        return {
            name: slice(start, end) for name, start, end in zip(GROUPS, starts, ends, strict=True)
        }

    def profits(self, increments: Increments) -> Float[Tensor, "n_paths n_strategies"]:
        """Profit of every strategy over a path: buy and hold, static, reversion, trend."""
        total = increments.sum(1)
        prices = _prices(increments)
        reverting = reversion_positions(reversion_signal(prices), self.reversion)
        following = trend_positions(trend_signal(prices), self.trend)
        trading = [(held[:, :-1] * increments).sum(1) for held in (reverting, following)]
        return UNITS * torch.cat([total, total @ self.weights, *trading], dim=1)


def static_portfolios(
    n_assets: int, *, seed: int, n_portfolios: int = N_PORTFOLIOS
) -> Float[Tensor, "n_assets n_portfolios"]:
    """Gaussian weights of a random part of the assets; at least two, sizes adding up to 1.

    Raises:
        ValueError: If there are not two assets.
    """
    if n_assets < 2:
        raise ValueError(f"n_assets must be at least 2, got {n_assets}")
    random = torch.Generator().manual_seed(seed)
    columns: list[Tensor] = []
    while len(columns) < n_portfolios:
        held = torch.rand(n_assets, generator=random) < DENSITY
        drawn = torch.randn(n_assets, generator=random, dtype=torch.float64) * held
        if held.sum() > 1:
            columns.append(drawn / drawn.abs().sum())
    return torch.stack(columns, dim=1)


def reversion_signal(prices: Prices) -> Prices:
    """Price less the mean of the first ones."""
    return (prices - prices[:, : WINDOW + 1].mean(1, keepdim=True)) / SIGNAL_UNIT


def trend_signal(prices: Prices) -> Prices:
    """A fast moving average less a slow one."""
    return (moving_average(prices, WINDOW) - moving_average(prices, 2 * WINDOW)) / SIGNAL_UNIT


def moving_average(prices: Prices, window: int) -> Prices:
    """Mean of the last ``window`` prices; the price itself while there are fewer."""
    averaged = prices.clone()
    averaged[:, window - 1 :] = prices.unfold(1, window, 1).mean(-1)
    return averaged


def reversion_positions(signal: Prices, thresholds: Thresholds) -> Prices:
    """Minus one after a rise through the upper threshold, one after a fall through the lower."""
    lower, upper = thresholds
    sold = held_since(rises_through(signal, upper), crosses_zero(signal))
    bought = held_since(falls_through(signal, lower), crosses_zero(signal))
    return bought.to(signal) - sold.to(signal)


def trend_positions(signal: Prices, thresholds: Thresholds) -> Prices:
    """One after a rise through the upper threshold, minus one after a fall through the lower."""
    lower, upper = thresholds
    bought = held_since(rises_through(signal, upper), crosses_zero(signal))
    sold = held_since(falls_through(signal, lower), crosses_zero(signal))
    return bought.to(signal) - sold.to(signal)


def rises_through(signal: Prices, level: Float[Tensor, " n_assets"]) -> Events:
    """Times at which the signal reaches a level from below."""
    below = signal < level
    return _from_the_second(below[:, :-1] & ~below[:, 1:])


def falls_through(signal: Prices, level: Float[Tensor, " n_assets"]) -> Events:
    """Times at which the signal reaches a level from above."""
    above = signal > level
    return _from_the_second(above[:, :-1] & ~above[:, 1:])


def crosses_zero(signal: Prices) -> Events:
    """Times at which the signal reaches zero from either side."""
    zero = torch.zeros_like(signal[0, 0])
    return rises_through(signal, zero) | falls_through(signal, zero)


def held_since(entries: Events, exits: Events) -> Events:
    """Whether a position is open: entered, and no exit since; an entry outdoes an exit."""
    times = torch.arange(1, entries.shape[1] + 1, dtype=torch.int16).view(1, -1, 1)
    entered = (entries * times).cummax(1).values
    left = ((exits & ~entries) * times).cummax(1).values
    return entered > left


def _prices(increments: Increments) -> Prices:
    return torch.nn.functional.pad(increments.cumsum(1), (0, 0, 1, 0))


def _from_the_second(events: Bool[Tensor, "n_paths n_steps n_assets"]) -> Events:
    return torch.nn.functional.pad(events, (0, 0, 1, 0))


def _quantiles(signal: Prices, shares: Float[Tensor, "2"]) -> Thresholds:
    ordered = signal.flatten(0, 1).sort(0).values
    rows = shares * (len(ordered) - 1)
    below = ordered[rows.long()]
    above = ordered[rows.long() + 1]
    return below + (rows - rows.floor()).unsqueeze(1) * (above - below)
