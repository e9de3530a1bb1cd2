"""Weights on scenarios: the law's own optimum is found, and errors are what replication shows."""

import json

import pandas as pd
import pytest
import torch

import fingan
from fingan.errors import RequestError
from fingan.portfolios.objectives import OptimizeRequest
from fingan.portfolios.optimisation import Optimum, optimise, solve, weight_errors
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.samplers import Sampler

QUICK = OptimizeRequest(n_paths=2_000, horizon=5)


@pytest.fixture(scope="module")
def gaussian(garch_prices: pd.DataFrame) -> Sampler:
    """A law whose optimum is known."""
    return fingan.baseline("gaussian", garch_prices)


@pytest.fixture(scope="module")
def optimum(gaussian: Sampler, garch_prices: pd.DataFrame) -> Optimum:
    """One result that several tests look at."""
    return optimise(gaussian, garch_prices, QUICK)


def test_weights_are_long_and_sum_to_one(optimum: Optimum) -> None:
    assert float(optimum.portfolio.weights.sum()) == pytest.approx(1)
    assert float(optimum.portfolio.weights.min()) >= 0
    found = {holding.asset: holding.weight.estimate for holding in optimum.holdings}
    assert found == dict(
        zip(optimum.portfolio.assets, optimum.portfolio.weights.tolist(), strict=True)
    )


def test_least_variance_of_independent_assets_is_inverse_to_it() -> None:
    draws = torch.randn(40_000, 3, generator=torch.Generator().manual_seed(1)).double()
    spread = torch.tensor([0.01, 0.02, 0.04], dtype=torch.float64)
    request = OptimizeRequest(objective="min-variance")
    weights = solve(draws * spread, request, dict.fromkeys("ABC", 0.0))
    expected = spread**-2 / (spread**-2).sum()
    torch.testing.assert_close(weights, expected, atol=0.01, rtol=0)


def test_equal_risk_of_independent_assets_is_inverse_to_their_volatility() -> None:
    draws = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(2)).double()
    request = OptimizeRequest(objective="risk-budgeting")
    weights = solve(draws * torch.tensor([0.01, 0.03]).double(), request, {"A": 0, "B": 0})
    assert float(weights[0]) == pytest.approx(0.75, abs=0.02)


def test_largest_sharpe_ratio_of_independent_assets() -> None:
    draws = torch.randn(40_000, 2, generator=torch.Generator().manual_seed(3)).double()
    returns = 0.01 * (draws - draws.mean(0)) + torch.tensor([0.001, 0.002]).double()
    request = OptimizeRequest(objective="max-sharpe", drift="model", costs_bps=0.0)
    weights = solve(returns, request, {"A": 0, "B": 0})
    assert float(weights[1]) == pytest.approx(2 / 3, abs=0.02)


def test_the_optimum_is_better_than_equal_weights_on_other_paths(optimum: Optimum) -> None:
    (equal,) = optimum.alternatives
    paired = equal.difference
    assert paired.estimate < 0
    assert paired.estimate == pytest.approx(
        optimum.objective.estimate - equal.objective.estimate, abs=1e-9
    )
    assert paired.mc_se is not None
    assert equal.objective.mc_se is not None
    assert paired.mc_se < equal.objective.mc_se


def test_an_optimum_flatters_itself_on_its_own_paths(
    gaussian: Sampler, garch_prices: pd.DataFrame
) -> None:
    flattery = []
    for seed in range(6):
        request = OptimizeRequest(n_paths=200, horizon=5, seed=seed)
        found = optimise(gaussian, garch_prices, request)
        flattery.append(found.objective.estimate - found.in_sample)
    assert sum(flattery) / len(flattery) > 0


def test_the_error_of_weights_is_what_other_seeds_show(
    gaussian: Sampler, garch_prices: pd.DataFrame
) -> None:
    runs = [
        optimise(gaussian, garch_prices, OptimizeRequest(n_paths=1_000, horizon=1, seed=seed))
        for seed in range(12)
    ]
    spread = torch.stack([run.portfolio.weights for run in runs]).std(0).mean()
    stated = torch.tensor([holding.weight.mc_se for run in runs for holding in run.holdings]).mean()
    assert 0.5 < float(stated / spread) < 2


def test_weight_errors_of_generators_that_differ_are_found_net_of_the_noise() -> None:
    generator = torch.Generator().manual_seed(4)
    own = 0.1 * torch.randn(200, 1, 1, generator=generator).double()
    noise = 0.05 * torch.randn(200, 4, 1, generator=generator).double()
    monte_carlo, model = weight_errors(own + noise)
    assert model is not None
    assert float(monte_carlo) == pytest.approx(0.05 / 800**0.5, rel=0.1)
    assert float(model) == pytest.approx(0.1 / 200**0.5, rel=0.15)
    assert weight_errors(noise[:1])[1] is None
    _, nothing = weight_errors(noise)
    assert nothing is not None
    assert float(nothing) < 0.002


def test_limits_hold(gaussian: Sampler, garch_prices: pd.DataFrame) -> None:
    request = OptimizeRequest(
        n_paths=1_000,
        max_weight=0.4,
        groups={"pair": ("ABLE", "BAKER")},
        constraints=("pair <= 0.3", "CHARLIE >= 0.38"),
    )
    weights = optimise(gaussian, garch_prices, request).portfolio.weights
    assert float(weights.max()) <= 0.4 + 1e-4
    assert float(weights[:2].sum()) <= 0.3 + 1e-4
    assert float(weights[2]) >= 0.38 - 1e-4


