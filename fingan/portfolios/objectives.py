"""What an optimisation asks for, and the skfolio estimator that answers it.

skfolio optimises over one period: the rows that it is given are alternatives, not days in a
row. Measures of a path would be computed as if the scenarios followed each other, so they are no
objectives here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from jaxtyping import Float
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from fingan.config import Config
from fingan.errors import RequestError, UnknownAssetError
from fingan.risk import influences
from fingan.risk.estimates import Measure, Measured, Weights, difference, ratio
from fingan.scenarios.drift_policy import DriftPolicy
from fingan.scenarios.samplers import MAX_SEED

Objective = Literal["min-cvar", "mean-cvar", "risk-budgeting", "max-sharpe", "min-variance"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
MEASURES: dict[Objective, str] = {
    "min-cvar": "expected_shortfall",
    "mean-cvar": "mean less expected_shortfall",
    "risk-budgeting": "expected_shortfall",
    "max-sharpe": "sharpe_ratio",
    "min-variance": "volatility",
}
HIGHER_IS_BETTER = ("mean-cvar", "max-sharpe")
RANK_MEANS = ("mean-cvar", "max-sharpe")  # what a drift that is alike for all leaves meaningless
COST_BLIND = ("min-variance", "risk-budgeting")  # skfolio leaves costs out of these
OF_A_PATH = ("cdar", "drawdown", "ulcer", "edar", "calmar")
BASIS_POINT = 1e-4
ROUNDING = 1e-6  # by which budgets may miss 1

Fraction = Annotated[float, Field(ge=0)]


class OptimizeRequest(Config):
    """Which weights, on which scenarios."""

    objective: Objective = "min-cvar"
    """What the weights make smallest or largest."""
    horizon: Annotated[int, Field(ge=1)] = 21
    """Steps that the weights are held, without trading."""
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Confidence level of the expected shortfall."""
    n_paths: Annotated[int, Field(ge=200)] = 10_000
    """Scenarios."""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    """Same seed, same weights."""
    as_of: str | None = None
    """Last date of the history that the scenarios continue; the last row if not given."""
    drift: DriftPolicy = "neutral"
    """What is assumed of expected returns."""
    rate: float = 0.0
    """Simple return per step of cash, and of every asset under the neutral drift."""
    risk_aversion: Annotated[float, Field(gt=0)] = 1.0
    """What a unit of expected shortfall costs in mean return, of ``mean-cvar``."""
    risk_budget: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Share of the risk by asset, of ``risk-budgeting``; the others divide the rest equally."""
    min_weight: float = 0.0
    """Least weight of an asset; below 0 allows short positions."""
    max_weight: Annotated[float, Field(gt=0)] = 1.0
    """Largest weight of an asset."""
    max_short: Annotated[float, Field(gt=0)] | None = None
    """Largest sum of the short positions."""
    max_turnover: Fraction | None = None
    """Largest change of one weight from the previous ones."""
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Assets by the name of a group, for constraints."""
    constraints: tuple[str, ...] = ()
    """As skfolio writes them: ``"AAPL >= 0.05"``, ``"energy <= 0.2"``."""
    costs_bps: Fraction = 10.0
    """Cost of trading, in basis points of what is traded from the previous weights."""
    frontier: Annotated[int, Field(ge=0, le=100)] = 0
    """Portfolios along the frontier of mean return and expected shortfall; 0 for none."""

    @field_validator("objective", mode="before")
    @classmethod
    def _is_no_measure_of_a_path(cls, objective: Any) -> Any:
        if isinstance(objective, str) and any(word in objective.lower() for word in OF_A_PATH):
            raise ValueError(_path_measure(objective))
        return objective

    @model_validator(mode="after")
    def _fits_together(self) -> "OptimizeRequest":
        if self.min_weight > self.max_weight:
            raise ValueError(
                f"min_weight must not exceed max_weight, {self.max_weight}, got {self.min_weight}"
            )
        if self.drift == "neutral" and (self.objective in RANK_MEANS or self.frontier):
            asked = (
                f"objective '{self.objective}'" if self.objective in RANK_MEANS else "a frontier"
            )
            raise ValueError(
                f"{asked} weighs expected returns against each other, and drift 'neutral' makes"
                " them alike, so that only sampling noise would be ranked; take 'min-cvar', or"
                " drift 'shrunk', 'equilibrium' or 'model'"
            )
        if self.objective == "risk-budgeting" and self.min_weight < 0:
            raise ValueError(
                f"min_weight must be at least 0 for 'risk-budgeting', got {self.min_weight}"
            )
        return self

    @property
    def cash_return(self) -> float:
        """Simple return of cash over the horizon."""
        return math.expm1(self.horizon * math.log1p(self.rate))


def check_objective(objective: str) -> None:
    """Refuse what is no objective, with the reason.

    Raises:
        RequestError: If it is a measure of a path, or unknown.
    """
    if any(word in objective.lower() for word in OF_A_PATH):
        raise RequestError(_path_measure(objective))
    if objective not in OBJECTIVES:
        raise RequestError(f"objective must be one of {', '.join(OBJECTIVES)}, got '{objective}'")


