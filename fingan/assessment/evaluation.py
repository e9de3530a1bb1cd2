"""The record of an evaluation: which metrics, which samplers, what each scored."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Group = Literal[
    "scores",
    "stylised facts",
    "distribution",
    "tails",
    "dependence",
    "discriminative",
    "copies",
]
SIGNIFICANT = 1.96  # of |t|: two-sided 5 %, each figure for itself
ONE_STEP_ONLY = "one step only"


@dataclass(frozen=True)
class Metric:
    """What is measured, and how to read it."""

    name: str
    title: str
    group: Group
    better: Literal["lower", "higher"] = "lower"
    unit: str = ""


@dataclass(frozen=True)
class Value:
    """What a sampler scored; a note stands where there is no number."""

    estimate: float | None = None
    standard_error: float | None = None
    difference: float | None = None
    """From the reference; None for metrics without a distribution over days."""
    t: float | None = None
    """Diebold-Mariano statistic of the difference."""
    note: str | None = None


def not_applicable(reason: str) -> str:
    """The note that stands where data are too thin for a number."""
    return f"not applicable: {reason}"


def value_of(estimate: float) -> Value:
    """A number, or why there is none."""
    if math.isnan(estimate):
        return Value(note=not_applicable("too few values in the tail, or no variation"))
    return Value(estimate) if math.isfinite(estimate) else Value(note="infinite")


@dataclass(frozen=True)
class Band:
    """What a true model scores against one path of the same length, over repetitions."""

    mean: float
    std: float
    p10: float
    p90: float


@dataclass(frozen=True)
class Row:
    """One sampler."""

    sampler: str
    in_sample: bool
    """Whether it was fitted on days of the span."""
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Evaluation:
    """Samplers side by side on one span."""

    model: str
    assets: tuple[str, ...]
    first: str
    last: str
    n_days: int
    seed: int
    n_paths: int
    reference: str
    rows: list[Row]
    """The model first."""
    floor_process: str
    n_repetitions: int
    floor: Mapping[str, Band]
    real_against_real: Mapping[str, float]
    notes: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """The evaluation as JSON."""
        return {
            "kind": "evaluation",
            "model": self.model,
            "assets": list(self.assets),
            "span": {"first": self.first, "last": self.last, "n_days": self.n_days},
            "in_sample": any(row.in_sample for row in self.rows),
            "seed": self.seed,
            "n_paths": self.n_paths,
            "reference": self.reference,
            "metrics": [asdict(metric) for metric in METRICS],
            "rows": [
                {
                    "sampler": row.sampler,
                    "in_sample": row.in_sample,
                    "values": {name: asdict(value) for name, value in row.values.items()},
                }
                for row in self.rows
            ],
            "floor": {
                "process": self.floor_process,
                "n_repetitions": self.n_repetitions,
                "values": {name: asdict(band) for name, band in self.floor.items()},
            },
            "real_against_real": {"values": dict(self.real_against_real)},
            "notes": list(self.notes),
        }


def _days(horizon: int) -> str:
    return f"{horizon} day{'s' * (horizon > 1)}"


METRICS: tuple[Metric, ...] = (
    Metric("energy_score_10", "energy score of all assets, 10 days", "scores", unit="sd"),
    Metric("variogram_score_10", "variogram score of all assets, 10 days", "scores"),
    *(
        Metric(f"{name}_{horizon}", f"CRPS of {title}, {_days(horizon)}", "scores", unit="sd")
        for name, title in (
            ("crps_assets", "each asset"),
            ("crps_portfolio", "the equal-weight portfolio"),
            ("crps_long_short", "long-short portfolios"),
        )
        for horizon in (1, 5, 10, 20)
    ),
    Metric("acf_identity", "ACF of r, lags 1-250", "stylised facts"),
    Metric("acf_absolute", "ACF of |r|, lags 1-250", "stylised facts"),
    Metric("acf_square", "ACF of r^2, lags 1-250", "stylised facts"),
    Metric("leverage", "leverage effect, lags 1-250", "stylised facts"),
    *(
        Metric(f"emd_{steps}", f"EMD, {_days(steps)}", "distribution", unit="sd")
        for steps in (1, 5, 20)
    ),
    *(Metric(f"dy_{steps}", f"DY, {_days(steps)}", "distribution") for steps in (1, 5, 20)),
    Metric("hill_error", "tail index of losses, |difference|", "tails"),
    Metric("tail_quantile_error", "99.5 % loss quantile, |relative error|", "tails"),
    Metric("correlation_error", "correlations, root-mean-square error", "dependence"),
    Metric("eigen_variance_error", "variance of weak directions, |log ratio|", "dependence"),
    Metric("tail_dependence_error", "joint falls, root-mean-square error", "dependence"),
    Metric("discriminative_score", "told apart by trees, |accuracy - 1/2|", "discriminative"),
    Metric("copied_share", "paths that repeat training days", "copies"),
    Metric("longest_duplicate_ratio", "longest repeated run, over real days'", "copies"),
    Metric("neighbour_ratio", "nearest training window, over real days'", "copies", "higher"),
)
