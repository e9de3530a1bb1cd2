"""How heavy a tail is and how far out its quantiles lie, with 95 % intervals.

The fourth moment of daily returns need not exist, so that a sample kurtosis says little; a tail
index and a quantile beyond the data, each with its interval, say what the data can tell.

Source: McNeil, Frey & Embrechts (2015), Quantitative risk management, sections 5.2.1 to 5.2.4.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Losses = Float[Tensor, " n"]  # positive is money lost; order does not matter

NORMAL_95, CHI_SQUARE_95 = 1.959964, 3.841459
MIN_TAIL = 20
"""Fewest losses above the threshold from which a tail is estimated."""
MIN_BEYOND = 10
"""Fewest synthetic losses beyond a quantile from which it is read off."""
SHAPES, N_SHAPES = (-0.9, 3.0), 200
"""Of the generalised Pareto law, among which its likelihood is profiled; none of them is 0."""
FAR = 1e6
"""Stands for an infinite deviance, which a root finder cannot use."""


@dataclass(frozen=True)
class TailIndex:
    """Exponent alpha of P(loss > x) ~ x^-alpha; moments above it do not exist."""

    estimate: float
    standard_error: float
    low: float
    high: float
    n_tail: int


@dataclass(frozen=True)
class TailQuantile:
    """A quantile read off a generalised Pareto tail, in the unit of the losses."""

    estimate: float
    low: float
    high: float
    shape: float
    """Of the fitted law, 1 / tail index where positive."""
    threshold: float
    n_tail: int


@dataclass(frozen=True)
class TailQuantileError:
    """Synthetic over real quantile, less 1; the interval is that of the real quantile."""

    estimate: float
    low: float
    high: float

    @property
    def is_within_error(self) -> bool:
        """True where the market's own uncertainty covers the difference."""
        return self.low <= 0 <= self.high


def hill_index(losses: Losses, share: float = 0.05) -> TailIndex:
    """Hill's estimator of the tail index from the largest ``share`` of the losses.

    Args:
        losses: Of independent days for the standard error to hold; dependence widens it.
        share: Of the losses that make the tail, in (0, 1).

    Returns:
        NaN estimates where fewer than 20 losses make the tail or its threshold is no loss.

    Raises:
        ValueError: If ``share`` lies outside (0, 1).

    Source: Hill (1975), A simple general approach to inference about the tail of a distribution;
        standard error alpha / sqrt(k): McNeil, Frey & Embrechts (2015), section 5.2.4.
    """
    tail, threshold = _tail(losses, share)
    n_tail = len(tail)
    if n_tail < MIN_TAIL or not 0 < threshold < float(tail[0]):
        return TailIndex(math.nan, math.nan, math.nan, math.nan, n_tail)
    estimate = 1 / float((tail / threshold).log().mean())
    error = estimate / math.sqrt(n_tail)
    low, high = estimate - NORMAL_95 * error, estimate + NORMAL_95 * error
    return TailIndex(estimate, error, low, high, n_tail)


def tail_quantile(losses: Losses, level: float, share: float = 0.05) -> TailQuantile:
    """Quantile of a generalised Pareto law fitted to the losses above a threshold.

    Args:
        losses: Of days that are treated as independent.
        level: Confidence of the quantile, above ``1 - share``; may lie beyond the data.
        share: Of the losses that make the tail, in (0, 1).

    Returns:
        Maximum-likelihood estimate with the interval of the profile likelihood; NaN where fewer
        than 20 losses make the tail or all of them are equal.

    Raises:
        ValueError: If ``share`` lies outside (0, 1) or ``level`` is not within the tail.

    Source: Pickands (1975), Statistical inference using extreme order statistics; McNeil, Frey &
        Embrechts (2015), section 5.2.3; Coles (2001), An introduction to statistical modeling of
        extreme values, section 4.3.3, for the profile likelihood.
    """
    if not 1 - share < level < 1:
        raise ValueError(f"level must lie between 1 - share = {1 - share:.4g} and 1, got {level}")
    tail, threshold = _tail(losses, share)
    n_tail = len(tail)
    if n_tail < MIN_TAIL or float(tail[0]) <= threshold:
        return TailQuantile(math.nan, math.nan, math.nan, math.nan, threshold, n_tail)
    excesses = tail - threshold
    scale = float(excesses.mean())  # the likelihood is searched in units of the mean excess
    ratio = n_tail / (len(losses) * (1 - level))
    shape, estimate, low, high = _profile(excesses / scale, ratio)
    estimate, low, high = (threshold + scale * value for value in (estimate, low, high))
    return TailQuantile(estimate, low, high, shape, threshold, n_tail)


