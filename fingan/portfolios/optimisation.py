"""Weights that are best on scenarios, how well they are known, and what they do on other ones.

skfolio finds the weights; what is said of them is measured on scenarios of another seed, because
an optimum flatters itself on the rows that it was chosen on.

Source: Michaud (1989), The Markowitz optimization enigma: is optimized optimal?
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.errors import RequestError
from fingan.portfolios.figures import Figure, PortfolioPaths
from fingan.portfolios.objectives import (
    BASIS_POINT,
    COST_BLIND,
    HIGHER_IS_BETTER,
    MEASURES,
    OptimizeRequest,
    objective_of,
    optimizer,
)
from fingan.risk import influences
from fingan.risk.estimates import (
    COVERED,
    Estimate,
    Members,
    as_estimate,
    difference,
    estimated,
)
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet

ANOTHER_SEED = 1 << 63  # turns a seed into that of the scenarios on which weights are judged
PIECES = 10  # parts of the scenarios whose optima show how far weights scatter
FEWEST_ROWS = 100  # of a part
DUST = 1e-5  # a weight that the solver did not bring to 0
LOSS_OVER = (0.05, 0.10)

Returns = Float[Tensor, "n_paths n_assets"]
AssetWeights = Float[Tensor, " n_assets"]


@dataclass(frozen=True)
class Holding:
    """One weight of the optimum."""

    asset: str
    weight: Estimate
    previous: float

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"asset": self.asset, "previous": self.previous, **self.weight.record()}


@dataclass(frozen=True)
class Alternative:
    """Other weights under the same objective, on the same scenarios."""

    name: str
    objective: Estimate
    difference: Estimate
    """The optimum's less this one's, paired."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "objective": self.objective.record(),
            "difference": self.difference.record(),
        }


@dataclass(frozen=True)
class FrontierPoint:
    """One portfolio of the frontier."""

    mean: Estimate
    expected_shortfall: Estimate
    weights: dict[str, float]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "mean": self.mean.record(),
            "expected_shortfall": self.expected_shortfall.record(),
            "weights": self.weights,
        }


@dataclass(frozen=True)
class Optimum:
    """The weights and what is known of them."""

    model: str
    as_of: str
    fitted_until: str
    request: OptimizeRequest
    portfolio: Portfolio
    holdings: tuple[Holding, ...]
    """Largest first."""
    objective: Estimate
    """On scenarios that the weights were not chosen on, net of the cost of getting there."""
    in_sample: float
    """On those that they were chosen on."""
    turnover: float
    """Sum of the changes from the previous weights, without sign."""
    cost: float
    alternatives: tuple[Alternative, ...]
    figures: tuple[Figure, ...]
    """Of the portfolio, drawdowns along each path among them; before costs."""
    frontier: tuple[FrontierPoint, ...]
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "model": self.model,
            "as_of": self.as_of,
            "fitted_until": self.fitted_until,
            "request": self.request.model_dump(mode="json"),
            "weights": [holding.record() for holding in self.holdings],
            "objective": {
                "measure": MEASURES[self.request.objective],
                "is_higher_better": self.request.objective in HIGHER_IS_BETTER,
                **self.objective.record(),
                "in_sample": self.in_sample,
            },
            "turnover": self.turnover,
            "cost": self.cost,
            "alternatives": [other.record() for other in self.alternatives],
            "figures": [figure.record() for figure in self.figures],
            "frontier": [point.record() for point in self.frontier],
            "notes": list(self.notes),
        }


