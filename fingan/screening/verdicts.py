"""Whether a figure clears a threshold beyond its errors, and how many such finds are false."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fingan.risk.estimates import Estimate
from fingan.screening.specification import Criterion, Multiplicity

Verdict = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class Spread:
    """The whole error of a figure: Monte Carlo and model together."""

    se: float
    freedom: float
    """Degrees of freedom of Student's t: few where few generators make the error."""

    def bound(self, estimate: float, confidence: float, side: int) -> float:
        """A one-sided bound: -1 for the lower one, 1 for the upper one."""
        return estimate + side * self.se * _quantile(confidence, self.freedom)

    def exceeds(self, distance: float) -> float:
        """Probability of so much, were the hypothesis true the truth lies no higher."""
        if self.se == 0:
            return 0.0 if distance > 0 else 1.0
        return _upper_tail(distance / self.se, self.freedom)


@dataclass(frozen=True)
class Judged:
    """A candidate's figure against a criterion and against what has no skill."""

    criterion: Criterion
    estimate: Estimate
    lower: float | None
    upper: float | None
    verdict: Verdict
    p: float | None
    """Of "no better than the best reference"."""
    q: float | None
    """The same, adjusted over every candidate and criterion."""
    references: dict[str, float]
    """The figure under each reference."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        value = self.estimate.estimate
        return {
            **self.criterion.model_dump(mode="json", exclude_none=True),
            **self.estimate.record(),
            "lower": self.lower,
            "upper": self.upper,
            "verdict": self.verdict,
            "p": self.p,
            "q": self.q,
            "reference": self.references,
            "increment": {name: value - other for name, other in self.references.items()},
        }


def spread_of(estimate: Estimate, n_generators: int) -> Spread | None:
    """The error of a figure; None where it has none.

    Of an ensemble, the Monte Carlo and the model part together are the variance between the
    generators' own figures, which has one degree of freedom less than there are generators; where
    they differ no more than their paths explain, the part that is left is judged as strictly.

    Source: Searle, Casella & McCulloch (1992), Variance components, section 3.6.
    """
    if estimate.mc_se is None:
        return None
    if estimate.model_se is None:
        return Spread(estimate.mc_se, math.inf)
    return Spread(math.hypot(estimate.mc_se, estimate.model_se), max(n_generators - 1, 1))


def bounds(estimate: Estimate, confidence: float, n_generators: int) -> tuple[float, float] | None:
    """One-sided lower and upper bound on Monte Carlo and model error.

    Where no path or every path is a hit, the interval of the estimate bounds it.
    """
    spread = spread_of(estimate, n_generators)
    if spread is None:
        return None
    if spread.se == 0 and estimate.lower is not None and estimate.upper is not None:
        return estimate.lower, estimate.upper
    value = estimate.estimate
    return spread.bound(value, confidence, -1), spread.bound(value, confidence, 1)


def verdict(criterion: Criterion, ends: tuple[float, float] | None) -> Verdict:
    """Pass if the bound clears the threshold, fail if the opposite one misses it."""
    if ends is None:
        return "undecided"
    lower, upper = ends
    if criterion.op == "<=":
        lower, upper, value = -upper, -lower, -criterion.value
    else:
        value = criterion.value
    if lower >= value:
        return "pass"
    return "fail" if upper < value else "undecided"


def p_value(
    criterion: Criterion, estimate: Estimate, references: Sequence[Estimate], n_generators: int
) -> float | None:
    """Of "the figure is no better than the best of the references".

    Source: Berger (1982), Multiparameter hypothesis testing and acceptance sampling: the largest
        p of the single comparisons.
    """
    sign = 1.0 if criterion.op == ">=" else -1.0
    found = []
    for other in references:
        both = spread_of(estimate, n_generators)
        if both is None or other.mc_se is None:
            return None
        square = both.se**2 + other.mc_se**2
        freedom = both.freedom * (square / both.se**2) ** 2 if both.se > 0 else math.inf
        distance = sign * (estimate.estimate - other.estimate)
        found.append(Spread(math.sqrt(square), freedom).exceeds(distance))
    return max(found, default=None)


def adjusted(values: Sequence[float | None], multiplicity: Multiplicity) -> list[float | None]:
    """Each p as the share of false discoveries at which it would be one.

    Source: Benjamini & Hochberg (1995); Benjamini & Yekutieli (2001), under any dependence.
    """
    from scipy.stats import false_discovery_control

    known = [value for value in values if value is not None]
    if not known:
        return list(values)
    found = iter(false_discovery_control(known, method=multiplicity.method).tolist())
    return [None if value is None else next(found) for value in values]


def _quantile(confidence: float, freedom: float) -> float:
    from scipy.stats import norm, t

    law = norm() if math.isinf(freedom) else t(freedom)
    return float(law.ppf(confidence))


def _upper_tail(distance: float, freedom: float) -> float:
    from scipy.stats import norm, t

    law = norm() if math.isinf(freedom) else t(freedom)
    return float(law.sf(distance))
