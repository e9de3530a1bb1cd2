import json

import pytest
import torch
from controls import garch_market, truth

from fingan.data.returns import log_returns
from fingan.errors import InsufficientSupportError, RequestError, UnknownAssetError
from fingan.pipeline import load_model
from fingan.risk.portfolio import Portfolio, equal_weights
from fingan.scenarios.baselines import baseline
from fingan.stress.comparators import gaussian_moves
from fingan.stress.conditional import conditional_stress
from fingan.stress.conditions import constraints_of, figures_of, parse_shock
from fingan.stress.request import StressRequest

HORIZON = 6


def request(*shocks, over=4, **settings):
    asked = tuple(parse_shock(text, over) for text in shocks)
    settings = {"horizon": HORIZON, "n_pool": 40_000, "comparators": ()} | settings
    return StressRequest(shocks=asked, **settings)


@pytest.fixture(scope="module")
def market():
    return garch_market(900, 3, 2)


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store)


@pytest.fixture(scope="module")
def stressed(sampler, garch_prices):
    """A shock about four standard deviations away, which a pool can hardly meet."""
    return conditional_stress(
        sampler,
        garch_prices,
        equal_weights(sampler.assets),
        request("BAKER=-0.08", n_pool=40_000, comparators=("fhs-gjr",)),
    )


@pytest.mark.parametrize("shock", ["A01=-0.04", "A01<=-0.03", "A01=-0.04..0.01"])
def test_a_gaussian_market_has_its_closed_form_conditional_mean(market, shock):
    law = baseline("gaussian", market)
    found = conditional_stress(law, market, equal_weights(law.assets), request(shock))
    days = log_returns(market).values.double()
    constraints = constraints_of([parse_shock(shock, 4)], law.assets, HORIZON)
    exact = gaussian_moves(days.mean(0), days.T.cov(), constraints, HORIZON)
    for asset, mean in zip(law.assets, exact.tolist(), strict=True):
        estimate = found.assets[asset].conditional["mean"]
        assert abs(estimate.estimate - mean) < 4 * estimate.mc_se + 1e-4
    assert found.method == "pool"


def test_a_garch_market_has_the_conditional_law_that_brute_force_finds(market):
    law = truth(market)
    found = conditional_stress(law, market, equal_weights(law.assets), request("A01=-0.025"))
    brute = law.sample(market, HORIZON, 150_000, seed=99).log_returns
    constraints = constraints_of([parse_shock("A01=-0.025", 4)], law.assets, HORIZON)
    near = (figures_of(brute, constraints)[:, 0] + 0.025).abs() < 0.001
    moves = brute[near].double().sum(1).expm1()
    assert near.sum() > 500
    for place, asset in enumerate(law.assets):
        own = found.assets[asset].conditional
        for name, value in (("mean", moves.mean(0)), ("volatility", moves.std(0))):
            error = moves[:, place].std() / len(moves) ** 0.5
            apart = abs(own[name].estimate - float(value[place]))
            assert apart < 4 * (own[name].mc_se ** 2 + float(error) ** 2) ** 0.5 + 5e-4


def test_a_rare_shock_is_searched_met_and_weighted(stressed):
    assert stressed.method == "search"
    assert stressed.ess >= 200
    (constraint,) = stressed.constraints
    assert constraint.reached.estimate == pytest.approx(-0.08, abs=constraint.tolerance / 10)
    assert float(stressed.scenarios.weights.sum()) == pytest.approx(1)


@pytest.mark.slow
def test_the_search_gives_the_law_that_a_large_pool_gives(sampler, garch_prices):
    portfolio = equal_weights(sampler.assets)
    searched = conditional_stress(
        sampler,
        garch_prices,
        portfolio,
        request("BAKER<=-0.06", horizon=4, min_ess=150, n_pool=12_000),
    )
    pooled = conditional_stress(
        sampler,
        garch_prices,
        portfolio,
        request("BAKER<=-0.06", horizon=4, search=False, n_pool=40_000, seed=9, min_ess=20),
    )
    assert (searched.method, pooled.method) == ("search", "pool")
    for a, b in [
        (searched.portfolio.conditional["mean"], pooled.portfolio.conditional["mean"]),
        (searched.plausibility.probability, pooled.plausibility.probability),
    ]:
        assert abs(a.estimate - b.estimate) < 4 * (a.mc_se**2 + b.mc_se**2) ** 0.5
    ours, theirs = searched.plausibility.probability, pooled.plausibility.probability
    assert ours.mc_se < theirs.mc_se


def test_contributions_add_up_to_the_portfolios_mean(stressed):
    parts = sum(one.estimate for one in stressed.contributions.values())
    assert parts == pytest.approx(stressed.portfolio.conditional["mean"].estimate)


def test_the_condition_bites(stressed):
    assert stressed.bites["asset"] != "BAKER"
    assert stressed.bites["standard_errors"] < -5
    assert stressed.assets["BAKER"].move.estimate < stressed.bites["move"]["estimate"] < 0


def test_a_shock_without_support_is_refused_with_what_was_reached(market):
    law = baseline("historical", market)
    with pytest.raises(InsufficientSupportError, match=r"at least 200 .* got 0 of .*'A01' -"):
        conditional_stress(law, market, equal_weights(law.assets), request("A01=-0.80"))


def test_a_position_or_baseline_that_does_not_exist_is_refused(market):
    law = baseline("gaussian", market)
    unknown = Portfolio(("NOPE",), torch.ones(1, dtype=torch.float64))
    with pytest.raises(UnknownAssetError, match="'NOPE'"):
        conditional_stress(law, market, unknown, request("A01=-0.02"))
    with pytest.raises(RequestError, match="'fhs'"):
        conditional_stress(
            law, market, equal_weights(law.assets), request("A01=-0.02", comparators=("fhs",))
        )


def test_every_answer_is_json_with_errors_and_comparators(stressed):
    record = json.loads(json.dumps(stressed.record(), allow_nan=False))
    names = [one["name"] for one in record["comparators"]]
    assert names[2:] == ["fhs-gjr", "historical analogues"]
    assert record["portfolio"]["conditional"]["mean"]["mc_se"] > 0
    assert 0 < record["plausibility"]["noise_percentile"] < 1
    assert record["plausibility"]["noise_shift"] > 1
    assert len(record["plausibility"]["nearest"]) == 3


def test_the_same_request_gives_the_same_answer_on_any_number_of_threads(market):
    law = baseline("gaussian", market)
    portfolio = equal_weights(law.assets)
    one, two = (
        conditional_stress(law, market, portfolio, request("A01=-0.03"), n_threads=n)
        for n in (1, 2)
    )
    assert one.record() == two.record()


def test_a_shock_that_no_training_window_holds_is_warned_of(market):
    law = truth(market)
    days = log_returns(market).values.double().unfold(0, HORIZON, 1).sum(-1).expm1()
    least = float(days[:, 1].min())
    shock = request(f"A01<={1.02 * least}", over=HORIZON, min_ess=1, n_pool=100_000)
    found = conditional_stress(law, market, equal_weights(law.assets), shock)
    assert "beyond the training range" in found.plausibility.warnings[0]
