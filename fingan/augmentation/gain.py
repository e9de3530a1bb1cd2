"""Whether training on a synthetic panel helps on real days that no one has trained on.

Each arm trains the same downstream model; all are scored on the same real holdout, whose days lie
after the generator's training span. A gain counts only beside the two ways that cost nothing, the
block bootstrap and jitter, and beside a forecast without features: pure noise cures a downstream
model that overfits, and may then seem to help.

Source: Diebold & Mariano (1995), Comparing predictive accuracy; Newey & West (1987), A simple,
positive semi-definite, heteroskedasticity and autocorrelation consistent covariance matrix; Berger
(1982), Multiparameter hypothesis testing and acceptance sampling, for a verdict that needs all
comparisons; Satterthwaite (1946), An approximate distribution of estimates of variance
components, for the degrees of freedom.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from fingan.augmentation.arms import ARMS, Arm, Material
from fingan.augmentation.panel import PanelRequest
from fingan.augmentation.tasks import (
    AHEAD,
    LEARNERS,
    MONTH,
    TASKS,
    Learner,
    Samples,
    Task,
    constant_losses,
    losses,
)
from fingan.config import Config
from fingan.data.returns import end_of
from fingan.errors import RequestError
from fingan.scenarios.samplers import Sampler

Verdict = Literal["helps", "does not help", "undecided"]
ByDay = Float[Tensor, "n_seeds n_dates"]

LEVEL = 0.95  # of all intervals of a measurement together
LEAST_GAIN: Mapping[Task, float] = {  # share of the loss on real days alone; less is none
    "volatility": 0.01,
    "direction": 0.001,  # of ln 2: what a hit rate of 52 % is worth over one of 50 %
}
MIN_DATES = 50  # of the holdout
NEW: Arm = "real + synthetic"
RIVALS: tuple[Arm, ...] = ("real", "real + block-bootstrap", "real + jitter", "no features")

NOTES = (
    "the generator saw the same real rows as the arm 'real': a gain is of its assumptions, not of"
    " more data",
    "one market, one holdout: the interval covers its days and the seeds, not another market",
    "nothing of the downstream models was tuned, on real or on synthetic days",
)


class GainRequest(Config):
    """What is compared, how often."""

    panel: PanelRequest = PanelRequest()
    """The synthetic panel."""

    n_seeds: int = Field(5, ge=2)
    """Repetitions, each with panels and downstream models of its own."""

    holdout_from: str | None = None
    """First day of the real holdout; default the first after training."""


@dataclass(frozen=True)
class Difference:
    """How much lower the loss of ``real + synthetic`` is than another arm's; positive is a gain."""

    against: Arm
    gain: float
    se: float
    lower: float
    upper: float
    """Interval that holds for all downstream models together at ``LEVEL``."""


@dataclass(frozen=True)
class Contest:
    """One downstream model: the mean loss of each arm, and what the panel gained."""

    task: Task
    learner: Learner
    losses: Mapping[Arm, tuple[float, float]]
    """Mean loss and its standard error, over days and seeds."""
    differences: tuple[Difference, ...]

    @property
    def verdict(self) -> Verdict:
        """Helps if surely better than every rival; not if surely worse than one, or hardly better.

        Hardly better than real days alone: even the upper bound is below ``LEAST_GAIN``.
        """
        if all(one.lower > 0 for one in self.differences):
            return "helps"
        least = LEAST_GAIN[self.task] * self.losses["real"][0]
        is_small = next(one for one in self.differences if one.against == "real").upper < least
        if is_small or any(one.upper < 0 for one in self.differences):
            return "does not help"
        return "undecided"


@dataclass(frozen=True)
class Gain:
    """The measured answer."""

    reference: str
    request: GainRequest
    span: tuple[pd.Timestamp, pd.Timestamp]
    n_dates: int
    n_samples: Mapping[Arm, int]
    contests: tuple[Contest, ...]

    @property
    def verdict(self) -> str:
        """In one line, downstream model by downstream model."""
        found: dict[str, list[str]] = {}
        for one in self.contests:
            found.setdefault(one.verdict, []).append(f"{one.task} by {one.learner}")
        return "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in found.items())

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "model": self.reference,
            "holdout": {
                "first": self.span[0].date().isoformat(),
                "last": self.span[1].date().isoformat(),
                "n_dates": self.n_dates,
            },
            "n_seeds": self.request.n_seeds,
            "n_samples": dict(self.n_samples),
            "ci_level": 1 - (1 - LEVEL) / len(self.contests),
            "contests": [_contest_record(one) for one in self.contests],
            "verdict": self.verdict,
            "notes": list(NOTES),
        }


