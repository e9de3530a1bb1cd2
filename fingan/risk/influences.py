"""Figures of weighted paths, each with its influence function.

``values`` holds one figure of each path on its first axis - a return, a loss, a drawdown - and may
hold several side by side; ``weights`` are the paths' probabilities, sum 1, None where all are
equal. Each influence function has mean zero under the weights.

Source: Hampel (1974), The influence curve and its role in robust estimation; moments by the chain
rule on sums of powers about the mean, as Huber & Ronchetti (2009), section 1.5.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fingan.risk.estimates import COVERED, Measure, Measured, Weights, effective_size
from fingan.risk.measures import check_level, quantiles

Values = Float[Tensor, "n_paths *figures"]
BANDWIDTH = 1.5  # of Hall and Sheather's rule


def at_level(measure: Callable[[Tensor, float, Weights], Measured], level: float) -> Measure:
    """A measure of a tail with its level bound, as ``estimated`` takes it."""

    def bound(values: Tensor, weights: Weights) -> Measured:
        return measure(values, level, weights)

    return bound


def mean(values: Values, weights: Weights = None) -> Measured:
    """Mean."""
    values = values.double()
    value = _average(values, weights)
    return Measured(value, values - value)


def volatility(values: Values, weights: Weights = None) -> Measured:
    """Standard deviation, of the paths as the whole population."""
    apart = _centred(values, weights)
    variance = _average(apart.square(), weights)
    deviation = variance.sqrt()
    return Measured(deviation, (apart.square() - variance) / (2 * deviation))


def semi_deviation(values: Values, weights: Weights = None) -> Measured:
    """Root mean square of what falls short of the mean: of returns, not of losses.

    Source: Markowitz (1959), Portfolio selection, chapter 9.
    """
    apart = _centred(values, weights)
    short = apart.clamp(max=0)
    semi_variance = _average(short.square(), weights)
    deviation = semi_variance.sqrt()
    moved = short.square() - semi_variance - 2 * _average(short, weights) * apart
    return Measured(deviation, moved / (2 * deviation))


def skewness(values: Values, weights: Weights = None) -> Measured:
    """Third central moment over the cube of the standard deviation."""
    apart = _centred(values, weights)
    second, third = (_average(apart**power, weights) for power in (2, 3))
    value = third / second**1.5
    of_third = apart**3 - third - 3 * second * apart
    moved = of_third / second**1.5 - 1.5 * value * (apart.square() - second) / second
    return Measured(value, moved)


def excess_kurtosis(values: Values, weights: Weights = None) -> Measured:
    """Fourth central moment over the squared variance, less the 3 of a normal law."""
    apart = _centred(values, weights)
    second, third, fourth = (_average(apart**power, weights) for power in (2, 3, 4))
    value = fourth / second.square()
    of_fourth = apart**4 - fourth - 4 * third * apart
    moved = of_fourth / second.square() - 2 * value * (apart.square() - second) / second
    return Measured(value - 3, moved)


def probability(hits: Bool[Tensor, "n_paths *figures"], weights: Weights = None) -> Measured:
    """Share of the paths on which something happens.

    Its 95 % interval is Wilson's, which says how rare it may be where no path or every path is a
    hit.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    value = _average(hits.double(), weights)
    n_effective = len(hits) if weights is None else effective_size(weights)
    shrunk, square = 1 + COVERED**2 / n_effective, COVERED**2 / n_effective
    centre = (value + square / 2) / shrunk
    half = ((value * (1 - value) + square / 4) * square).sqrt() / shrunk
    return Measured(value, hits.double() - value, torch.stack([centre - half, centre + half]))


def lower_partial_moment(
    values: Values, threshold: float, order: int = 1, weights: Weights = None
) -> Measured:
    """Mean of what falls short of a threshold, to a power.

    Source: Fishburn (1977), Mean-risk analysis with risk associated with below-target returns,
        equation 1.
    """
    return mean((threshold - values.double()).clamp(min=0) ** order, weights)


