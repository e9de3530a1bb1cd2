"""Whose risk it is: what each position adds to VaR and ES of a portfolio, with errors.

Both measures are homogeneous, so each is the sum of what its positions add to it: the mean loss of
a position where the portfolio loses VaR, or more. Away from the tail these influence functions are
constant: only the paths of the tail are gathered, so that a million paths stay cheap.

Source: Tasche (1999), Risk contributions and performance measurement, section 5; Gourieroux,
Laurent & Scaillet (2000), Sensitivity analysis of values at risk, for the condition ``L = VaR``.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.risk.estimates import (
    Estimate,
    Measured,
    Members,
    Weights,
    as_estimate,
    difference,
    effective_size,
    errors_by_member,
    few_beyond,
    n_generators,
    ratio,
    with_errors,
)
from fingan.risk.influences import bandwidth, expected_shortfall, paths_at_quantile
from fingan.risk.measures import check_level, quantiles
from fingan.risk.portfolio import portfolio_losses

Returns = Float[Tensor, "n_paths n_positions"]  # simple, over the horizon, float64
PerPosition = Float[Tensor, " n_positions"]


class Contributions(NamedTuple):
    """Of each position, in their order."""

    value_at_risk: list[Estimate]
    """They sum to VaR."""
    expected_shortfall: list[Estimate]
    """They sum to ES."""
    share: list[Estimate]
    """Of ES; they sum to 1."""


class Standalone(NamedTuple):
    """ES of the positions by themselves."""

    each: list[Estimate]
    diversification_ratio: Estimate
    """Their sum over ES of the portfolio; at least 1 where that is a loss."""


class _Influence(NamedTuple):
    """An influence function that is constant away from the tail."""

    value: PerPosition
    inside: Float[Tensor, "n_tail n_positions"]
    """On the paths of the tail, before the constant is taken away."""
    constant: PerPosition


@dataclass(frozen=True)
class _Tail:
    """The worst paths of a portfolio, from somewhat below the quantile on."""

    level: float
    rows: Int64[Tensor, " n_tail"]
    positions: Float[Tensor, "n_tail n_positions"]
    apart: Float[Tensor, " n_tail"]
    """Loss of the portfolio less its quantile."""
    weights: Float[Tensor, " n_tail"]
    slope: float
    """Of the quantiles by probability, there."""
    near: Float[Tensor, " n_tail"]
    """1 on the paths around the quantile."""

    @classmethod
    def of(cls, returns: Returns, shares: PerPosition, level: float, weights: Weights) -> "_Tail":
        check_level(level)
        losses, n_paths = portfolio_losses(returns, shares), len(returns)
        width = bandwidth(level, paths_at_quantile(losses, level, weights))
        asked = torch.tensor([level - width, level, level + width], dtype=torch.float64)
        below, threshold, above = quantiles(losses, asked, weights).tolist()
        rows = (losses >= below).nonzero().squeeze(1)
        there = losses[rows]
        return cls(
            level=level,
            rows=rows,
            positions=returns[rows] * -shares,
            apart=there - threshold,
            weights=_weights_of(rows, n_paths, weights),
            slope=(above - below) / (2 * width),
            near=(there <= above).double(),
        )

    def at_quantile(self) -> tuple[PerPosition, _Influence]:
        """Mean loss of each position where the portfolio loses its quantile: a local line.

        The levels of the lines there sum to the quantile, their slopes to 1.

        Source: Fan & Gijbels (1996), Local polynomial modelling, equation 2.4, uniform kernel.
        """
        near = self.weights * self.near
        zeroth, first, second = (float((near * self.apart**power).sum()) for power in (0, 1, 2))
        spread = zeroth * second - first**2
        is_line = spread > 1e-12 * zeroth * second
        by_level = (
            (second - first * self.apart) / spread if is_line else self.apart * 0 + 1 / zeroth
        )
        by_slope = (zeroth * self.apart - first) / spread if is_line else self.apart * 0
        level = (near * by_level) @ self.positions
        slope = (near * by_slope) @ self.positions
        rest = self.positions - level - self.apart.unsqueeze(1) * slope
        beyond = (self.apart > 0).double()
        inside = (self.near * by_level).unsqueeze(1) * rest
        inside = inside + self.slope * beyond.unsqueeze(1) * slope
        constant = self.slope * float((self.weights * beyond).sum()) * slope
        return level, _Influence(level, inside, constant)

    def beyond_quantile(self, at_quantile: PerPosition) -> _Influence:
        """Mean loss of each position over the worst ``1 - level``, and its influence function."""
        beyond, astride = (self.apart > 0).double(), (self.apart == 0).double()
        left = 1 - self.level - float((self.weights * beyond).sum())
        held = float((self.weights * astride).sum())
        belonging = (beyond + astride * min(max(left / held, 0.0), 1.0)) / (1 - self.level)
        value = (self.weights * belonging) @ self.positions
        inside = belonging.unsqueeze(1) * (self.positions - at_quantile)
        return _Influence(value, inside, value - at_quantile)


def contributions(
    returns: Returns,
    shares: PerPosition,
    level: float,
    weights: Weights = None,
    members: Members = None,
) -> Contributions:
    """What each position adds to the portfolio's VaR and ES, with errors.

    Args:
        returns: Simple returns of the positions over the horizon.
        shares: Of the initial value in each; negative for a short position.
        level: Confidence level in (0, 1).
        weights: Probability of each path, sum 1; None where all are equal.
        members: The generator that drew each path.

    Raises:
        ValueError: If ``level`` lies outside (0, 1).
    """
    tail = _Tail.of(returns, shares, level, weights)
    at_quantile, of_quantile = tail.at_quantile()
    of_shortfall = tail.beyond_quantile(at_quantile)
    n_paths = len(returns)
    note = few_beyond(level, n_paths if weights is None else effective_size(weights))
    found = [
        _estimates(one, tail, n_paths, weights, members, note)
        for one in (of_quantile, of_shortfall, _divided(of_shortfall))
    ]
    return Contributions(*found)


def incremental(
    returns: Returns,
    shares: PerPosition,
    level: float,
    weights: Weights = None,
    members: Members = None,
) -> list[Estimate]:
    """ES of the portfolio less ES without each position, which is left in cash instead.

    Arguments as for :func:`contributions`.

    Source: Tasche (2008), Capital allocation to business units and sub-portfolios, equation 8.
    """
    losses, found = portfolio_losses(returns, shares), []
    whole = expected_shortfall(losses, level, weights)
    for column, share in zip(returns.unbind(1), shares, strict=True):
        without = expected_shortfall(losses + share * column, level, weights)
        found.append(as_estimate(difference(whole, without), weights, members))
    return found


def standalone(
    returns: Returns,
    shares: PerPosition,
    level: float,
    weights: Weights = None,
    members: Members = None,
) -> Standalone:
    """ES of each position by itself; arguments as for :func:`contributions`.

    Source: Choueifaty & Coignard (2008), Toward maximum diversification, equation 1, for the
        ratio, with ES in the place of volatility.
    """
    together = expected_shortfall(portfolio_losses(returns, shares), level, weights)
    each, value, influence = [], 0 * together.value, 0 * together.influence
    for column, share in zip(returns.unbind(1), shares, strict=True):
        alone = expected_shortfall(-share * column, level, weights)
        each.append(as_estimate(alone, weights, members))
        value, influence = value + alone.value, influence + alone.influence
    if float(together.value) <= 0:
        missing = "the portfolio gains even in its tail: there is no risk to compare with"
        return Standalone(
            each, Estimate(math.nan, None, None, None, None, len(returns), note=missing)
        )
    divided = ratio(Measured(value, influence), together)
    return Standalone(each, as_estimate(divided, weights, members))


def _divided(found: _Influence) -> _Influence:
    """Of the sum, by the delta method."""
    total, inside, constant = (part.sum(-1, keepdim=True) for part in found)
    share = found.value / total
    return _Influence(
        share,
        (found.inside - share * inside) / total,
        (found.constant - share * constant) / total,
    )


def _estimates(
    found: _Influence,
    tail: _Tail,
    n_paths: int,
    weights: Weights,
    members: Members,
    note: str | None,
) -> list[Estimate]:
    """Errors from the tail's rows alone, the constant of all others added in closed form."""
    n_members = n_generators(members)
    counts, whole, squared = _totals(n_paths, weights, members, n_members)
    inside = tail.weights.unsqueeze(1) * found.inside
    owners = torch.zeros_like(tail.rows) if n_members < 2 else _of(members)[tail.rows]
    empty = inside.new_zeros(n_members, inside.shape[1])
    sums = empty.index_add(0, owners, inside) - whole * found.constant
    crossed = empty.index_add(0, owners, tail.weights.unsqueeze(1) * inside)
    squares = empty.index_add(0, owners, inside.square())
    squares = squares - 2 * found.constant * crossed + squared * found.constant.square()
    ess = None if weights is None else effective_size(weights)
    return with_errors(
        found.value, *errors_by_member(sums, squares, counts), n=n_paths, ess=ess, note=note
    )