def measure_gain(
    sampler: Sampler, prices: pd.DataFrame, request: GainRequest | None = None
) -> Gain:
    """Train downstream models on every arm and score them on a real holdout.

    Args:
        sampler: Who drew the panel; a trained model or a baseline.
        prices: Table from ``read_prices`` that reaches beyond the sampler's training span.
        request: Default ``GainRequest()``.

    Raises:
        RequestError: If the holdout begins in training or is too short, or the paths are.
    """
    request = request or GainRequest()
    if request.panel.horizon < MONTH + AHEAD:
        raise RequestError(
            f"horizon must be at least {MONTH + AHEAD} for a downstream model to learn from the"
            f" paths, got {request.panel.horizon}; or do not measure"
        )
    material = Material.of(sampler, prices, request.panel.n_starts)
    first = _holdout_begin(sampler, prices, request.holdout_from)
    test = None if first is None else material.holdout(prices, first)
    n_dates = 0 if test is None else len(test.moments.unique())
    if first is None or test is None or n_dates < MIN_DATES:
        raise RequestError(
            f"the real holdout must have at least {MIN_DATES * AHEAD + MONTH} rows after"
            f" {sampler.fitted_until:%Y-%m-%d}, up to which the model was fitted, and after"
            " holdout-from; train with an earlier --until, or do not measure"
        )
    by_day, n_samples = _all_losses(material, test, request)
    level = 1 - (1 - LEVEL) / len(by_day)
    contests = tuple(
        _contest(task, learner, scores, level) for (task, learner), scores in by_day.items()
    )
    last: pd.Timestamp = prices.index[-1]
    return Gain(sampler.reference, request, (first, last), n_dates, n_samples, contests)


def _all_losses(
    material: Material, test: Samples, request: GainRequest
) -> tuple[dict[tuple[Task, Learner], dict[Arm, ByDay]], dict[Arm, int]]:
    """Losses by downstream model and arm, and how many samples each arm had."""
    found: dict[tuple[Task, Learner, Arm], list[Tensor]] = {}
    n_samples: dict[Arm, int] = {}
    for number in range(request.n_seeds):
        for arm, samples in material.training_sets(request.panel, number).items():
            n_samples[arm] = len(samples.moments)
            for task, learner in product(TASKS, LEARNERS):
                if arm == "no features":
                    scores = constant_losses(task, samples, test)
                else:
                    scores = losses(task, learner, samples, test, number)
                found.setdefault((task, learner, arm), []).append(_mean_by_day(scores, test))
    by_day = {
        (task, learner): {arm: torch.stack(found[task, learner, arm]) for arm in ARMS}
        for task, learner in product(TASKS, LEARNERS)
    }
    return by_day, n_samples


def _contest(task: Task, learner: Learner, by_day: Mapping[Arm, ByDay], level: float) -> Contest:
    means = {arm: _mean_and_error(scores)[:2] for arm, scores in by_day.items()}
    return Contest(
        task=task,
        learner=learner,
        losses=means,
        differences=tuple(_difference(arm, by_day[arm] - by_day[NEW], level) for arm in RIVALS),
    )


def _difference(against: Arm, gains: ByDay, level: float) -> Difference:
    from scipy.stats import t

    gain, error, freedom = _mean_and_error(gains)
    reach = float(t.ppf((1 + level) / 2, freedom)) * error
    return Difference(against, gain, error, gain - reach, gain + reach)


def _mean_and_error(values: ByDay) -> tuple[float, float, float]:
    """Mean, standard error of days and seeds together, and degrees of freedom.

    Days: Newey-West of the mean over the seeds. Seeds: their spread around it.
    """
    from statsmodels.api import OLS

    n_seeds, n_dates = values.shape
    days = values.mean(0).numpy()
    n_lags = int(4 * (n_dates / 100) ** (2 / 9))
    fitted = OLS(days, np.ones(n_dates)).fit(
        cov_type="HAC", cov_kwds={"maxlags": n_lags, "use_correction": True}
    )
    of_days = float(fitted.bse[0]) ** 2
    of_seeds = float(values.mean(1).var()) / n_seeds
    total = of_days + of_seeds
    spread = of_days**2 / (n_dates - 1) + of_seeds**2 / (n_seeds - 1)
    freedom = total**2 / spread if spread > 0 else float(n_dates - 1)
    return float(values.mean()), total**0.5, freedom


def _mean_by_day(scores: Float[Tensor, " n_samples"], test: Samples) -> Tensor:
    """Mean loss over the assets of each day of the holdout."""
    _, place, counts = test.moments.unique(return_inverse=True, return_counts=True)
    sums = torch.zeros(len(counts), dtype=torch.float64).index_add_(0, place, scores.double())
    return sums / counts


def _holdout_begin(
    sampler: Sampler, prices: pd.DataFrame, wanted: str | None
) -> pd.Timestamp | None:
    """First date of the holdout; None where there is none."""
    after = prices.index[prices.index > sampler.fitted_until]
    if wanted is not None:
        try:
            first = end_of(wanted).normalize()
        except ValueError:
            raise RequestError(
                f"holdout-from must be a date such as 2020-03-16, got '{wanted}'"
            ) from None
        if first <= sampler.fitted_until:
            raise RequestError(
                f"holdout-from must lie after {sampler.fitted_until:%Y-%m-%d}, up to which the"
                f" model was fitted, got {wanted}"
            )
        after = after[after >= first]
    return None if after.empty else after[0]


def _contest_record(contest: Contest) -> dict[str, Any]:
    return {
        "task": contest.task,
        "learner": contest.learner,
        "verdict": contest.verdict,
        "losses": {
            arm: {"estimate": mean, "se": error} for arm, (mean, error) in contest.losses.items()
        },
        "gains": [
            {
                "against": one.against,
                "estimate": one.gain,
                "se": one.se,
                "ci": [one.lower, one.upper],
                "share_of_loss": one.gain / contest.losses[one.against][0],
            }
            for one in contest.differences
        ],
    }
