"""What scenarios look like, small enough to draw: fan, moments, correlations, drawdowns, paths.

Every figure comes with the Monte Carlo error of its own and, for an ensemble, the model's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pandas as pd
import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor

from fingan.config import Config
from fingan.errors import RequestError
from fingan.risk import influences
from fingan.risk.drawdowns import max_drawdown
from fingan.risk.estimates import Estimate, Measure, effective_size, errors, estimated_each
from fingan.risk.fan import fan
from fingan.risk.portfolio import Portfolio, equal_weights
from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet

Level = Annotated[float, Field(gt=0, lt=1)]
Values = Float[Tensor, "n_paths n_steps"]

PORTFOLIO = "portfolio"
MOST_STEPS = 64  # of a fan; a longer horizon is shown at so many steps
MOST_ASSETS = 20  # where none are named


class SummaryRequest(Config):
    """What is summarised."""

    horizon: PositiveInt = 20
    """Steps of each path."""
    n_paths: Annotated[int, Field(ge=100)] = 10_000
    """Paths."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the paths."""
    as_of: str | None = None
    """Last date of the history; its last row if not given."""
    assets: tuple[str, ...] | None = None
    """Those shown beside the portfolio; the model's first 20 if not given."""
    quantiles: tuple[Level, ...] = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    """Levels of the fan and of drawdowns."""
    n_shown: Annotated[int, Field(ge=0)] = 40
    """Single paths that come with it, the first ones."""
    drift: Literal["model", "neutral", "shrunk", "equilibrium"] = "model"
    """Whose expected returns."""


@dataclass(frozen=True)
class ScenarioSummary:
    """Figures of a set of scenarios."""

    scenarios: ScenarioSet
    portfolio: Portfolio
    request: SummaryRequest
    paths: Mapping[str, Values]
    """Simple return since the start after each step, of the portfolio and each asset shown; the
    change where the kind is a level."""
    drawdowns: Mapping[str, Float[Tensor, " n_paths"]]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        scenarios, metadata = self.scenarios, self.scenarios.metadata
        weights = self.scenarios.weights
        steps = _steps(scenarios.horizon)
        dates = scenarios.dates
        held = zip(self.portfolio.assets, self.portfolio.weights.tolist(), strict=True)
        shown = [name for name in self.paths if name != PORTFOLIO]
        return {
            "kind": "summary",
            "model": metadata["model"],
            "model_digest": metadata["model_digest"],
            "as_of": metadata["as_of"],
            "fitted_until": str(metadata["fitted_until"])[:10],
            "seed": metadata["seed"],
            "n_paths": scenarios.n_paths,
            "horizon": scenarios.horizon,
            "n_generators": metadata.get("n_generators", 1),
            "drift_policy": metadata["drift_policy"],
            "condition": metadata["condition"],
            "dates": None if dates is None else [date.isoformat() for date in dates],
            "start_prices": dict(zip(scenarios.assets, scenarios.start_prices, strict=True)),
            "portfolio": {asset: weight for asset, weight in held if weight != 0},
            "quantile_levels": list(self.request.quantiles),
            "fan": {name: self._fan(values, steps) for name, values in self.paths.items()},
            "moments": {name: self._moments(values) for name, values in self.paths.items()},
            "correlations": self._correlations(shown),
            "drawdowns": self._deepest(),
            "paths": {
                "numbers": list(range(min(self.request.n_shown, scenarios.n_paths))),
                "steps": [step + 1 for step in steps],
                "values": {
                    name: values[: self.request.n_shown, steps].tolist()
                    for name, values in self.paths.items()
                },
            },
            "effective_paths": None if weights is None else effective_size(weights),
        }

    def _fan(self, values: Values, steps: Sequence[int]) -> list[dict[str, Any]]:
        at_steps = values[:, steps]
        means = self._each(influences.mean, at_steps)
        quantiles = self._quantiles(at_steps)
        dates = self.scenarios.dates
        return [
            {
                "step": step + 1,
                "date": None if dates is None else dates[step].isoformat(),
                "mean": mean,
                "quantiles": found,
            }
            for step, mean, found in zip(steps, means, quantiles, strict=True)
        ]

    def _quantiles(self, values: Values) -> list[list[dict[str, Any]]]:
        """For each column, the estimates at every level."""
        levels = self.request.quantiles
        if self.scenarios.weights is None:
            by_level = [_plain(found) for found in fan(values, levels, self._members)]
        else:
            by_level = [
                self._each(influences.at_level(influences.quantile, level), values)
                for level in levels
            ]
        return [
            [{"level": level, **one} for level, one in zip(levels, column, strict=True)]
            for column in zip(*by_level, strict=True)
        ]

    def _deepest(self) -> dict[str, list[dict[str, Any]]]:
        """Quantiles of the maximum drawdown; none where the kind is a level."""
        if not self.drawdowns:
            return {}
        found = self._quantiles(torch.stack(list(self.drawdowns.values()), 1))
        return dict(zip(self.drawdowns, found, strict=True))

    def _moments(self, values: Values) -> dict[str, dict[str, Any]]:
        last = values[:, -1:]
        measures = {
            "mean": influences.mean,
            "volatility": influences.volatility,
            "skewness": influences.skewness,
            "excess_kurtosis": influences.excess_kurtosis,
        }
        return {name: self._each(measure, last)[0] for name, measure in measures.items()}

    def _correlations(self, shown: Sequence[str]) -> dict[str, Any]:
        """Of log-returns over the horizon.

        Source: Devlin, Gnanadesikan & Kettenring (1975), Robust estimation and outlier detection
            with correlation coefficients, equation 3.1, for the influence function.
        """
        places = [self.scenarios.assets.index(name) for name in shown]
        totals = self.scenarios.log_returns.double().sum(1)[:, places]
        weights = self.scenarios.weights
        share = torch.full((len(totals),), 1 / len(totals)) if weights is None else weights
        share = share.double().unsqueeze(1)
        apart = totals - (share * totals).sum(0)
        unit = apart / (share * apart.square()).sum(0).sqrt()
        found = unit.T @ (share * unit)
        mc = [
            errors(unit[:, [i]] * unit - found[i] * (unit[:, [i]].square() + unit.square()) / 2,
                   weights, self._members)[0].tolist()
            for i in range(len(shown))
        ]  # fmt: skip
        return {"assets": list(shown), "estimate": found.tolist(), "mc_se": mc}

    @property
    def _members(self) -> Tensor | None:
        """The generator of each path, where the paths are in the generators' turns."""
        return (
            self.scenarios.members if self.scenarios.metadata.get("n_generators", 1) > 1 else None
        )

    def _each(self, measure: Measure, values: Values) -> list[dict[str, Any]]:
        return _plain(estimated_each(measure, values, self.scenarios.weights, self._members))


