import json
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

import fingan
from fingan.errors import RequestError, UnknownAssetError
from fingan.portfolios.risk_statement import ONE_LAW, RiskRequest, portfolio_risk, risk_statement
from fingan.risk.measures import expected_shortfall, value_at_risk
from fingan.risk.portfolio import Portfolio, equal_weights
from fingan.scenarios.baselines import baseline

SMALL = RiskRequest(n_paths=600, horizon=5, baselines=("historical",))
HELD = Portfolio(("DOG", "ABLE"), torch.tensor([0.7, 0.3], dtype=torch.float64))


@pytest.fixture(scope="module")
def gaussian(garch_prices):
    return baseline("gaussian", garch_prices)


@pytest.fixture(scope="module")
def statement(gaussian, garch_prices):
    return risk_statement(gaussian, garch_prices, HELD, SMALL)


def test_figures_are_of_the_portfolio_bought_and_held(statement, gaussian, garch_prices):
    drawn = gaussian.sample(garch_prices, 5, 600, seed=0)
    losses = -(drawn.terminal()[:, 3] * 0.7 + drawn.terminal()[:, 0] * 0.3)
    for level in (0.95, 0.975, 0.99):
        for measure in (value_at_risk, expected_shortfall):
            found = statement.model.figure(measure.__name__, level=level)
            assert found.estimate == pytest.approx(float(measure(losses, level)))
            assert found.lower < found.estimate < found.upper
    share = statement.model.figure("probability_of_loss", over=0.05).estimate
    assert share == pytest.approx(float((losses > 0.05).double().mean()))
    assert statement.model.figure("mean").estimate == pytest.approx(-float(losses.mean()))


def test_positions_add_up_to_the_figures(statement):
    attribution = statement.model.attribution
    whole = statement.model.figure("expected_shortfall", level=0.975).estimate
    assert sum(one.component.estimate for one in attribution.positions) == pytest.approx(whole)
    of_var = statement.model.figure("value_at_risk", level=0.975).estimate
    assert sum(one.value_at_risk.estimate for one in attribution.positions) == pytest.approx(of_var)
    first, second = attribution.positions
    assert {first.asset: first.weight, second.asset: second.weight} == {"DOG": 0.7, "ABLE": 0.3}
    assert first.component.estimate > second.component.estimate
    assert first.marginal.estimate == pytest.approx(first.component.estimate / first.weight)
    assert first.incremental.estimate == pytest.approx(whole - second.standalone.estimate)
    assert attribution.diversification_ratio.estimate >= 1


def test_baselines_answer_the_same_question(statement):
    (historical,) = statement.baselines
    asked = [(one.measure, one.level, one.over) for one in statement.model.figures]
    assert [(one.measure, one.level, one.over) for one in historical.figures] == asked
    assert historical.notes == (ONE_LAW,)


def test_baselines_know_no_row_after_as_of(garch_prices, gaussian):
    """Prices that end there give the same statement."""
    request = SMALL.model_copy(update={"as_of": "2016-12-30"})
    whole = risk_statement(gaussian, garch_prices, HELD, request)
    past = garch_prices.loc[:"2016-12-30"]
    past.attrs = dict(garch_prices.attrs)
    cut = risk_statement(gaussian, past, HELD, request)
    assert whole.as_of == "2016-12-30"
    assert whole.record()["results"] == cut.record()["results"]
    assert "no forecast" in whole.model.notes[-1]
    assert all("no forecast" not in note for note in whole.baselines[0].notes)


def test_every_figure_of_the_record_has_an_error_or_a_reason(statement):
    record = json.loads(json.dumps(statement.record(), allow_nan=False))
    assert record["portfolio"] == {"DOG": 0.7, "ABLE": 0.3}
    for result in record["results"]:
        positions = result["contributions"]["positions"]
        entries = [entry for one in positions for entry in one.values() if isinstance(entry, dict)]
        for entry in (*result["measures"], *entries):
            assert (entry["mc_se"] is not None and entry["ci"] is not None) or "note" in entry
            assert entry["model_se"] is not None or ONE_LAW in result["notes"]