def test_shorts_are_held_to_their_sum(gaussian: Sampler, garch_prices: pd.DataFrame) -> None:
    request = OptimizeRequest(
        n_paths=500, min_weight=-1.0, max_short=0.1, constraints=("ABLE <= -0.05",)
    )
    weights = optimise(gaussian, garch_prices, request).portfolio.weights
    assert float(weights[0]) <= -0.05 + 1e-4
    assert float(weights.clamp(max=0).sum()) >= -0.1 - 1e-4


def test_dear_trading_keeps_the_previous_weights(
    gaussian: Sampler, garch_prices: pd.DataFrame
) -> None:
    held = Portfolio(gaussian.assets, torch.tensor([0.7, 0.1, 0.1, 0.1], dtype=torch.float64))
    turnover = {}
    for costs in (0.0, 5_000.0):
        request = QUICK.model_copy(update={"costs_bps": costs})
        found = optimise(gaussian, garch_prices, request, held)
        turnover[costs] = found.turnover
        assert found.cost == pytest.approx(found.turnover * costs * 1e-4)
    assert turnover[5_000.0] < 0.01 < 0.2 < turnover[0.0]


def test_a_constraint_on_what_does_not_exist_is_refused(
    gaussian: Sampler, garch_prices: pd.DataFrame
) -> None:
    request = QUICK.model_copy(update={"constraints": ("ABEL >= 0.1",)})
    with pytest.raises(RequestError, match=r"'ABEL >= 0.1': .*'ABEL' is missing"):
        optimise(gaussian, garch_prices, request)


def test_the_largest_ratio_of_assets_that_lose_is_refused() -> None:
    draws = torch.randn(500, 3, generator=torch.Generator().manual_seed(5)).double()
    losing = 0.01 * (draws - draws.mean(0)) - 0.001
    request = OptimizeRequest(objective="max-sharpe", drift="model")
    with pytest.raises(RequestError, match="needs an asset whose mean return is above that of"):
        solve(losing, request, dict.fromkeys("ABC", 0.0))


def test_a_constraint_that_cannot_be_read_is_refused(
    gaussian: Sampler, garch_prices: pd.DataFrame
) -> None:
    request = QUICK.model_copy(update={"constraints": ("ABLE 0.1",)})
    with pytest.raises(RequestError, match=r"constraints must be as 'AAPL >= 0.05'.*ABLE 0.1"):
        optimise(gaussian, garch_prices, request)


def test_limits_that_contradict_each_other_are_refused(
    gaussian: Sampler, garch_prices: pd.DataFrame
) -> None:
    request = QUICK.model_copy(update={"constraints": ("ABLE >= 0.9",), "max_weight": 0.5})
    with pytest.raises(RequestError, match="the limits must leave a portfolio"):
        optimise(gaussian, garch_prices, request)


def test_the_frontier_rises(gaussian: Sampler, garch_prices: pd.DataFrame) -> None:
    request = OptimizeRequest(n_paths=1_000, drift="equilibrium", costs_bps=0.0, frontier=4)
    points = optimise(gaussian, garch_prices, request).frontier
    assert len(points) == 4
    means = [point.mean.estimate for point in points]
    assert means == sorted(means)
    assert points[-1].expected_shortfall.estimate > points[0].expected_shortfall.estimate


def test_a_frontier_without_a_gain_is_refused(
    gaussian: Sampler, garch_prices: pd.DataFrame
) -> None:
    request = OptimizeRequest(n_paths=500, drift="equilibrium", costs_bps=900.0, frontier=4)
    with pytest.raises(RequestError, match="a frontier needs a portfolio whose mean return"):
        optimise(gaussian, garch_prices, request)


def test_an_ensemble_gives_its_model_error(
    garch_prices: pd.DataFrame, tiny_model: "object"
) -> None:
    model = fingan.load_model(tiny_model.reference, tiny_model.store)  # type: ignore[attr-defined]
    found = optimise(model, garch_prices, QUICK)
    assert all(holding.weight.model_se is not None for holding in found.holdings)
    assert found.objective.model_se is not None


def test_too_few_paths_for_errors_say_so(gaussian: Sampler, garch_prices: pd.DataFrame) -> None:
    found = optimise(gaussian, garch_prices, OptimizeRequest(n_paths=400))
    weight = found.holdings[0].weight
    assert weight.mc_se is None
    assert weight.note == "no errors: parts of at least 100 paths are needed"


def test_rows_after_as_of_change_nothing(garch_prices: pd.DataFrame) -> None:
    fitted = fingan.baseline("fhs-ewma", garch_prices.iloc[:500])
    request = OptimizeRequest(n_paths=300, as_of=f"{garch_prices.index[600]:%Y-%m-%d}")
    changed = garch_prices.copy()
    changed.iloc[601:] *= 2
    one, other = optimise(fitted, garch_prices, request), optimise(fitted, changed, request)
    assert one.record() == other.record()


def test_the_record_is_json_and_drawdowns_are_along_paths(optimum: Optimum) -> None:
    record = optimum.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    named = {figure["measure"]: figure["estimate"] for figure in record["figures"]}
    assert 0 < named["average_drawdown"] < named["max_drawdown"] < 1
    assert record["objective"]["measure"] == "expected_shortfall"