def quantile(values: Values, share: float, weights: Weights = None) -> Measured:
    """The smallest value that at least ``share`` of the paths does not exceed.

    The density there is the slope of the quantiles around it; the interval is that of the order
    statistics, which asks for no density.

    Raises:
        ValueError: If ``share`` lies outside (0, 1).

    Source: Siddiqui (1960), Distribution of quantiles in samples from a bivariate population, for
        the slope; Hall & Sheather (1988), On the distribution of a studentized quantile, for its
        width; David & Nagaraja (2003), Order statistics, section 7.1, for the interval.
    """
    check_level(share)
    values = values.double()
    if weights is not None and values.ndim > 1:
        columns = values.reshape(len(values), -1).unbind(1)
        return _side_by_side([quantile(one, share, weights) for one in columns], values)
    n_effective = paths_at_quantile(values, share, weights)
    width = bandwidth(share, n_effective)
    half = COVERED * math.sqrt(share * (1 - share) / n_effective)
    asked = [share, share - width, share + width, share - half, share + half]
    found = quantiles(values, torch.tensor(asked, dtype=torch.float64).clamp(0, 1), weights)
    value, below, above, lower, upper = found
    beyond = (values > value).double()
    slope = (above - below) / (2 * width)
    influence = (beyond - _average(beyond, weights)) * slope
    return Measured(value, influence, torch.stack([lower, upper]))


def value_at_risk(losses: Values, level: float, weights: Weights = None) -> Measured:
    """The loss that is not exceeded with probability ``level``: its :func:`quantile`.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).
    """
    return quantile(losses, level, weights)


def expected_shortfall(losses: Values, level: float, weights: Weights = None) -> Measured:
    """Mean loss over the worst ``1 - level`` of probability.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).

    Source: Rockafellar & Uryasev (2002), equation 15; its influence function is what
        Scaillet (2004), Nonparametric estimation and sensitivity analysis of expected shortfall,
        and Chen (2008), equation 5, have without dependence.
    """
    check_level(level)
    losses = losses.double()
    share = torch.tensor([level], dtype=torch.float64)
    (threshold,) = quantiles(losses, share, weights)
    beyond = (losses - threshold).clamp(min=0) / (1 - level)
    excess = _average(beyond, weights)
    return Measured(threshold + excess, beyond - excess)


def paths_at_quantile(
    values: Float[Tensor, "n_paths *figures"], share: float, weights: Weights
) -> float:
    """Equally probable paths that would tell the probability of a quantile as well.

    Source: Woodruff (1952), Confidence intervals for medians and other position measures.
    """
    if weights is None:
        return float(len(values))
    (value,) = quantiles(values, torch.tensor([share], dtype=torch.float64), weights)
    beyond = (values > value).double()
    scatter = (weights * (beyond - _average(beyond, weights))).square().sum()
    return share * (1 - share) / float(scatter) if scatter > 0 else effective_size(weights)


def bandwidth(share: float, n: float) -> float:
    """Half the span of probability over which the slope of the quantiles is taken.

    Source: Hall & Sheather (1988), the width that serves intervals of 95 %; never more than half
        the way to the nearer end.
    """
    place = float(torch.special.ndtri(torch.tensor(share, dtype=torch.float64)))
    density = math.exp(-(place**2) / 2) / math.sqrt(2 * math.pi)
    bent = (BANDWIDTH * density**2 / (2 * place**2 + 1)) ** (1 / 3)
    width = n ** (-1 / 3) * COVERED ** (2 / 3) * bent
    return min(width, 0.5 * min(share, 1 - share))


def _side_by_side(found: list[Measured], values: Values) -> Measured:
    """Figures of columns, each measured alone, in the shape of the values."""
    shape = values.shape[1:]
    intervals = [one.interval for one in found if one.interval is not None]
    return Measured(
        torch.stack([one.value for one in found]).reshape(shape),
        torch.stack([one.influence for one in found], 1).reshape(values.shape),
        torch.stack(intervals, 1).reshape(2, *shape),
    )


def _average(values: Values, weights: Weights) -> Float[Tensor, "*figures"]:
    return values.mean(0) if weights is None else torch.tensordot(weights.to(values), values, 1)


def _centred(values: Values, weights: Weights) -> Values:
    values = values.double()
    return values - _average(values, weights)
