"""Conditional stress: what goes with a shock, by the paths of a model on which it happens.

Paths are drawn until enough of them meet the shock, and weighted; where it is too rare for that,
they are drawn under a shift of the model's noise and weighted by the exact likelihood ratio too.
Below a least effective number of paths there is no answer. Beside it stand the same shock in a
Gaussian market, in filtered historical simulation, and in history itself.
"""

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.errors import InsufficientSupportError, UnknownAssetError
from fingan.risk import influences
from fingan.risk.estimates import COVERED, Estimate, Measure, estimated_each
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.stress.comparators import Comparator, comparators_of
from fingan.stress.plausibility import Plausibility, history_until, plausibility_of
from fingan.stress.pool import Draws, drawn
from fingan.stress.request import StressRequest

QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
MAIN = "mean"


@dataclass(frozen=True)
class Distribution:
    """What becomes of one return over the horizon: figures by name."""

    conditional: Mapping[str, Estimate]
    unconditional: Mapping[str, Estimate]
    move: Estimate
    """Conditional mean less unconditional mean."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "conditional": {name: one.record() for name, one in self.conditional.items()},
            "unconditional": {name: one.record() for name, one in self.unconditional.items()},
            "move": self.move.record(),
        }


@dataclass(frozen=True)
class MetConstraint:
    """One part of the condition and how it was met."""

    label: str
    reached: Estimate
    """Weighted mean of the shocked return."""
    error: float
    """Distance of that mean from the value or range, 0 within it; a simple return."""
    tolerance: float
    """Spread of the weights about a value; 0 for a bound, which every path keeps."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "label": self.label,
            "reached": self.reached.record(),
            "error": self.error,
            "tolerance": self.tolerance,
        }


@dataclass(frozen=True)
class ConditionalStress:
    """What goes with a shock."""

    request: StressRequest
    model: str
    as_of: str
    method: str
    """``pool``: the model's own paths; ``search``: under moved noise, weighted exactly."""
    scenarios: ScenarioSet
    """The paths that meet the shock, with their weights."""
    members: Int64[Tensor, " n_paths"]
    """The generator that drew each of them."""
    n_drawn: int
    ess: float
    constraints: tuple[MetConstraint, ...]
    portfolio: Distribution
    """Simple return over the horizon of the portfolio, bought and held."""
    assets: Mapping[str, Distribution]
    contributions: Mapping[str, Estimate]
    """Of each held position to the portfolio's conditional mean; they add up to it."""
    plausibility: Plausibility
    comparators: tuple[Comparator, ...]
    bites: Mapping[str, Any] | None
    """The return beside the shocked ones that the condition moves most surely, and how surely."""
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "model": self.model,
            "as_of": self.as_of,
            "request": self.request.model_dump(mode="json"),
            "method": self.method,
            "n_drawn": self.n_drawn,
            "n_paths": self.scenarios.n_paths,
            "ess": self.ess,
            "constraints": [one.record() for one in self.constraints],
            "portfolio": self.portfolio.record(),
            "assets": {name: one.record() for name, one in self.assets.items()},
            "contributions": {name: one.record() for name, one in self.contributions.items()},
            "plausibility": self.plausibility.record(),
            "comparators": [one.record() for one in self.comparators],
            "bites": None if self.bites is None else dict(self.bites),
            "notes": list(self.notes),
        }


def conditional_stress(
    sampler: Sampler,
    prices: pd.DataFrame,
    portfolio: Portfolio,
    request: StressRequest,
    *,
    n_threads: int = 1,
) -> ConditionalStress:
    """What goes with a shock under a model, with its plausibility and comparators.

    Args:
        sampler: A trained model or a baseline; only the former can search where paths are thin.
        prices: History from ``read_prices``.
        portfolio: Held without trading over the horizon.
        request: The shock and how to draw.
        n_threads: Blocks drawn at once; changes no value.

    Raises:
        InsufficientSupportError: If too few paths meet the shock.
        UnknownAssetError: If a shock or position is on an asset that the sampler does not have.
        RequestError: If a shock, horizon, date or baseline is out of range.

    Source: Owen (2013), Monte Carlo theory, methods and examples, section 9.2, for weighted paths;
        Nadaraya (1964), On estimating regression, equation 2, for weights about a value.
    """
    weights = _weights(portfolio, sampler)
    draws = drawn(sampler, prices, request, n_threads=n_threads)
    if draws.ess < request.min_ess:
        raise InsufficientSupportError(_too_thin(draws, request))
    header = draws.header
    as_of = header.metadata["as_of"]
    history = history_until(sampler, prices, as_of)
    scenarios = _scenarios(draws, request)
    conditional = scenarios.terminal()
    both = _Both(conditional, draws)
    assets = dict(zip(header.assets, both.distributions(conditional, draws.usual), strict=True))
    held = [place for place, weight in enumerate(weights.tolist()) if weight != 0]
    parts = both.means((conditional * weights)[:, held])
    comparators = comparators_of(
        prices, portfolio, history, draws.constraints, request, n_threads=n_threads
    )
    return ConditionalStress(
        request=request,
        model=sampler.reference,
        as_of=as_of,
        method="pool" if draws.ratios is None else "search",
        scenarios=scenarios,
        members=draws.members,
        n_drawn=draws.n_drawn,
        ess=draws.ess,
        constraints=_met(draws),
        portfolio=both.distributions(
            (conditional @ weights).unsqueeze(1), (draws.usual @ weights).unsqueeze(1)
        )[0],
        assets=assets,
        contributions=dict(zip([header.assets[place] for place in held], parts, strict=True)),
        plausibility=plausibility_of(sampler, draws, history, request),
        comparators=comparators,
        bites=_bites(assets, {one.asset for one in draws.constraints}),
        notes=_notes(sampler, draws),
    )


