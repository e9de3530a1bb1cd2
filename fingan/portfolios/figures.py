"""The figures of one portfolio on a set of scenarios: its tail, its spread, its way down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float
from torch import Tensor

from fingan.risk import drawdowns, influences
from fingan.risk.drawdowns import Wealth, wealth_paths
from fingan.risk.estimates import (
    Estimate,
    Measure,
    Members,
    effective_size,
    estimated,
    few_beyond,
)
from fingan.scenarios.scenario_set import ScenarioSet

DEEP = 0.95  # level of the drawdowns' quantile, and of the worst within a path


@dataclass(frozen=True)
class Figure:
    """One measure of the portfolio."""

    measure: str
    estimate: Estimate
    level: float | None = None
    """Of a quantile or a tail."""
    over: float | None = None
    """The loss or drawdown whose probability it is."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        asked = {"level": self.level, "over": self.over}
        given = {name: value for name, value in asked.items() if value is not None}
        return {"measure": self.measure, **given, **self.estimate.record()}


@dataclass(frozen=True)
class PortfolioPaths:
    """What a portfolio is worth along each path, and who drew it."""

    wealth: Wealth
    weights: Float[Tensor, " n_paths"] | None
    members: Members

    @classmethod
    def of(cls, scenarios: ScenarioSet, weights: Float[Tensor, " n_assets"]) -> "PortfolioPaths":
        """Of scenarios of returns, the weights in the order of their assets."""
        is_ensemble = scenarios.metadata.get("n_generators", 1) > 1
        return cls(
            wealth=wealth_paths(scenarios.log_returns, weights),
            weights=scenarios.weights,
            members=scenarios.members if is_ensemble else None,
        )

    def estimate(self, measure: Measure, values: Tensor) -> Estimate:
        """A figure of something that is known of each path."""
        return estimated(measure, values, self.weights, self.members)

    def figures(self, levels: Sequence[float], loss_over: Sequence[float]) -> Iterator[Figure]:
        """All figures, headline first.

        Args:
            levels: Of VaR and ES.
            loss_over: Losses, and drawdowns, whose probability is asked for.
        """
        returns = self.wealth[:, -1] - 1
        yield from self._tails(-returns, levels)
        yield Figure("mean", self.estimate(influences.mean, returns))
        yield Figure("volatility", self.estimate(influences.volatility, returns))
        yield Figure("semi_deviation", self.estimate(influences.semi_deviation, returns))
        yield Figure("skewness", self.estimate(influences.skewness, returns))
        yield Figure("excess_kurtosis", self.estimate(influences.excess_kurtosis, returns))
        for over in loss_over:
            found = self.estimate(influences.probability, -returns > over)
            yield Figure("probability_of_loss", found, over=over)
        yield from self._drawdowns(loss_over)

    def _tails(
        self, losses: Float[Tensor, " n_paths"], levels: Sequence[float]
    ) -> Iterator[Figure]:
        n_paths = len(losses) if self.weights is None else effective_size(self.weights)
        measures = {
            "value_at_risk": influences.value_at_risk,
            "expected_shortfall": influences.expected_shortfall,
        }
        for measure, function in measures.items():
            for level in levels:
                found = self.estimate(influences.at_level(function, level), losses)
                noted = replace(found, note=few_beyond(level, n_paths))
                yield Figure(measure, noted, level=level)

    def _drawdowns(self, over: Sequence[float]) -> Iterator[Figure]:
        deepest = drawdowns.max_drawdown(self.wealth)
        at_deep = influences.at_level(influences.quantile, DEEP)
        yield Figure("max_drawdown", self.estimate(influences.mean, deepest))
        yield Figure("max_drawdown_quantile", self.estimate(at_deep, deepest), level=DEEP)
        for depth in over:
            found = self.estimate(influences.probability, deepest > depth)
            yield Figure("probability_of_drawdown", found, over=depth)
        if (
            round((1 - DEEP) * self.wealth.shape[1], 9) > 1
        ):  # else the worst step alone: the maximum
            worst = drawdowns.conditional_drawdown(self.wealth, DEEP)
            found = self.estimate(influences.mean, worst)
            yield Figure("conditional_drawdown", found, level=DEEP)
        per_path = {
            "average_drawdown": drawdowns.average_drawdown(self.wealth),
            "ulcer_index": drawdowns.ulcer_index(self.wealth),
            "time_under_water": drawdowns.time_under_water(self.wealth),
        }
        for measure, values in per_path.items():
            yield Figure(measure, self.estimate(influences.mean, values))