def _totals(
    n_paths: int, weights: Weights, members: Members, n_members: int
) -> tuple[Int64[Tensor, " n_members"], Float[Tensor, "n_members 1"], Float[Tensor, "n_members 1"]]:
    """Paths of each generator, the sum of their weights, and that of the squares."""
    owners = None if n_members < 2 else _of(members)
    counts = torch.tensor([n_paths]) if owners is None else torch.bincount(owners)
    if weights is None:
        whole = counts.double() / n_paths
        return counts, whole.unsqueeze(1), (whole / n_paths).unsqueeze(1)
    doubled = weights.double()
    powers = torch.stack([doubled, doubled.square()], 1)
    held = torch.zeros(n_paths, dtype=torch.int64) if owners is None else owners
    summed = powers.new_zeros(n_members, 2).index_add(0, held, powers)
    return counts, summed[:, :1], summed[:, 1:]


def _weights_of(
    rows: Int64[Tensor, " n_rows"], n_paths: int, weights: Weights
) -> Float[Tensor, " n_rows"]:
    if weights is None:
        return torch.full((len(rows),), 1 / n_paths, dtype=torch.float64)
    return weights.double()[rows]


def _of(members: Members) -> Int64[Tensor, " n_paths"]:
    assert members is not None, "two generators or more have members"
    return members
