"""A model beside the reference on the validation span: the score that a card and a gate show."""

from dataclasses import asdict, dataclass
from typing import Any

from fingan.assessment.comparison import Comparison, compare, overlap
from fingan.assessment.evidence import Periods
from fingan.assessment.forecast_scores import forecast_scores
from fingan.assessment.outcomes import cut_outcomes
from fingan.errors import PriceDataError
from fingan.scenarios.baselines import baseline
from fingan.scenarios.samplers import Sampler

REFERENCE = "fhs-gjr"
HORIZON, N_PATHS = 10, 256
MIN_DATES, MAX_DATES = 8, 130  # starting days
SCORE = f"energy_score_{HORIZON}"


@dataclass(frozen=True)
class Validation:
    """Scores on the validation span, or why there are none."""

    rows: dict[str, Comparison]
    """The model as ``model``, and the reference; empty where there is none."""
    span: str
    n_dates: int
    skipped: str | None = None
    reference: Sampler | None = None
    """Fitted on the rows that the weights were fitted on; None where it cannot be."""

    def record(self) -> dict[str, Any]:
        """The scores as JSON."""
        if self.skipped is not None:
            return {"skipped": self.skipped}
        return {
            "metric": f"energy score of {HORIZON}-step log-returns, in standard deviations",
            "span": f"{self.span}, validation: it chose the weights",
            "n_dates": self.n_dates,
            "n_paths": N_PATHS,
            "reference": REFERENCE,
            "rows": {name: asdict(row) for name, row in self.rows.items()},
        }


def beside_reference(sampler: Sampler, periods: Periods, *, seed: int = 0) -> Validation:
    """Score a model and the reference, fitted on the same rows, on the validation span.

    Args:
        sampler: The model.
        periods: Its training period.
        seed: Of the scenarios.
    """
    first, last = periods.validation_first, periods.validation_last
    span = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    outcomes = cut_outcomes(periods.prices, sampler.assets, first, last, (HORIZON,), MAX_DATES)
    n_dates = len(outcomes.dates)
    if n_dates < MIN_DATES:
        reason = (
            f"the validation span holds fewer than {MIN_DATES} starting days with all assets"
            " observed"
        )
        return Validation({}, span, n_dates, reason)
    try:
        reference = baseline(REFERENCE, periods.training[list(sampler.assets)])
    except PriceDataError as too_few_days:
        return Validation({}, span, n_dates, f"{REFERENCE}: {too_few_days}")
    ours, theirs = (
        forecast_scores(one, periods.prices, outcomes, N_PATHS, seed=seed, max_horizon=HORIZON)
        for one in (sampler, reference)
    )
    n_lags = overlap(HORIZON, outcomes.stride, n_dates)
    rows = {
        name: compare(scores[SCORE], theirs[SCORE], n_lags)
        for name, scores in (("model", ours), (REFERENCE, theirs))
    }
    return Validation(rows, span, n_dates, reference=reference)
