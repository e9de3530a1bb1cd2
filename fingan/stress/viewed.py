"""A model's scenarios under views: means, volatilities, correlations, tails that shall hold.

The scenarios stay what they are and get the probabilities nearest to equal ones under which the
views hold (``fingan.risk.views``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveInt

from fingan.config import Config
from fingan.errors import InsufficientSupportError
from fingan.risk import influences
from fingan.risk.estimates import Estimate, Measure, estimated, estimated_each
from fingan.risk.portfolio import Portfolio
from fingan.risk.views import LEVEL, Pooled, View, pooled
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet

MEASURES: Mapping[str, Measure] = {
    "mean": influences.mean,
    "volatility": influences.volatility,
    "q05": influences.at_level(influences.quantile, 0.05),
    "q95": influences.at_level(influences.quantile, 0.95),
}


class ViewRequest(Config):
    """Views as they are asked for."""

    views: tuple[View, ...] = Field(min_length=1)
    """All of them shall hold, over the horizon."""

    horizon: PositiveInt = 20
    """Steps."""

    n_paths: int = Field(default=20_000, ge=1_000, le=200_000)
    """Scenarios whose probabilities are changed."""

    min_ess: PositiveInt = 200
    """Effective number of scenarios below which there is no answer."""

    seed: NonNegativeInt = 0
    """Of the paths."""

    as_of: str | None = None
    """Last date of the history that paths continue; the last row where not given."""


@dataclass(frozen=True)
class Viewed:
    """Scenarios under views."""

    request: ViewRequest
    model: str
    as_of: str
    scenarios: ScenarioSet
    """With their new probabilities."""
    found: Pooled
    portfolio: Mapping[str, tuple[Estimate, Estimate]]
    """Simple return over the horizon by measure: before the views, and under them."""
    assets: Mapping[str, tuple[Estimate, Estimate]]
    """Mean of each asset, before and under the views."""
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""

        def pair(both: tuple[Estimate, Estimate]) -> dict[str, Any]:
            return {"before": both[0].record(), "under_views": both[1].record()}

        views = zip(self.request.views, self.found.reached, strict=True)
        return {
            "model": self.model,
            "as_of": self.as_of,
            "request": self.request.model_dump(mode="json"),
            "views": [{"view": view.label, "reached": reached} for view, reached in views],
            "relative_entropy": self.found.relative_entropy,
            "ess": self.found.ess,
            "portfolio": {name: pair(both) for name, both in self.portfolio.items()},
            "assets": {name: pair(both) for name, both in self.assets.items()},
            "notes": list(self.notes),
        }


def viewed(
    sampler: Sampler, prices: pd.DataFrame, portfolio: Portfolio, request: ViewRequest
) -> Viewed:
    """A model's scenarios with the probabilities under which views hold.

    Args:
        sampler: A trained model or a baseline.
        prices: History from ``read_prices``.
        portfolio: Held without trading over the horizon.
        request: The views and how to draw.

    Raises:
        UnknownAssetError: If a view is on an asset that the sampler does not have.
        RequestError: If no probabilities satisfy all views.
        InsufficientSupportError: If they leave too few effective scenarios.
    """
    drawn = sampler.sample(
        prices, request.horizon, request.n_paths, seed=request.seed, as_of=request.as_of
    )
    terminal = drawn.terminal().double()
    found = pooled(terminal, drawn.assets, request.views)
    if found.ess < request.min_ess:
        labels = " and ".join(view.label for view in request.views)
        raise InsufficientSupportError(
            f"{labels}: at least {request.min_ess} effective paths must be left, got"
            f" {found.ess:.0f} of {request.n_paths:,}; take milder views or more paths"
        )
    held = terminal @ portfolio.weights_of(drawn.assets)
    before = estimated_each(influences.mean, terminal, None, drawn.members)
    under = estimated_each(influences.mean, terminal, found.weights, drawn.members)
    as_of = drawn.metadata["as_of"]
    seen = sampler.fitted_until
    notes = (f"in-sample: the model has seen rows up to {seen:%Y-%m-%d}",)
    return Viewed(
        request,
        sampler.reference,
        as_of,
        replace(drawn, weights=found.weights),
        found,
        {
            name: (
                estimated(measure, held, None, drawn.members),
                estimated(measure, held, found.weights, drawn.members),
            )
            for name, measure in MEASURES.items()
        },
        dict(zip(drawn.assets, zip(before, under, strict=True), strict=True)),
        (
            f"views are on simple returns over {request.horizon} steps; expected shortfall at"
            f" {LEVEL:.0%}",
            "errors are those of the paths under given probabilities, not of finding them",
            *(notes if pd.Timestamp(as_of) < seen else ()),
        ),
    )
