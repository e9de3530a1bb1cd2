"""The written rule by which the published weights are chosen, and the watch for collapse.

Rule: the average of the generator's weights is scored every ``every`` steps by the energy score
of ``horizon``-step returns on the validation span, always from the same starting days with the
same noise; the lowest score among the checks that show no collapse is published. The validation
span is the last part of the training period; nothing after it is ever read.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from pydantic import Field, PositiveInt
from torch import Tensor

from fingan.config import Config
from fingan.metrics.scoring_rules import energy_score
from fingan.models.generators import MarketGenerator

NOISE_SEED = 20_190_131  # the same noise at every check, whatever the run's own seed


class SelectionConfig(Config):
    """The validation span and how it is scored."""

    share: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the training period kept for validation, the latest days."""

    every: PositiveInt = 250
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

    variance: Float[Tensor, "n_starts n_assets"]
    state: Float[Tensor, "n_starts n_features"]
    outcome: Float[Tensor, "n_starts n_assets"]
    """Sums of scaled returns over the horizon; 0 where an asset is not observed throughout."""
    observed: Float[Tensor, "n_starts n_assets"]
    spread: Float[Tensor, " n_assets"]
    """Standard deviation of such sums in the training span."""
    noise: Float[Tensor, "horizon n_starts_paths n_noise"]
    n_paths: int

    @classmethod
    def of(
        cls,
        scaled: Float[Tensor, "n_days n_assets"],
        variances: Float[Tensor, "n_states n_assets"],
        states: Float[Tensor, "n_states n_features"],
        days: Int[Tensor, " n_starts"],
        spread: Float[Tensor, " n_assets"],
        config: SelectionConfig,
        n_noise: int,
    ) -> "Validation":
        """Collect the starting days ``days`` and draw their noise."""
        windows = scaled.unfold(0, config.horizon, 1)[days]
        observed = ~windows.isnan().any(-1)
        random = torch.Generator().manual_seed(NOISE_SEED)
        shape = (config.horizon, len(days) * config.n_paths, n_noise)
        return cls(
            variance=variances[days],
            state=states[days],
            outcome=torch.where(observed, windows.nan_to_num().sum(-1), 0.0),
            observed=observed.to(variances),
            spread=spread,
            noise=torch.randn(shape, generator=random).to(variances.device),
            n_paths=config.n_paths,
        )

    def recentre(self, generator: MarketGenerator) -> None:
        """Take the mean off the generator's innovations, starting from these states."""
        state = self.state.repeat_interleave(self.n_paths, 0)
        generator.innovations.recentre(self.noise, state)

    @torch.no_grad()
    def score(self, generator: MarketGenerator) -> dict[str, float]:
        """Energy score, and the two figures by which a collapse shows.

        Returns:
            ``validation_score``; ``spread_ratio``, the largest departure of an asset's standard
            deviation from the market's as a factor of at least 1; ``distinct_ratio``, the mean
            distance between two paths over that between two market outcomes.
        """
        variance = self.variance.repeat_interleave(self.n_paths, 0)
        state = self.state.repeat_interleave(self.n_paths, 0)
        returns, _, _ = generator(self.noise, variance, state)
        sums = (returns.sum(0) / self.spread).unflatten(0, (-1, self.n_paths))
        sums = sums * self.observed.unsqueeze(1)
        outcome = self.outcome / self.spread * self.observed
        scores = energy_score(sums, outcome)
        ratio = sums.square().mean((0, 1)).sqrt() / self.observed.mean(0).sqrt().clamp(min=1e-6)
        apart = torch.cdist(sums, sums).mean() / torch.cdist(outcome, outcome).mean()
        factors = torch.maximum(ratio, 1 / ratio.clamp(min=1e-6))
        return {
            "validation_score": float(scores.mean()),
            "spread_ratio": float(factors.max()),
            "distinct_ratio": float(apart),
        }


def collapse(scores: dict[str, float]) -> str | None:
    """What is wrong when a check shows a collapse, in words; None when it does not."""
    if scores["spread_ratio"] > MAX_SPREAD_RATIO:
        return (
            "generated volatility must stay within a factor of"
            f" {MAX_SPREAD_RATIO} of the market's, got {scores['spread_ratio']:.2f}"
        )
    if scores["distinct_ratio"] < MIN_DISTINCT_RATIO:
        return (
            f"generated paths must differ at least {MIN_DISTINCT_RATIO} times as much as market"
            f" outcomes, got {scores['distinct_ratio']:.2f}"
        )
    return None


MAX_SPREAD_RATIO = 3.0
MIN_DISTINCT_RATIO = 0.3
