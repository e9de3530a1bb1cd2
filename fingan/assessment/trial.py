"""The trial that every sampler goes through: the same days, the same lengths, the same seeds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.comparison import Scores, compare, overlap
from fingan.assessment.evaluation import (
    METRICS,
    ONE_STEP_ONLY,
    Band,
    Metric,
    Value,
    not_applicable,
    value_of,
)
from fingan.assessment.forecast_scores import HORIZONS, forecast_scores
from fingan.assessment.outcomes import Outcomes, cut_outcomes, table_of
from fingan.assessment.realism import FACTS, realism
from fingan.assessment.span import Span
from fingan.metrics.copies import search_copies
from fingan.metrics.floors import real_against_real, sampling_floors
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

MAX_DATES, MIN_DATES = 200, 20  # starting days of the forecasts
N_HISTORIES = 24  # of each sampler, as long as the span
N_ONE_STEP = 10_000  # draws of a sampler that goes no further
N_REPETITIONS = 8  # of the floor
COPY_DAYS, N_COPY_PATHS = 125, 64  # stretches of the histories that are searched for copies
ONE_STEP_SAMPLERS = frozenset({"vine"})

Paths = Float[Tensor, "n_paths n_steps n_assets"]


@dataclass(frozen=True)
class Measured:
    """What was found of one sampler."""

    scores: Mapping[str, Scores]
    """One figure per starting day; empty where there are too few days."""
    facts: Mapping[str, Value]
    is_one_step: bool


@dataclass(frozen=True)
class Trial:
    """What is the same for all samplers."""

    prices: pd.DataFrame
    span: Span
    outcomes: Outcomes
    n_paths: int
    seed: int

    @classmethod
    def of(
        cls, prices: pd.DataFrame, assets: tuple[str, ...], span: Span, n_paths: int, seed: int
    ) -> "Trial":
        """The trial on a span."""
        outcomes = cut_outcomes(prices, assets, span.first, span.last, HORIZONS, MAX_DATES)
        return cls(prices, span, outcomes, n_paths, seed)

    def measure(self, sampler: Sampler) -> Measured:
        """Everything about one sampler."""
        is_one_step = sampler.reference in ONE_STEP_SAMPLERS
        histories = self.histories(sampler, N_HISTORIES, self.seed)
        facts = realism(self.span.returns, histories)
        facts |= self._copies(sampler, histories)
        return Measured(self._scores(sampler, is_one_step), facts, is_one_step)

    def histories(self, sampler: Sampler, n_paths: int, seed: int) -> Paths:
        """A sampler left to itself from the day before the span, for as many days."""
        n_steps = len(self.span)
        if sampler.reference in ONE_STEP_SAMPLERS:
            n_steps, n_paths = 1, N_ONE_STEP
        days = [self.span.before]
        (drawn,) = forecasts(sampler, self.prices, days, n_steps, n_paths, seed=seed)
        return drawn.double()

    def floor(self, sampler: Sampler) -> dict[str, Band]:
        """What a sampler's own histories score, each against the others, where the market may."""
        facts = [fact for fact in FACTS if not fact.missing(self.span.returns, len(self.span))]
        laws = sampling_floors(
            {fact.name: fact.score for fact in facts},
            lambda n_paths, seed: self.histories(sampler, n_paths, seed),
            n_paths=N_HISTORIES,
            n_repetitions=N_REPETITIONS,
            seed=self.seed + 1,
        )
        return {
            name: Band(law.mean, law.std, law.p10, law.p90)
            for name, law in laws.items()
            if math.isfinite(law.mean)
        }

    def real_against_real(self) -> dict[str, float]:
        """What one half of the span scores against the other, where a half is long enough."""
        real = self.span.returns
        half = real[: len(real) // 2]
        found = {
            fact.name: real_against_real(fact.score, real)
            for fact in FACTS
            if not fact.missing(half, len(half))
        }
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def values(self, measured: Measured, reference: Measured) -> dict[str, Value]:
        """Every metric of one sampler, scores beside the reference's."""
        return {
            metric.name: self._score(metric, measured, reference)
            if metric.group == "scores"
            else measured.facts[metric.name]
            for metric in METRICS
        }

    def _scores(self, sampler: Sampler, is_one_step: bool) -> dict[str, Scores]:
        if len(self.outcomes.dates) < MIN_DATES:
            return {}
        return forecast_scores(
            sampler,
            self.prices,
            self.outcomes,
            self.n_paths,
            seed=self.seed,
            max_horizon=1 if is_one_step else max(HORIZONS),
        )

    def _score(self, metric: Metric, measured: Measured, reference: Measured) -> Value:
        n_dates = len(self.outcomes.dates)
        if n_dates < MIN_DATES:
            reason = f"{MIN_DATES} starting days are needed, got {n_dates}"
            return Value(note=not_applicable(reason))
        if metric.name not in measured.scores:
            is_short = metric.name in reference.scores
            reason = ONE_STEP_ONLY if is_short else not_applicable("it takes two assets")
            return Value(note=reason)
        horizon = int(metric.name.rsplit("_", 1)[1])
        n_lags = overlap(horizon, self.outcomes.stride, n_dates)
        ours, theirs = measured.scores[metric.name], reference.scores.get(metric.name)
        found = compare(ours, ours if theirs is None else theirs, n_lags)
        value = Value(found.mean, found.standard_error, found.difference, found.t)
        return replace(value, difference=None, t=None) if theirs is None else value

    def _copies(self, sampler: Sampler, histories: Paths) -> dict[str, Value]:
        """Copy statistics of stretches of the histories, beside those of the span's days."""
        names = [metric.name for metric in METRICS if metric.group == "copies"]
        training = table_of(self.prices, sampler.assets).until(sampler.fitted_until).values
        if histories.shape[1] == 1:
            return {name: Value(note=ONE_STEP_ONLY) for name in names}
        if len(self.span) < COPY_DAYS or len(training) < 4 * COPY_DAYS:
            reason = f"{COPY_DAYS} days of the span and {4 * COPY_DAYS} before it are needed"
            return {name: Value(note=not_applicable(reason)) for name in names}
        stretches = histories.unfold(1, COPY_DAYS, COPY_DAYS).flatten(0, 1).transpose(1, 2)
        chosen = torch.linspace(0, len(stretches) - 1, N_COPY_PATHS).long()
        is_seen = self.span.first <= sampler.fitted_until
        held_out = None if is_seen else self.span.returns.float()
        search = search_copies(stretches[chosen].float(), training.float(), held_out)
        share = max(search.plain.share_copied, search.scale_free.share_copied)
        run = max(search.plain.ratio, search.scale_free.ratio)
        return dict(zip(names, map(value_of, (share, run, search.neighbours.ratio)), strict=True))
