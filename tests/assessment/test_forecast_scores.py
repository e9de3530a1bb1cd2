import pandas as pd
import pytest
import torch
from controls import garch_market, truth

from fingan.assessment.comparison import compare
from fingan.assessment.forecast_scores import N_LONG_SHORT, forecast_scores, yardstick
from fingan.assessment.outcomes import cut_outcomes
from fingan.metrics.scoring_rules import crps, energy_score
from fingan.scenarios.forecasts import forecasts

N_PATHS = 64


@pytest.fixture(scope="module")
def market():
    return garch_market(900, 3, seed=1)


@pytest.fixture(scope="module")
def outcomes(market):
    first, last = market.index[500], market.index[-1]
    return cut_outcomes(market, tuple(market.columns), first, last, (1, 10), 60)


@pytest.fixture(scope="module")
def scores(market, outcomes):
    return forecast_scores(truth(market), market, outcomes, N_PATHS, seed=3)


def test_every_day_has_every_score(scores, outcomes):
    names = {"crps_assets", "crps_portfolio", "crps_long_short"}
    expected = {f"{name}_{horizon}" for name in names for horizon in (1, 10)}
    assert set(scores) == expected | {"energy_score_10", "variogram_score_10"}
    assert {len(values) for values in scores.values()} == {len(outcomes.dates)}


def test_scores_are_those_of_the_scenarios_in_past_deviations(market, outcomes, scores):
    first = outcomes.dates[:1]
    (cube,) = forecasts(truth(market), market, first, 10, N_PATHS, seed=3)
    unit = outcomes.past[10].std(0)
    drawn, happened = cube.double().sum(1) / unit, outcomes.sums[10][0] / unit
    torch.testing.assert_close(scores["energy_score_10"][0], energy_score(drawn, happened))
    torch.testing.assert_close(scores["crps_assets_10"][0], crps(drawn.T, happened).mean())
    gains, gained = (cube.double().sum(1)).expm1().mean(1), outcomes.sums[10][0].expm1().mean()
    spread = outcomes.past[10].expm1().mean(1).std()
    torch.testing.assert_close(
        scores["crps_portfolio_10"][0], crps(gains / spread, gained / spread)
    )


def test_portfolios_have_unit_risk_and_long_short_ones_no_net_exposure(outcomes):
    measure = yardstick(outcomes, 10)
    assert measure.portfolios.shape == (3, 1 + N_LONG_SHORT)
    risk = (outcomes.past[10].expm1() @ measure.portfolios).std(0)
    torch.testing.assert_close(risk, torch.ones_like(risk))
    in_risk = measure.portfolios[:, 1:] * measure.unit.unsqueeze(1)
    assert in_risk.sum(0).abs().max() < 1e-9


def test_the_truth_scores_better_than_a_wrong_volatility(market, outcomes, scores):
    wrong = forecast_scores(truth(market, 2.0), market, outcomes, N_PATHS, seed=3)
    for name in ("energy_score_10", "crps_assets_1", "crps_portfolio_1"):
        assert compare(wrong[name], scores[name], 4).t > 3


def test_days_after_an_outcome_change_nothing(market, outcomes, scores):
    changed = market.copy()
    cut = market.index.get_loc(outcomes.dates[20]) + 10
    changed.iloc[cut + 1 :] *= 3
    again = forecast_scores(truth(market), changed, outcomes, N_PATHS, seed=3)
    assert torch.equal(again["energy_score_10"][:21], scores["energy_score_10"][:21])


def test_a_sampler_of_one_step_has_the_scores_of_one_step(market, outcomes):
    found = forecast_scores(truth(market), market, outcomes, 16, seed=0, max_horizon=1)
    assert set(found) == {"crps_assets_1", "crps_portfolio_1", "crps_long_short_1"}


def test_one_asset_has_no_long_short_portfolio(market):
    alone = market[["A00"]]
    first, last = pd.Timestamp(alone.index[500]), alone.index[-1]
    outcomes = cut_outcomes(alone, ("A00",), first, last, (1, 10), 10)
    found = forecast_scores(truth(alone), alone, outcomes, 16, seed=0)
    assert "crps_long_short_1" not in found
    assert "variogram_score_10" not in found
    torch.testing.assert_close(found["energy_score_10"], found["crps_assets_10"])
