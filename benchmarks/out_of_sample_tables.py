"""Scores of seeds and opponents as tables: goals, means, Diebold-Mariano tests, single seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, stdev

import torch

from benchmarks.tables import GOALS, Table
from fingan.assessment.comparison import Comparison, Scores, compare, overlap
from fingan.assessment.outcomes import Outcomes

REFERENCE, START = "fhs-gjr", "start"
ENERGY, VARIOGRAM = "energy_score_10", "variogram_score_10"
TITLES = {
    "energy_score": "energy score of all assets",
    "variogram_score": "variogram score of all assets",
    "crps_assets": "CRPS of assets",
    "crps_portfolio": "CRPS of the equal-weight portfolio",
    "crps_min_variance": "CRPS of the minimum-variance portfolio",
    "crps_long_short": "CRPS of 20 long-short portfolios",
}
SIGNIFICANT = 0.05

ByMeasure = Mapping[str, Scores]


@dataclass(frozen=True)
class Found:
    """Scores of all on the same dates."""

    seeds: Mapping[int, ByMeasure]
    """Of the model."""
    others: Mapping[str, ByMeasure]
    """Of the baselines, and of the untrained start."""
    outcomes: Outcomes
    notes: list[str]

    @property
    def measures(self) -> list[str]:
        """In the order of ``TITLES``, short horizons first."""
        first = next(iter(self.seeds.values()))
        return sorted(first, key=lambda name: (list(TITLES).index(_kind(name)), _horizon(name)))

    def average(self, measure: str) -> Scores:
        """Mean over the seeds, date by date."""
        return torch.stack([scores[measure] for scores in self.seeds.values()]).mean(0)

    def compared(self, measure: str, name: str, seed: int | None = None) -> "Verdict":
        """The model, or one seed of it, against an opponent."""
        own = self.average(measure) if seed is None else self.seeds[seed][measure]
        n_dates = len(self.outcomes.dates)
        n_lags = overlap(_horizon(measure), self.outcomes.stride, n_dates)
        return Verdict.of(compare(own, self.others[name][measure], n_lags), n_dates)


@dataclass(frozen=True)
class Verdict:
    """Of equal mean scores; two-sided.

    Source: Diebold & Mariano (1995), Comparing predictive accuracy; Student's law: Harvey,
        Leybourne & Newbold (1997), Testing the equality of prediction mean squared errors.
    """

    difference: float
    t: float
    p: float

    @classmethod
    def of(cls, found: Comparison, n_dates: int) -> "Verdict":
        """The p-value of a comparison over so many dates."""
        from scipy.stats import t as student

        p = 2 * float(student.sf(abs(found.t), n_dates - 1))
        return cls(found.difference, found.t, p)

    def is_clearly(self, sign: int) -> bool:
        """Whether the model is better (-1) or worse (1), and chance does not explain it."""
        return self.difference * sign > 0 and self.p < SIGNIFICANT

    def __str__(self) -> str:
        return f"{self.t:+.1f} ({self.p:.3f})"


def tables(found: Found, command: str) -> list[Table]:
    """Goals, means beside all opponents, tests against each, and single seeds."""
    return [_goals(found, command), _means(found), _tests(found), _by_seed(found)]


def title(measure: str) -> str:
    """A measure in words."""
    days = _horizon(measure)
    return f"{TITLES[_kind(measure)]}, {days} day{'s' * (days > 1)}"


def _goals(found: Found, command: str) -> Table:
    table = Table("Out of sample: goals", GOALS)
    if ENERGY in found.measures:
        theirs = float(found.others[REFERENCE][ENERGY].mean())
        own = [float(scores[ENERGY].mean()) for scores in found.seeds.values()]
        test = found.compared(ENERGY, REFERENCE)
        seeds = ", ".join(f"{value:.4f}" for value in own)
        table.add(
            title(ENERGY),
            f"below {theirs:.4f}, {REFERENCE}'s on the same dates",
            f"{mean(own):.4f} (seeds {seeds}; t {test.t:+.1f}, p {test.p:.3f})",
            command,
        )
    counted = [name for name in found.measures if name != VARIOGRAM]
    for name in found.others:
        tests = [found.compared(measure, name) for measure in counted]
        n_lower = sum(test.difference < 0 for test in tests)
        better, worse = (sum(test.is_clearly(sign) for test in tests) for sign in (-1, 1))
        most = ", p < .05 on most" if name == REFERENCE else ""
        table.add(
            f"energy score and CRPS, mean of {len(found.seeds)} seeds, against {name}",
            f"lower on all {len(counted)}{most}",
            f"lower on {n_lower} of {len(counted)}; p < .05: lower on {better}, higher on {worse}",
            command,
        )
    table.notes = [
        f"{START}: the same configuration, its network as training finds it",
        "p-values are two-sided and each for itself, not adjusted for their number",
    ]
    return table


def _means(found: Found) -> Table:
    columns = ("measure, lower is better", "model", "sd of seeds", *found.others)
    table = Table("Out of sample, beside baselines", columns)
    for measure in found.measures:
        own = [float(scores[measure].mean()) for scores in found.seeds.values()]
        spread = f"{stdev(own):.4f}" if len(own) > 1 else None
        others = (f"{float(scores[measure].mean()):.4f}" for scores in found.others.values())
        table.add(title(measure), f"{mean(own):.4f}", spread, *others)
    outcomes = found.outcomes
    first, last = outcomes.dates[0], outcomes.dates[-1]
    table.notes = [
        f"{len(outcomes.dates)} dates, every {outcomes.stride} rows, {first:%Y-%m-%d} to"
        f" {last:%Y-%m-%d}; scores in standard deviations of the past",
        *found.notes,
    ]
    return table


def _tests(found: Found) -> Table:
    columns = ("t (p) of the mean over seeds", *found.others)
    table = Table("Out of sample, Diebold-Mariano against each", columns)
    for measure in found.measures:
        tests = (str(found.compared(measure, name)) for name in found.others)
        table.add(title(measure), *tests)
    table.notes = ["negative: the model is better; Newey-West errors, Student's law"]
    return table


def _by_seed(found: Found) -> Table:
    columns = ("score, t (p) against fhs-gjr", *(f"seed {seed}" for seed in found.seeds))
    table = Table("Out of sample, seed by seed", columns)
    for measure in found.measures:
        cells = (
            f"{float(scores[measure].mean()):.4f}, {found.compared(measure, REFERENCE, seed)}"
            for seed, scores in found.seeds.items()
        )
        table.add(title(measure), *cells)
    return table


def _kind(measure: str) -> str:
    return measure.rsplit("_", 1)[0]


def _horizon(measure: str) -> int:
    return int(measure.rsplit("_", 1)[1])