def test_generators_that_differ_give_an_error_of_training(gaussian, garch_prices):
    """Every other path of a generator that moves twice as much."""
    drawn = gaussian.sample(garch_prices, 5, 600)
    header = replace(drawn.header, metadata=drawn.metadata | {"n_generators": 2})
    moved = drawn.log_returns * (1 + torch.arange(600) % 2).reshape(-1, 1, 1)
    portfolio = equal_weights(drawn.assets)
    found = portfolio_risk(fingan.ScenarioSet(header, moved), portfolio, SMALL)
    assert found.notes == ()
    assert all(one.estimate.model_se is not None for one in found.figures)
    volatility, single = found.figure("volatility"), portfolio_risk(drawn, portfolio, SMALL)
    assert volatility.model_se > 5 * volatility.mc_se
    assert single.figure("volatility").model_se is None


def test_weighted_scenarios_are_measured_by_their_weights(gaussian, garch_prices):
    """Weight on the losing half alone: the same as its paths alone."""
    drawn = gaussian.sample(garch_prices, 5, 600)
    portfolio = equal_weights(drawn.assets)
    loses = drawn.terminal().mean(1) < 0
    weights = loses.double() / loses.sum()
    weighted = fingan.ScenarioSet(drawn.header, drawn.log_returns, weights)
    found = portfolio_risk(weighted, portfolio, SMALL)
    expected = expected_shortfall(-drawn.terminal().mean(1)[loses], 0.95)
    shortfall = found.figure("expected_shortfall", level=0.95)
    assert shortfall.estimate == pytest.approx(float(expected))
    assert shortfall.ess == pytest.approx(int(loses.sum()))


def test_a_path_at_its_lowest_counts_though_it_ends_high(gaussian, garch_prices):
    drawn = gaussian.sample(garch_prices, 2, 600)
    path = torch.tensor([-0.3, 0.5]).reshape(1, 2, 1).expand(600, 2, 4).contiguous()
    fallen = fingan.ScenarioSet(drawn.header, path)
    found = portfolio_risk(fallen, equal_weights(drawn.assets), SMALL)
    assert found.figure("probability_of_loss", over=0.1).estimate == 0
    assert found.figure("probability_of_drawdown", over=0.1).estimate == 1
    assert found.figure("max_drawdown").estimate == pytest.approx(1 - 0.7408, abs=1e-3)


def test_the_worst_of_a_path_is_given_where_it_is_not_the_deepest_alone(gaussian, garch_prices):
    for horizon, is_there in ((20, False), (21, True)):
        request = SMALL.model_copy(update={"horizon": horizon, "n_paths": 100})
        found = risk_statement(gaussian, garch_prices, HELD, request, []).model
        names = [one.measure for one in found.figures]
        assert ("conditional_drawdown" in names) == is_there


def test_a_neutral_drift_is_everyones(gaussian, garch_prices):
    request = SMALL.model_copy(update={"drift": "neutral", "n_paths": 4_000})
    found = risk_statement(gaussian, garch_prices, HELD, request)
    for one in (found.model, *found.baselines):
        mean = one.figure("mean")
        assert abs(mean.estimate) < 4 * mean.mc_se


def test_what_cannot_be_answered_is_refused_in_one_sentence(gaussian, garch_prices):
    unknown = Portfolio(("EGG",), torch.ones(1, dtype=torch.float64))
    with pytest.raises(UnknownAssetError, match=r"asset 'EGG' .* it has ABLE, BAKER"):
        risk_statement(gaussian, garch_prices, unknown, SMALL, [])
    late = SMALL.model_copy(update={"as_of": "2030-01-01"})
    with pytest.raises(RequestError, match="as_of must lie within the prices"):
        risk_statement(gaussian, garch_prices, HELD, late)
    levels = garch_prices.copy()
    levels.attrs = {"kind": "level"}
    with pytest.raises(RequestError, match="the model is one of levels"):
        risk_statement(baseline("gaussian", levels), levels, HELD, SMALL)
    with pytest.raises(KeyError):
        risk_statement(gaussian, garch_prices, HELD, SMALL, []).model.figure("charm")


@pytest.mark.parametrize(
    "wrong", [{"levels": [95.0]}, {"levels": []}, {"horizon": 0}, {"baselines": ["fhs"]}]
)
def test_a_request_out_of_range_is_refused(wrong):
    with pytest.raises(ValidationError):
        RiskRequest.model_validate(wrong)