def optimise(
    sampler: Sampler,
    prices: pd.DataFrame,
    request: OptimizeRequest,
    previous: Portfolio | None = None,
) -> Optimum:
    """Find the best weights on scenarios and judge them on others.

    Args:
        sampler: Who draws: the trained model or a baseline.
        prices: History from ``read_prices``.
        request: Objective, limits, scenarios.
        previous: What is held now; None for cash.

    Raises:
        RequestError: If no portfolio meets the limits, or the prices are levels.
        UnknownAssetError: If a group, a budget or ``previous`` names an unknown asset.
    """
    _check_kind(sampler)
    drawn = with_drift(sampler, request.drift, rate=request.rate)
    arguments = (prices, request.horizon, request.n_paths)
    chosen_on = drawn.sample(*arguments, seed=request.seed, as_of=request.as_of)
    judged_on = drawn.sample(*arguments, seed=request.seed ^ ANOTHER_SEED, as_of=request.as_of)
    now = torch.zeros(len(sampler.assets)).double()
    now = now if previous is None else previous.weights_of(sampler.assets)

    held = dict(zip(sampler.assets, now.tolist(), strict=True))
    weights = solve(chosen_on.terminal(), request, held)
    portfolio = Portfolio(sampler.assets, weights)
    turnover = float((weights - now).abs().sum())
    cost = turnover * request.costs_bps * BASIS_POINT
    measure = objective_of(request, cost)
    paths = PortfolioPaths.of(judged_on, weights)
    in_sample = measure(chosen_on.terminal() @ weights, None).value
    return Optimum(
        model=sampler.reference,
        as_of=judged_on.metadata["as_of"],
        fitted_until=f"{sampler.fitted_until:%Y-%m-%d}",
        request=request,
        portfolio=portfolio,
        holdings=_holdings(chosen_on, request, held, weights),
        objective=paths.estimate(measure, paths.wealth[:, -1] - 1),
        in_sample=float(in_sample),
        turnover=turnover,
        cost=cost,
        alternatives=_alternatives(
            judged_on, request, weights, None if previous is None else now, cost
        ),
        figures=tuple(paths.figures((request.level,), LOSS_OVER)),
        frontier=_frontier(chosen_on, judged_on, request, held),
        notes=_notes(sampler, request, judged_on, previous),
    )


def solve(
    returns: Returns,
    request: OptimizeRequest,
    previous: Mapping[str, float],
    *,
    cost_share: float = 1.0,
    prior: Any = None,
) -> AssetWeights:
    """The best weights on rows of simple returns; arguments as for ``optimizer``.

    Raises:
        RequestError: If no portfolio meets the limits.
    """
    assets = list(previous)
    estimator = optimizer(request, assets, previous, cost_share=cost_share, prior=prior)
    weights = _fitted(estimator, pd.DataFrame(returns.numpy(), columns=assets)).weights_
    return _cleaned(torch.from_numpy(weights.copy()).double())


def _fitted(estimator: Any, table: pd.DataFrame) -> Any:
    from skfolio.exceptions import EquationToMatrixError, GroupNotFoundError, SkfolioError

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Solution may be inaccurate")
            warnings.filterwarnings("error", "Wrong pattern encountered")  # else left out
            return estimator.fit(table)
    except (UserWarning, EquationToMatrixError, GroupNotFoundError) as unread:
        text = " ".join(str(unread).split()).removeprefix("Wrong pattern encountered while ")
        given = ", ".join(f"'{line}'" for line in estimator.linear_constraints)
        raise RequestError(
            "constraints must be as 'AAPL >= 0.05' or 'energy <= 0.2', of assets and groups, got"
            f" {given}: {text}"
        ) from None
    except ValueError as failure:
        raise _meanless(failure) from None
    except SkfolioError as failure:
        raise RequestError(
            "the limits must leave a portfolio, but the solver finds none"
            f" ({type(failure).__name__}); loosen weights, turnover or constraints"
        ) from None


def _meanless(failure: ValueError) -> Exception:
    """The caller's mistake where mean returns leave nothing to choose; else the failure itself."""
    reasons = {
        "only negative expected returns": (
            "a frontier needs a portfolio whose mean return net of costs is positive, got none;"
            " take lower costs, a longer horizon or another drift"
        ),
        "under-performing your risk-free rate": (
            "'max-sharpe' needs an asset whose mean return is above that of cash, got none; take"
            " a lower rate, another drift or 'min-cvar'"
        ),
    }
    for words, sentence in reasons.items():
        if words in str(failure):
            return RequestError(sentence)
    return failure


def _cleaned(weights: AssetWeights) -> AssetWeights:
    """Without the solver's dust; the sum stays."""
    kept = torch.where(weights.abs() < DUST, 0.0, weights)
    return kept * (weights.sum() / kept.sum())


