"""A figure of simulated paths with its errors: of another seed, and of another training.

Each figure is a functional of the paths' distribution and comes with its influence function, one
number per path; both errors follow from it. The error of another seed is the delta method's. The
error of another training is the spread of the ensemble's generators, of which what so few paths
of each would scatter anyway is taken away: more paths lower the one and not the other.

Source: Huber & Ronchetti (2009), Robust statistics, equation 1.18; Owen (2013), Monte Carlo theory,
methods and examples, equation 9.8, for weighted paths; Searle, Casella & McCulloch (1992), Variance
components, section 3.6, for the spread net of the noise within.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

COVERED = 1.959963984540054  # standard errors each side that hold 95 % of a normal law
FEWEST_BEYOND = 50  # paths beyond a quantile below which its figures are an extrapolation
EXTRAPOLATED = 0.995  # a level from which on hardly a history holds enough such losses
FEWEST_A_GENERATOR = 30  # paths of each generator below which their spread is noise

Weights = Float[Tensor, " n_paths"] | None  # probability of each path, sum 1; None: all equal
Members = Int64[Tensor, " n_paths"] | None  # the generator that drew each path, from 0


class Measured(NamedTuple):
    """A figure of weighted paths and its influence function: mean zero, one number per path."""

    value: Float[Tensor, "*figures"]
    influence: Float[Tensor, "n_paths *figures"]
    """float64."""
    interval: Float[Tensor, "2 *figures"] | None = None
    """Its 95 % interval, where there is a better one than two standard errors."""


Measure = Callable[[Tensor, Weights], Measured]


@dataclass(frozen=True)
class Estimate:
    """A figure, what is known of its error, and how many paths it stands on."""

    estimate: float
    mc_se: float | None
    """What another seed would move it by, as a standard error."""
    lower: float | None
    upper: float | None
    """95 % interval of the Monte Carlo error alone."""
    model_se: float | None
    """What another training would move it by: the generators' spread over the root of their
    number, net of Monte Carlo error; None with fewer than two generators."""
    n: int
    ess: float | None = None
    """Effective number of paths where they are weighted."""
    note: str | None = None
    """Why an error is missing, or a warning."""

    def scaled(self, factor: float) -> "Estimate":
        """The same in another unit; a negative factor turns the interval round."""
        bounds = sorted(factor * bound for bound in (self.lower, self.upper) if bound is not None)
        return replace(
            self,
            estimate=factor * self.estimate,
            mc_se=None if self.mc_se is None else abs(factor) * self.mc_se,
            lower=bounds[0] if bounds else None,
            upper=bounds[-1] if bounds else None,
            model_se=None if self.model_se is None else abs(factor) * self.model_se,
        )

    def record(self) -> dict[str, Any]:
        """As JSON."""
        is_bounded = self.lower is not None and self.upper is not None
        record = {
            "estimate": self.estimate if math.isfinite(self.estimate) else None,
            "mc_se": self.mc_se,
            "ci": [self.lower, self.upper] if is_bounded else None,
            "model_se": self.model_se,
            "n": self.n,
            "ess": self.ess,
        }
        return record if self.note is None else record | {"note": self.note}


def standard_error(
    influence: Float[Tensor, "n_paths *figures"], weights: Weights = None
) -> Float[Tensor, "*figures"]:
    """What another seed would move a figure by: root of the sum of ``(w_i IF_i)^2``.

    Source: Huber & Ronchetti (2009), equation 1.18; Owen (2013), equation 9.8.
    """
    return _shares(influence, weights).square().sum(0).sqrt()


def effective_size(weights: Float[Tensor, " n_paths"]) -> float:
    """Equally probable paths that would be as good: ``(sum w)^2 / sum w^2``.

    Source: Kong (1992), A note on importance sampling using standardized weights.
    """
    doubled = weights.double()
    return float(doubled.sum().square() / doubled.square().sum())


def estimated(
    measure: Measure, values: Tensor, weights: Weights = None, members: Members = None
) -> Estimate:
    """One figure of the paths with its errors.

    Args:
        measure: From ``fingan.risk.influences``, its parameters bound; its figure is one number.
        values: What it measures, first axis the paths.
        weights: Probability of each path, sum 1; None where all are equal.
        members: The generator that drew each path: ``ScenarioSet.members``.
    """
    return as_estimate(measure(values, weights), weights, members)


def estimated_each(
    measure: Measure, values: Tensor, weights: Weights = None, members: Members = None
) -> list[Estimate]:
    """One estimate for each figure, in row-major order; else as :func:`estimated`."""
    return as_estimates(measure(values, weights), weights, members)


def as_estimate(
    measured: Measured, weights: Weights = None, members: Members = None, note: str | None = None
) -> Estimate:
    """One figure that was measured, with its errors.

    Raises:
        ValueError: If there are several figures.
    """
    (estimate,) = as_estimates(measured, weights, members, note)
    return estimate


def as_estimates(
    measured: Measured, weights: Weights = None, members: Members = None, note: str | None = None
) -> list[Estimate]:
    """Figures that were measured, with their errors, in row-major order.

    Args:
        measured: Values and influence functions.
        weights: Probability of each path, sum 1; None where all are equal.
        members: The generator that drew each path.
        note: A warning that goes with each.
    """
    influence = measured.influence.reshape(len(measured.influence), -1)
    interval = None if measured.interval is None else measured.interval.reshape(2, -1)
    ess = None if weights is None else effective_size(weights)
    mc, model = errors(influence, weights, members)
    n = len(influence)
    return with_errors(measured.value.reshape(-1), mc, model, interval, n=n, ess=ess, note=note)


def with_errors(
    values: Float[Tensor, " n_figures"],
    mc: Float[Tensor, " n_figures"],
    model: Float[Tensor, " n_figures"] | None,
    interval: Float[Tensor, "2 n_figures"] | None = None,
    *,
    n: int,
    ess: float | None = None,
    note: str | None = None,
) -> list[Estimate]:
    """Figures and their standard errors side by side; two errors each side where no interval is.

    A value that is not finite is missing; one whose error is not has none.
    """
    values = values.double()
    if interval is None:
        interval = torch.stack([values - COVERED * mc, values + COVERED * mc])
    spread = mc if model is None else model
    rows = torch.stack([values, mc, *interval.double(), spread], 1).tolist()
    return [_estimate(row, None if model is None else last, n, ess, note) for *row, last in rows]


def errors(
    influence: Float[Tensor, "n_paths n_figures"], weights: Weights = None, members: Members = None
) -> tuple[Float[Tensor, " n_figures"], Float[Tensor, " n_figures"] | None]:
    """Standard errors of another seed and of another training.

    The paths of an ensemble are drawn in fixed shares: another seed leaves the generators what
    they are, so that only the scatter among the paths of one generator is Monte Carlo error.

    Returns:
        The first; the second, or None with fewer than two generators or too few paths of each.
    """
    shares = _shares(influence, weights)
    n_members = n_generators(members)
    if members is None or n_members < 2:
        return shares.square().sum(0).sqrt(), None
    sums, squares = _by_member(shares, members, n_members)
    return errors_by_member(sums, squares, torch.bincount(members, minlength=n_members))


def n_generators(members: Members) -> int:
    """Generators whose spread can be told from noise: 1 with too few paths of each."""
    if members is None:
        return 1
    counts = torch.bincount(members)
    return len(counts) if int(counts.min()) >= FEWEST_A_GENERATOR else 1


def errors_by_member(
    sums: Float[Tensor, "n_members n_figures"],
    squares: Float[Tensor, "n_members n_figures"],
    counts: Int64[Tensor, " n_members"],
) -> tuple[Float[Tensor, " n_figures"], Float[Tensor, " n_figures"] | None]:
    """The same from sums of ``w_i IF_i`` over each generator's paths, and of their squares.

    Source: Searle, Casella & McCulloch (1992), section 3.6: of the spread between the groups, the
        expectation of what the spread within them makes is subtracted; never below 0.
    """
    n_members = len(counts)
    within = (squares - sums.square() / counts.unsqueeze(1)).clamp(min=0)
    if n_members < 2:
        return squares.sum(0).sqrt(), None
    between = sums.square().sum(0) * n_members / (n_members - 1)  # sums add up to 0
    monte_carlo = within.sum(0)
    return monte_carlo.sqrt(), (between - monte_carlo).clamp(min=0).sqrt()


def difference(a: Measured, b: Measured) -> Measured:
    """The first less the second; on the same paths their errors are paired."""
    return Measured(a.value - b.value, a.influence - b.influence)


def ratio(a: Measured, b: Measured) -> Measured:
    """The first over the second, by the delta method."""
    value = a.value / b.value
    return Measured(value, (a.influence - value * b.influence) / b.value)


def few_beyond(level: float, n_effective: float) -> str | None:
    """The warning of a figure that stands on too little beyond its quantile.

    Args:
        level: Confidence level in (0, 1).
        n_effective: Number of paths, the effective one where they are weighted.
    """
    beyond = round((1 - level) * n_effective, 6)
    if beyond < FEWEST_BEYOND:
        return (
            f"an extrapolation: {beyond:.0f} paths lie beyond the {100 * level:g} % quantile,"
            f" {FEWEST_BEYOND} are wanted"
        )
    if level >= EXTRAPOLATED:
        return (
            f"an extrapolation: one loss in {1 / (1 - level):.0f} lies beyond the"
            f" {100 * level:g} % quantile, more than a history can confirm"
        )
    return None


def _shares(
    influence: Float[Tensor, "n_paths *figures"], weights: Weights
) -> Float[Tensor, "n_paths *figures"]:
    """What each path adds to the error of a figure."""
    if weights is None:
        return influence / len(influence)
    return influence * weights.to(influence).reshape(-1, *[1] * (influence.ndim - 1))


def _by_member(
    shares: Float[Tensor, "n_paths n_figures"], members: Int64[Tensor, " n_paths"], n_members: int
) -> tuple[Float[Tensor, "n_members n_figures"], Float[Tensor, "n_members n_figures"]]:
    empty = shares.new_zeros(n_members, shares.shape[1])
    return empty.index_add(0, members, shares), empty.index_add(0, members, shares.square())


def _estimate(
    row: list[float], model: float | None, n: int, ess: float | None, note: str | None
) -> Estimate:
    value, mc, lower, upper = row
    if not math.isfinite(value):
        missing = note or "the paths do not determine it"
        return Estimate(math.nan, None, None, None, None, n, ess, missing)
    if not math.isfinite(mc):
        missing = note or "the paths do not determine its error"
        return Estimate(value, None, None, None, None, n, ess, missing)
    return Estimate(value, mc, lower, upper, model, n, ess, note)
