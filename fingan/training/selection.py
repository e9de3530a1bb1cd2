"""The written rule by which the published weights are chosen, and the watch for collapse.

Rule: the average of the generator's weights is scored every ``every`` steps by the energy score
of ``horizon``-step returns on the validation span, always from the same starting days with the
same noise; the lowest score among the checks that show no collapse is published. The validation
span is the last part of the training period; nothing after it is ever read.

A network that starts as the parametric model must be better than it by more than one standard error
of the difference, day by day, or the start is published: of many checks on few days, the lowest
score is the luckiest too.

A collapse shows against the model from which training started, the parametric one with the same
filter, starting days and noise: an asset whose spread left it by a factor, or paths that resemble
each other where its paths differ.

Source: Breiman, Friedman, Olshen & Stone (1984), Classification and regression trees, section
3.4.3, for the rule of one standard error; here of a paired difference, with the weights of Newey &
West (1987) where the days' horizons overlap.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from pydantic import Field, PositiveInt
from torch import Tensor

from fingan.config import Config
from fingan.metrics.scoring_rules import energy_score
from fingan.models.generators import MarketGenerator
from fingan.models.states import Today

MAX_SPREAD_RATIO = 2.0
MIN_DISTINCT_RATIO = 0.5
NOISE_SEED = 20_190_131  # the same noise at every check, whatever the run's own seed

Sums = Float[Tensor, "n_starts n_paths n_assets"]


class SelectionConfig(Config):
    """The validation span and how it is scored."""

    share: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the training period kept for validation, the latest days."""

    every: PositiveInt = 200
    """Steps between two checks."""

    horizon: PositiveInt = 10
    """Steps over which returns are summed for the score."""

    n_starts: PositiveInt = 96
    """Days from which the score starts, evenly spread over the validation span."""

    n_paths: PositiveInt = Field(default=256, ge=16)
    """Paths per starting day."""


@dataclass(frozen=True)
class Validation:
    """Starting days of the validation span with what followed; scores generators."""

    today: Today
    """Where each path begins: the starting days, each as often as it has paths."""
    noise: Float[Tensor, "horizon n_starts_paths n_noise"]
    unit: Float[Tensor, " n_assets"]
    """Root mean square of sums over the horizon in the training span."""
    outcome: Float[Tensor, "n_starts n_assets"]
    """Sums of scaled returns over the horizon, in ``unit``; 0 where not observed throughout."""
    observed: Float[Tensor, "n_starts n_assets"]
    n_paths: int
    n_lags: int
    """Starting days after a day's own that lie within its horizon."""

    @classmethod
    def of(
        cls,
        scaled: Float[Tensor, "n_days n_assets"],
        history: Today,
        days: Int[Tensor, " n_starts"],
        unit: Float[Tensor, " n_assets"],
        config: SelectionConfig,
        n_noise: int,
    ) -> "Validation":
        """Collect the starting days ``days`` and draw their noise."""
        windows = scaled.unfold(0, config.horizon, 1)[days]
        observed = ~windows.isnan().any(-1)
        random = torch.Generator().manual_seed(NOISE_SEED)
        shape = (config.horizon, len(days) * config.n_paths, n_noise)
        return cls(
            today=history.rows(days).repeat(config.n_paths),
            noise=torch.randn(shape, generator=random).to(scaled),
            unit=unit,
            outcome=torch.where(observed, windows.nan_to_num().sum(-1) / unit, 0.0),
            observed=observed.to(scaled),
            n_paths=config.n_paths,
            n_lags=int((days < days[0] + config.horizon).sum()) - 1,
        )

    def recentre(self, generator: MarketGenerator) -> None:
        """Take the mean off the generator's innovations, starting from these states."""
        generator.recentre(self.noise, self.today)

    @torch.no_grad()
    def sums(self, generator: MarketGenerator) -> Sums:
        """Returns of every path summed over the horizon; 0 where the market was not observed."""
        returns, _, _ = generator(self.noise, self.today)
        sums = (returns.sum(0) / self.unit).unflatten(0, (-1, self.n_paths))
        return sums * self.observed.unsqueeze(1)

    def score(self, sums: Sums, start: Sums) -> dict[str, float]:
        """Energy score, what it gains on the start's, and the figures by which a collapse shows.

        Args:
            sums: Of the generator in question.
            start: Of the parametric model from which training started.

        Returns:
            ``validation_score``; ``gain``, how far it lies below the start's, and ``gain_error``,
            the standard error of that; ``spread_ratio``, the largest factor, at least 1, between an
            asset's spread and its spread at the start; ``distinct_ratio``, the mean distance of
            two paths over that at the start.
        """
        factor = sums.square().mean((0, 1)) / start.square().mean((0, 1)).clamp(min=1e-12)
        factor = factor.sqrt().nan_to_num(posinf=1e6)
        factor = torch.where(self.observed.any(0), factor, 1.0)  # an asset may have ended before
        apart = torch.cdist(sums, sums).mean() / torch.cdist(start, start).mean()
        by_day = energy_score(sums, self.outcome)
        gains = energy_score(start, self.outcome) - by_day
        return {
            "validation_score": float(by_day.mean()),
            "gain": float(gains.mean()),
            "gain_error": float(_standard_error(gains, self.n_lags)),
            "spread_ratio": float(torch.maximum(factor, 1 / factor.clamp(min=1e-6)).max()),
            "distinct_ratio": float(apart),
        }


def is_worth_it(scores: dict[str, float]) -> bool:
    """Whether a check is better than the parametric model by more than its standard error."""
    return scores["gain"] > scores["gain_error"]


def _standard_error(values: Float[Tensor, " n_starts"], n_lags: int) -> Float[Tensor, ""]:
    """Of the mean of a series, with Bartlett weights."""
    n_lags = min(n_lags, len(values) - 1)
    apart = values - values.mean()
    variance = apart.square().mean()
    for lag in range(1, n_lags + 1):
        weight = 1 - lag / (n_lags + 1)
        variance = variance + 2 * weight * (apart[lag:] * apart[:-lag]).sum() / len(values)
    return (variance.clamp(min=0) / len(values)).sqrt()


def collapse(scores: dict[str, float]) -> str | None:
    """What is wrong when a check shows a collapse, in words; None when it does not."""
    spread, distinct = scores["spread_ratio"], scores["distinct_ratio"]
    if not spread <= MAX_SPREAD_RATIO:
        return (
            "the spread of generated returns must stay within a factor of"
            f" {MAX_SPREAD_RATIO} of the volatility filter's, got {spread:.2f}"
        )
    if not distinct >= MIN_DISTINCT_RATIO:
        return (
            f"generated paths must differ at least {MIN_DISTINCT_RATIO} times as much as the"
            f" volatility filter's, got {distinct:.2f}"
        )
    return None