def scenario_summary(
    sampler: Sampler,
    prices: pd.DataFrame,
    portfolio: Portfolio | None = None,
    request: SummaryRequest | None = None,
    *,
    n_threads: int = 1,
) -> ScenarioSummary:
    """Draw scenarios and summarise them.

    Args:
        sampler: Who draws.
        prices: History from ``read_prices``; rows after ``as_of`` change nothing.
        portfolio: Equal weights of the model's assets if not given.
        request: Default ``SummaryRequest()``.
        n_threads: Blocks of paths drawn at once; changes no figure.

    Raises:
        UnknownAssetError: If the prices or the model lack an asset.
        RequestError: If horizon, paths or date are out of range.
    """
    request = request or SummaryRequest()
    drawn = with_drift(sampler, request.drift).sample(
        prices,
        request.horizon,
        request.n_paths,
        seed=request.seed,
        as_of=request.as_of,
        n_threads=n_threads,
    )
    return summarised(drawn, portfolio or equal_weights(sampler.assets), request)


def summarised(
    scenarios: ScenarioSet, portfolio: Portfolio, request: SummaryRequest
) -> ScenarioSummary:
    """A summary of scenarios that are drawn, weighted or not.

    Raises:
        RequestError: If an asset is named twice.
        UnknownAssetError: If there is no such asset.
    """
    names = request.assets or scenarios.assets[:MOST_ASSETS]
    places = scenarios.header.places(names)
    _check_quantiles(request.quantiles)
    if scenarios.header.kind == "level":
        changes = scenarios.log_returns.double().cumsum(1)
        paths = {name: changes[..., place] for name, place in zip(names, places, strict=True)}
        return ScenarioSummary(scenarios, portfolio, request, paths, {})
    growth = scenarios.log_returns.double().cumsum(1).exp_()
    wealth = dict(_wealth(growth, portfolio.weights_of(scenarios.assets), names, places))
    return ScenarioSummary(
        scenarios=scenarios,
        portfolio=portfolio,
        request=request,
        paths={name: values - 1 for name, values in wealth.items()},
        drawdowns={name: max_drawdown(values) for name, values in wealth.items()},
    )


def _wealth(
    growth: Float[Tensor, "n_paths horizon n_assets"],
    weights: Float[Tensor, " n_assets"],
    names: Sequence[str],
    places: Sequence[int],
) -> Iterator[tuple[str, Values]]:
    """Value of 1 put into the portfolio, bought and held, and into each asset."""
    yield PORTFOLIO, 1 + (growth - 1) @ weights
    yield from zip(names, growth[..., places].movedim(2, 0).contiguous(), strict=True)


def _plain(found: Sequence[Estimate]) -> list[dict[str, Any]]:
    return [
        {"estimate": one.estimate, "mc_se": one.mc_se, "model_se": one.model_se} for one in found
    ]


def _steps(horizon: int) -> list[int]:
    """Steps that are shown, counted from 0; the last one among them."""
    if horizon <= MOST_STEPS:
        return list(range(horizon))
    return sorted({round(horizon * part / MOST_STEPS) - 1 for part in range(1, MOST_STEPS + 1)})


def _check_quantiles(levels: Sequence[float]) -> None:
    if not levels or list(levels) != sorted(set(levels)):
        given = ", ".join(f"{level:g}" for level in levels) or "none"
        raise RequestError(f"quantiles must be one or more rising levels, got {given}")