def tail_quantile_error(
    real: Losses, synthetic: Float[Tensor, " m"], level: float, share: float = 0.05
) -> TailQuantileError:
    """How far the synthetic tail quantile lies from the market's, and how far noise alone may be.

    Args:
        real: Losses of the market; their quantile comes from a generalised Pareto tail.
        synthetic: Losses of the generator, many: their own order statistic is the quantile.
        level: Confidence of the quantile, above ``1 - share``.
        share: Of the real losses that make the tail.

    Returns:
        Positive where the synthetic tail is the heavier one. NaN where the real tail is too thin,
        its quantile is no loss, or fewer than 10 synthetic losses lie beyond the quantile.

    Raises:
        ValueError: If ``share`` or ``level`` is not as ``tail_quantile`` asks.
    """
    market = tail_quantile(real, level, share)
    n_beyond = math.floor((1 - level) * len(synthetic) + 1e-9)
    if n_beyond < MIN_BEYOND or not market.low > 0:
        return TailQuantileError(math.nan, math.nan, math.nan)
    quantile = float(synthetic.topk(n_beyond + 1).values[-1])
    return TailQuantileError(
        quantile / market.estimate - 1, quantile / market.high - 1, quantile / market.low - 1
    )


def _tail(losses: Tensor, share: float) -> tuple[Tensor, float]:
    """The largest losses, falling, and the largest one that is not among them."""
    if not 0 < share < 1:
        raise ValueError(f"share must lie in (0, 1), got {share}")
    n_tail = min(math.floor(share * len(losses) + 1e-9), len(losses) - 1)
    largest = losses.topk(n_tail + 1).values.double()
    return largest[:-1], float(largest[-1])


def _profile(excesses: Tensor, ratio: float) -> tuple[float, float, float, float]:
    """Shape, quantile and the quantiles whose likelihood is not rejected at 5 %.

    A law of shape xi and quantile q has scale q / factor(xi).
    """
    from scipy.optimize import brentq
    from scipy.stats import genpareto

    shape, _, scale = map(float, genpareto.fit(excesses.numpy(), floc=0))
    estimate = scale * float(_factors(torch.tensor([shape]).double(), ratio))
    shapes = torch.linspace(*SHAPES, N_SHAPES, dtype=torch.float64)
    factors = _factors(shapes, ratio)
    best = _highest_log_likelihood(excesses, shapes, estimate / factors)

    def rejection(quantile: float) -> float:
        highest = _highest_log_likelihood(excesses, shapes, quantile / factors)
        return min(2 * (best - highest) - CHI_SQUARE_95, FAR)

    below, above = estimate / 2, estimate * 2
    while rejection(below) <= 0:
        below /= 2
    while rejection(above) <= 0:
        above *= 2
    accuracy = 1e-4 * estimate
    low = brentq(rejection, below, estimate, xtol=accuracy)
    high = brentq(rejection, estimate, above, xtol=accuracy)
    return shape, estimate, float(low), float(high)


def _highest_log_likelihood(excesses: Tensor, shapes: Tensor, scales: Tensor) -> float:
    """Of generalised Pareto laws; one under which some excess cannot occur is left out."""
    stretched = torch.log1p(excesses[:, None] * (shapes / scales)).sum(0)
    likelihood = -len(excesses) * scales.log() - (1 + 1 / shapes) * stretched
    return float(likelihood[likelihood.isfinite()].max())


def _factors(shapes: Tensor, ratio: float) -> Tensor:
    return torch.expm1(shapes * math.log(ratio)) / shapes