@dataclass(frozen=True)
class _Both:
    """Estimates of paths that meet the condition, and of those of the model's own law."""

    conditional: Tensor
    draws: Draws

    def distributions(
        self,
        conditional: Float[Tensor, "n_kept n_figures"],
        usual: Float[Tensor, "n_usual n_figures"],
    ) -> list[Distribution]:
        """One for each column."""
        usual_members = torch.arange(len(usual)) % self.draws.n_members
        given = {
            name: estimated_each(measure, conditional, self.draws.weights, self.draws.members)
            for name, measure in _measures().items()
        }
        before = {
            name: estimated_each(measure, usual, None, usual_members)
            for name, measure in _measures().items()
        }
        return [
            Distribution(
                {name: estimates[column] for name, estimates in given.items()},
                {name: estimates[column] for name, estimates in before.items()},
                _move(given[MAIN][column], before[MAIN][column]),
            )
            for column in range(conditional.shape[1])
        ]

    def means(self, values: Float[Tensor, "n_kept n_figures"]) -> list[Estimate]:
        """Weighted means."""
        return estimated_each(influences.mean, values, self.draws.weights, self.draws.members)


def _measures() -> dict[str, Measure]:
    shares: dict[str, Measure] = {name: _quantile(share) for name, share in QUANTILES.items()}
    return {MAIN: influences.mean, "volatility": influences.volatility, **shares}


def _quantile(share: float) -> Measure:
    return influences.at_level(influences.quantile, share)


def _move(given: Estimate, before: Estimate) -> Estimate:
    """The first less the second, of different paths."""
    value = given.estimate - before.estimate
    if given.mc_se is None or before.mc_se is None:
        return Estimate(value, None, None, None, None, given.n, given.ess, given.note)
    error = math.hypot(given.mc_se, before.mc_se)
    model = None
    if given.model_se is not None and before.model_se is not None:
        model = math.hypot(given.model_se, before.model_se)
    lower, upper = value - COVERED * error, value + COVERED * error
    return Estimate(value, error, lower, upper, model, given.n, given.ess)


def _weights(portfolio: Portfolio, sampler: Sampler) -> Float[Tensor, " n_assets"]:
    for asset in portfolio.held:
        if asset not in sampler.assets:
            held = ", ".join(sampler.assets[:8]) + (" ..." if len(sampler.assets) > 8 else "")
            raise UnknownAssetError(f"asset '{asset}' is not in the model; it has {held}")
    return portfolio.weights_of(sampler.assets)


def _scenarios(draws: Draws, request: StressRequest) -> ScenarioSet:
    """The paths that meet the condition; they are no longer in the generators' turns."""
    condition = {
        "shocks": [shock.model_dump(mode="json") for shock in request.shocks],
        "ess": draws.ess,
        "n_drawn": draws.n_drawn,
    }
    metadata = draws.header.metadata | {"n_generators": 1, "condition": condition}
    header = replace(draws.header, n_paths=len(draws.numbers), metadata=metadata)
    return ScenarioSet(header, draws.log_returns, draws.weights)


def _met(draws: Draws) -> tuple[MetConstraint, ...]:
    figures = draws.figures[draws.numbers]
    reached = estimated_each(influences.mean, figures, draws.weights, draws.members)
    return tuple(
        MetConstraint(
            one.label,
            mean,
            max(one.low - mean.estimate, mean.estimate - one.high, 0.0),
            width if one.is_value else 0.0,
        )
        for one, mean, width in zip(
            draws.constraints, reached, draws.kernel.bandwidths.tolist(), strict=True
        )
    )


def _bites(assets: Mapping[str, Distribution], shocked: Container[str]) -> dict[str, Any] | None:
    """The asset beside the shocked ones whose mean the condition moves by most standard errors."""
    scores = {
        name: one.move.estimate / one.move.mc_se
        for name, one in assets.items()
        if name not in shocked and one.move.mc_se
    }
    if not scores:
        return None
    most = max(scores, key=lambda name: abs(scores[name]))
    return {"asset": most, "move": assets[most].move.record(), "standard_errors": scores[most]}


def _too_thin(draws: Draws, request: StressRequest) -> str:
    """The refusal: what was reached, and the nearest that the model comes."""
    labels = " and ".join(one.label for one in draws.constraints)
    spans = ", ".join(
        f"'{one.asset}' {100 * float(column.min()):.1f} to {100 * float(column.max()):.1f} %"
        for one, column in zip(draws.constraints, draws.figures.T, strict=True)
    )
    how = "" if draws.ratios is None else " after a search in the model's noise"
    return (
        f"{labels}: at least {request.min_ess} effective paths must meet the shock, got"
        f" {draws.ess:.0f} of {draws.n_drawn:,}{how}; its paths reach {spans}; take a milder shock,"
        " a range, or more paths"
    )


def _notes(sampler: Sampler, draws: Draws) -> tuple[str, ...]:
    notes = []
    as_of, fitted = draws.header.metadata["as_of"], sampler.fitted_until
    if pd.Timestamp(as_of) < fitted:
        notes.append(f"in-sample: the model has seen rows up to {fitted:%Y-%m-%d}")
    if any(one.is_value for one in draws.constraints):
        notes.append(
            "a value is met in the mean, by paths about it; each constraint's tolerance is their"
            " spread"
        )
    return tuple(notes)
