"""Long synthetic histories beside the market's own days: facts that need no forecast.

Per asset and averaged over the assets, but for dependence. The paths are as long as the market's
history, so that estimators have the same bias in both.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.evaluation import ONE_STEP_ONLY, Value, not_applicable, value_of
from fingan.metrics.dependence import (
    correlation_error,
    low_eigenvalue_error,
    tail_dependence_error,
)
from fingan.metrics.discriminative import discriminative_score
from fingan.metrics.distances import aggregated, dy_metric, scaled_earth_mover_distance
from fingan.metrics.stylised_facts import Transform, acf_score, leverage_score
from fingan.metrics.tails import hill_index, tail_quantile

Real = Float[Tensor, "n_days n_assets"]  # NaN where not observed
Paths = Float[Tensor, "n_paths n_steps n_assets"]
Score = Callable[[Tensor, Tensor], float]

N_LAGS = 250
DAYS_PER_BIN, MIN_BINS = 20, 20  # of DY; the paper has T / 20 bins
TAIL_LEVEL, TAIL_SHARE = 0.995, 0.05
MIN_ACF_DAYS, MIN_TAIL_DAYS, MIN_DAYS = 2 * N_LAGS, 400, 60
WINDOW, MIN_WINDOW_DAYS = 24, 250  # of the classifier; windows as published
MIN_DAYS_PER_ASSET = 5  # below, a sample correlation says nothing of its weak directions


@dataclass(frozen=True)
class Fact:
    """A metric of real days and synthetic paths, and what it needs."""

    name: str
    min_days: int
    """Observed days of every asset."""
    n_steps: int
    """Consecutive steps of a path."""
    score: Score
    """Of real days and of paths, of all assets."""
    min_assets: int = 1

    def missing(self, real: Real, n_steps: int) -> str | None:
        """Why there is no number; None where there is one.

        Args:
            real: The market's returns.
            n_steps: Of the synthetic paths.
        """
        n_days, n_assets = int((~real.isnan()).sum(0).min()), real.shape[1]
        is_joint = self.min_assets > 1
        needed = max(self.min_days, MIN_DAYS_PER_ASSET * n_assets * is_joint)
        if n_assets < self.min_assets:
            return not_applicable("one asset has no dependence")
        if n_days < needed:
            return not_applicable(f"{needed} days are needed, got {n_days}")
        return ONE_STEP_ONLY if n_steps < self.n_steps else None


def realism(real: Real, paths: Paths) -> dict[str, Value]:
    """Every fact of synthetic histories.

    Args:
        real: The market's returns.
        paths: Synthetic returns; of one step each where a sampler draws no more.
    """
    found = {}
    for fact in FACTS:
        reason = fact.missing(real, paths.shape[1])
        found[fact.name] = Value(note=reason) if reason else value_of(fact.score(real, paths))
    return found


def _per_asset(score: Score) -> Score:
    """A score of one asset, averaged over the assets."""

    def averaged(real: Real, paths: Paths) -> float:
        scores = [score(column, drawn) for column, drawn in _columns(real, paths)]
        return sum(scores) / len(scores)

    return averaged


def _columns(real: Real, paths: Paths) -> Iterator[tuple[Tensor, Tensor]]:
    """Observed days of each asset, and its synthetic ones."""
    for asset in range(real.shape[1]):
        column, drawn = real[:, asset], paths[:, :, asset]
        yield column[~column.isnan()], drawn[:, ~drawn.isnan().any(0)]


def _acf(transform: Transform) -> Score:
    return _per_asset(lambda real, paths: acf_score(real, paths, transform, N_LAGS))


def _emd(steps: int) -> Score:
    return _per_asset(
        lambda real, paths: scaled_earth_mover_distance(
            aggregated(real, steps), aggregated(paths, steps).flatten()
        )
    )


def _dy(steps: int) -> Score:
    def score(real: Tensor, paths: Tensor) -> float:
        n_bins = max(len(real) // DAYS_PER_BIN, MIN_BINS)
        return dy_metric(aggregated(real, steps), aggregated(paths, steps).flatten(), n_bins)

    return _per_asset(score)


def _hill_error(real: Tensor, paths: Tensor) -> float:
    market, drawn = (hill_index(-sample, TAIL_SHARE) for sample in (real, paths.flatten()))
    return abs(drawn.estimate - market.estimate)


def _tail_quantile_error(real: Real, paths: Paths) -> float:
    """Of all assets' losses together, each in its market's standard deviation."""
    pairs = list(_columns(real, paths))
    market = torch.cat([-column / column.std() for column, _ in pairs])
    losses = torch.cat([-drawn.flatten() / column.std() for column, drawn in pairs])
    n_beyond = math.floor((1 - TAIL_LEVEL) * len(losses))
    quantile = float(losses.topk(n_beyond + 1).values[-1])
    target = tail_quantile(market, TAIL_LEVEL, TAIL_SHARE).estimate
    return abs(quantile / target - 1) if target > 0 else math.nan


def _joint(error: Score) -> Score:
    """A score of days on which every asset was observed, paths laid end to end."""

    def score(real: Real, paths: Paths) -> float:
        return error(*(days[~days.isnan().any(1)] for days in (real, paths.flatten(0, 1))))

    return score


def _told_apart(real: Real, paths: Paths) -> float:
    """Windows of days on which every asset was observed, of one history, told apart by trees.

    The stronger of the two classifiers alone: the published network needs thousands of steps.
    """
    market, drawn = (
        days[~days.isnan().any(1)].unfold(0, WINDOW, 1).movedim(-1, 1) for days in (real, paths[0])
    )
    return discriminative_score(market, drawn, classifier="boosting", n_seeds=1).estimate


FACTS: tuple[Fact, ...] = (
    Fact("acf_identity", MIN_ACF_DAYS, 2, _acf("identity")),
    Fact("acf_absolute", MIN_ACF_DAYS, 2, _acf("absolute")),
    Fact("acf_square", MIN_ACF_DAYS, 2, _acf("square")),
    Fact("leverage", MIN_ACF_DAYS, 2, _per_asset(lambda x, y: leverage_score(x, y, N_LAGS))),
    *(Fact(f"emd_{steps}", MIN_DAYS, steps, _emd(steps)) for steps in (1, 5, 20)),
    *(Fact(f"dy_{steps}", MIN_BINS * DAYS_PER_BIN, steps, _dy(steps)) for steps in (1, 5, 20)),
    Fact("hill_error", MIN_TAIL_DAYS, 1, _per_asset(_hill_error)),
    Fact("tail_quantile_error", MIN_TAIL_DAYS, 1, _tail_quantile_error),
    Fact("correlation_error", MIN_DAYS, 1, _joint(correlation_error), min_assets=2),
    Fact("eigen_variance_error", MIN_DAYS, 1, _joint(low_eigenvalue_error), min_assets=2),
    Fact("tail_dependence_error", MIN_DAYS, 1, _joint(tail_dependence_error), min_assets=2),
    Fact("discriminative_score", MIN_WINDOW_DAYS, WINDOW, _told_apart),
)