def _holdings(
    scenarios: ScenarioSet,
    request: OptimizeRequest,
    previous: Mapping[str, float],
    weights: AssetWeights,
) -> tuple[Holding, ...]:
    """Each weight with its errors: from optima of parts of the scenarios."""
    members = scenarios.members
    n_members = int(members.max()) + 1
    each = max(2, PIECES // n_members)
    is_enough = request.n_paths >= FEWEST_ROWS * n_members * each
    note = None if is_enough else f"no errors: parts of at least {FEWEST_ROWS} paths are needed"
    mc, model = torch.full_like(weights, torch.nan), None
    if is_enough:
        returns = scenarios.terminal()
        parts = [
            [solve(rows, request, previous) for rows in returns[members == number].chunk(each)]
            for number in range(n_members)
        ]
        mc, model = weight_errors(torch.stack([torch.stack(part) for part in parts]))
    holdings = []
    for place, (asset, weight) in enumerate(zip(previous, weights.tolist(), strict=True)):
        error = float(mc[place]) if is_enough else None
        found = Estimate(
            weight,
            error,
            None if error is None else weight - COVERED * error,
            None if error is None else weight + COVERED * error,
            None if model is None else float(model[place]),
            request.n_paths,
            note=note,
        )
        holdings.append(Holding(asset, found, previous[asset]))
    return tuple(sorted(holdings, key=lambda holding: -holding.weight.estimate))


def weight_errors(
    parts: Float[Tensor, "n_members n_parts n_assets"],
) -> tuple[AssetWeights, AssetWeights | None]:
    """Standard errors of weights, of another seed and of another training.

    Args:
        parts: Optima of equal parts of each generator's scenarios.

    Returns:
        The first, from how the parts of one generator differ; the second, from how the generators
        differ beyond that, None with one generator.

    Source: Asmussen & Glynn (2007), Stochastic simulation, section III.5, sectioning; Searle,
        Casella & McCulloch (1992), Variance components, section 3.6.
    """
    n_members, n_parts, _ = parts.shape
    within = parts.var(1).mean(0)
    monte_carlo = (within / (n_members * n_parts)).sqrt()
    if n_members < 2:
        return monte_carlo, None
    between = parts.mean(1).var(0) - within / n_parts
    return monte_carlo, (between.clamp(min=0) / n_members).sqrt()


def _alternatives(
    scenarios: ScenarioSet,
    request: OptimizeRequest,
    weights: AssetWeights,
    now: AssetWeights | None,
    cost: float,
) -> tuple[Alternative, ...]:
    """Equal weights, and what is held already, under the same objective."""
    returns, members = scenarios.terminal(), _members(scenarios)
    chosen = objective_of(request, cost)(returns @ weights, None)
    equal = torch.full_like(weights, 1 / len(weights))
    moved = equal if now is None else equal - now
    others = {"equal weights": (equal, float(moved.abs().sum()))}
    if now is not None:
        others["previous weights"] = (now, 0.0)
    found = []
    for name, (other, turnover) in others.items():
        measure = objective_of(request, turnover * request.costs_bps * BASIS_POINT)
        measured = measure(returns @ other, None)
        paired = as_estimate(difference(chosen, measured), None, members)
        found.append(Alternative(name, as_estimate(measured, None, members), paired))
    return tuple(found)


def _frontier(
    chosen_on: ScenarioSet,
    judged_on: ScenarioSet,
    request: OptimizeRequest,
    previous: Mapping[str, float],
) -> tuple[FrontierPoint, ...]:
    """Least expected shortfall for each mean, judged on other scenarios."""
    if not request.frontier:
        return ()
    wanted = request.model_copy(update={"objective": "min-cvar"})
    estimator = optimizer(wanted, list(previous), previous)
    estimator.set_params(efficient_frontier_size=request.frontier)
    table = pd.DataFrame(chosen_on.terminal().numpy(), columns=list(previous))
    rows = _fitted(estimator, table).weights_
    returns, members = judged_on.terminal(), _members(judged_on)
    shortfall = influences.at_level(influences.expected_shortfall, request.level)
    points = []
    for row in rows.reshape(-1, len(previous)):
        weights = _cleaned(torch.from_numpy(row.copy()).double())
        gains = returns @ weights
        points.append(
            FrontierPoint(
                estimated(influences.mean, gains, None, members),
                estimated(shortfall, -gains, None, members),
                dict(zip(previous, weights.tolist(), strict=True)),
            )
        )
    return tuple(points)


def _members(scenarios: ScenarioSet) -> Members:
    members: Int64[Tensor, " n_paths"] = scenarios.members
    return members if int(members.max()) else None


def _notes(
    sampler: Sampler, request: OptimizeRequest, scenarios: ScenarioSet, previous: Portfolio | None
) -> tuple[str, ...]:
    notes = []
    if request.drift == "model":
        notes.append("drift 'model': means as generated, mostly estimation noise")
    if pd.Timestamp(scenarios.metadata["as_of"]) < sampler.fitted_until:
        notes.append(f"in-sample: the model was fitted until {sampler.fitted_until:%Y-%m-%d}")
    if request.objective in COST_BLIND and request.costs_bps:
        notes.append(f"costs do not bear on the choice under '{request.objective}'")
    if previous is None:
        notes.append("bought from cash: without previous weights the cost is that of all of it")
    return tuple(notes)


def _check_kind(sampler: Sampler) -> None:
    if sampler.kind == "level":
        raise RequestError(
            f"model '{sampler.reference}' must be one of prices or returns, got levels: weights"
            " cannot be held in them"
        )
