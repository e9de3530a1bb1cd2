"""Objectives and limits: what is refused, and why."""

import math

import pytest
import torch
from pydantic import ValidationError

from fingan.errors import RequestError, UnknownAssetError
from fingan.portfolios.objectives import (
    OptimizeRequest,
    check_objective,
    objective_of,
    optimizer,
)

ASSETS = ("A", "B", "C", "D")


@pytest.mark.parametrize("name", ["min-cdar", "max-drawdown", "ulcer-index", "calmar"])
def test_a_measure_of_a_path_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(RequestError, match="scenarios for days in a row; take 'min-cvar'"):
        check_objective(name)
    with pytest.raises(ValidationError, match="scenarios for days in a row"):
        OptimizeRequest(objective=name)  # type: ignore[arg-type]


def test_an_unknown_objective_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=r"one of min-cvar, .*, got 'min-cvra'"):
        check_objective("min-cvra")


@pytest.mark.parametrize("objective", ["max-sharpe", "mean-cvar"])
def test_ranking_means_that_are_alike_is_refused(objective: str) -> None:
    with pytest.raises(ValidationError, match="only sampling noise would be ranked"):
        OptimizeRequest(objective=objective)  # type: ignore[arg-type]
    assert OptimizeRequest(objective=objective, drift="shrunk").drift == "shrunk"  # type: ignore[arg-type]


def test_a_frontier_of_means_that_are_alike_is_refused() -> None:
    with pytest.raises(ValidationError, match="a frontier weighs expected returns"):
        OptimizeRequest(frontier=5)


def test_limits_that_leave_no_portfolio_are_refused() -> None:
    with pytest.raises(RequestError, match=r"max_weight must be at least 0.25 for 4 .*, got 0.2"):
        optimizer(OptimizeRequest(max_weight=0.2), ASSETS)
    with pytest.raises(RequestError, match=r"min_weight must be at most 0.25 for 4 .*, got 0.3"):
        optimizer(OptimizeRequest(min_weight=0.3), ASSETS)
    with pytest.raises(ValidationError, match="min_weight must not exceed max_weight"):
        OptimizeRequest(min_weight=0.5, max_weight=0.4)


def test_unknown_assets_of_groups_and_budgets_are_named() -> None:
    with pytest.raises(UnknownAssetError, match="'Z' of group 'tech'"):
        optimizer(OptimizeRequest(groups={"tech": ("A", "Z")}), ASSETS)
    budget = OptimizeRequest(objective="risk-budgeting", risk_budget={"Z": 0.5})
    with pytest.raises(UnknownAssetError, match="'Z' of risk_budget"):
        optimizer(budget, ASSETS)


def test_budgets_must_leave_something_or_sum_to_one() -> None:
    def built(budget: dict[str, float]) -> dict[str, float]:
        request = OptimizeRequest(objective="risk-budgeting", risk_budget=budget)
        found: dict[str, float] = optimizer(request, ASSETS).risk_budget
        return found

    assert built({"A": 0.4}) == pytest.approx({"A": 0.4, "B": 0.2, "C": 0.2, "D": 0.2})
    with pytest.raises(RequestError, match="leave something for the other assets, got a sum of 1"):
        built({"A": 1.0})
    with pytest.raises(RequestError, match="sum to 1, got a sum of 2"):
        built(dict.fromkeys(ASSETS, 0.5))


def test_the_cost_falls_on_one_row_in_part() -> None:
    request = OptimizeRequest(costs_bps=21.0)
    assert optimizer(request, ASSETS, cost_share=1 / 21).transaction_costs == pytest.approx(1e-4)


def test_cash_compounds_over_the_horizon() -> None:
    assert OptimizeRequest(rate=0.01, horizon=2).cash_return == pytest.approx(0.0201)


def test_objectives_of_a_normal_law_are_those_of_the_formulas() -> None:
    draws = torch.special.ndtri((torch.arange(400_000).double() + 0.5) / 400_000)
    returns, cost = 0.01 + 0.02 * draws, 0.001
    shortfall = 0.02 * math.exp(-0.5 * 1.6448536**2) / math.sqrt(2 * math.pi) / 0.05 - 0.009
    expected = {
        "min-cvar": shortfall,
        "risk-budgeting": shortfall,
        "mean-cvar": 0.009 - 2 * shortfall,
        "max-sharpe": 0.45,
        "min-variance": 0.02,
    }
    for name, value in expected.items():
        request = OptimizeRequest(objective=name, drift="model", risk_aversion=2.0)  # type: ignore[arg-type]
        found = objective_of(request, cost)(returns, None)
        assert float(found.value) == pytest.approx(value, rel=1e-3), name
        assert found.influence.mean().abs() < 1e-9