def optimizer(
    request: OptimizeRequest,
    assets: Sequence[str],
    previous: Mapping[str, float] | None = None,
    *,
    cost_share: float = 1.0,
    prior: Any = None,
) -> Any:
    """The skfolio estimator of an objective; ``fit`` it on simple returns.

    Args:
        request: Objective and constraints.
        assets: Columns of the returns.
        previous: Weights now; None for cash.
        cost_share: Part of a trade's cost that falls on the span of one row: 1 where a row is the
            whole time that the weights are held.
        prior: An estimator of skfolio; default the rows themselves.

    Raises:
        RequestError: If the limits leave no portfolio.
        UnknownAssetError: If a group or a budget names an asset that is not there.
    """
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction, RiskBudgeting

    shared = _limits(request, assets) | {
        "prior_estimator": prior,
        "cvar_beta": request.level,
        "transaction_costs": request.costs_bps * BASIS_POINT * cost_share,
        "previous_weights": [(previous or {}).get(asset, 0.0) for asset in assets],
        "risk_free_rate": request.cash_return * cost_share,
    }
    if request.objective == "risk-budgeting":
        budget = _budget(request, assets)
        return RiskBudgeting(risk_measure=RiskMeasure.CVAR, risk_budget=budget, **shared)
    function, measure = {
        "min-cvar": (ObjectiveFunction.MINIMIZE_RISK, RiskMeasure.CVAR),
        "mean-cvar": (ObjectiveFunction.MAXIMIZE_UTILITY, RiskMeasure.CVAR),
        "max-sharpe": (ObjectiveFunction.MAXIMIZE_RATIO, RiskMeasure.STANDARD_DEVIATION),
        "min-variance": (ObjectiveFunction.MINIMIZE_RISK, RiskMeasure.VARIANCE),
    }[request.objective]
    return MeanRisk(
        function,
        measure,
        risk_aversion=request.risk_aversion,
        max_short=request.max_short,
        max_turnover=request.max_turnover,
        **shared,
    )


def objective_of(request: OptimizeRequest, cost: float = 0.0) -> Measure:
    """What the objective makes smallest or largest, of returns over the horizon net of a cost."""

    def measured(returns: Float[Tensor, " n_paths"], weights: Weights) -> Measured:
        net = returns - cost
        mean = influences.mean(net - request.cash_return, weights)
        match request.objective:
            case "min-cvar" | "risk-budgeting":
                return influences.expected_shortfall(-net, request.level, weights)
            case "mean-cvar":
                shortfall = influences.expected_shortfall(-net, request.level, weights)
                scaled = Measured(*(request.risk_aversion * part for part in shortfall[:2]))
                return difference(influences.mean(net, weights), scaled)
            case "max-sharpe":
                return ratio(mean, influences.volatility(net, weights))
            case "min-variance":
                return influences.volatility(net, weights)

    return measured


def _limits(request: OptimizeRequest, assets: Sequence[str]) -> dict[str, Any]:
    """Bounds and constraints in skfolio's words."""
    if request.max_weight * len(assets) < 1 or request.min_weight * len(assets) > 1:
        name = "max_weight" if request.max_weight * len(assets) < 1 else "min_weight"
        side = "at least" if name == "max_weight" else "at most"
        raise RequestError(
            f"{name} must be {side} {1 / len(assets):.4g} for {len(assets)} weights that sum to 1,"
            f" got {getattr(request, name)}"
        )
    limits: dict[str, Any] = {
        "min_weights": request.min_weight,
        "max_weights": request.max_weight,
        "linear_constraints": list(request.constraints) or None,
    }
    for name, members in request.groups.items():
        _check_known(members, assets, f"group '{name}'")
    if request.groups:
        limits["groups"] = {
            asset: [
                name if asset in members else f"not in {name}"
                for name, members in request.groups.items()
            ]
            for asset in assets
        }
    return limits


def _budget(request: OptimizeRequest, assets: Sequence[str]) -> dict[str, float]:
    """Shares of the risk; assets that are not named divide what is left equally."""
    _check_known(request.risk_budget, assets, "risk_budget")
    total, n_left = sum(request.risk_budget.values()), len(assets) - len(request.risk_budget)
    if (n_left and total >= 1) or (not n_left and abs(total - 1) > ROUNDING):
        must = "leave something for the other assets" if n_left else "sum to 1"
        raise RequestError(f"risk_budget must {must}, got a sum of {total:.4g}")
    left = {asset: (1 - total) / n_left for asset in assets if asset not in request.risk_budget}
    return request.risk_budget | left


def _check_known(names: Iterable[str], assets: Sequence[str], place: str) -> None:
    for name in names:
        if name not in assets:
            held = ", ".join(assets[:8]) + (" ..." if len(assets) > 8 else "")
            raise UnknownAssetError(f"asset '{name}' of {place} is not in the model; it has {held}")


def _path_measure(objective: str) -> str:
    return (
        f"objective must not be a measure of a path, got '{objective}': skfolio would take the"
        " scenarios for days in a row; take 'min-cvar', whose result holds the drawdowns along"
        " each path"
    )
