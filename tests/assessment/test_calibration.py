import pytest
import torch
from controls import constant, garch_market, truth

from fingan.assessment.calibration import calibrate
from fingan.assessment.outcomes import cut_outcomes

N_PATHS = 256


@pytest.fixture(scope="module")
def market():
    return garch_market(1_000, 3, seed=2)


def calibrated(market, sampler):
    first, last = market.index[400], market.index[-1]
    outcomes = cut_outcomes(market, tuple(market.columns), first, last, (1,), 10_000)
    directions = torch.eye(3, dtype=torch.float64)[:, :2]
    return calibrate(sampler, market, outcomes, directions, N_PATHS, seed=0)


def test_ranks_under_the_truth_are_uniform(market):
    found = calibrated(market, truth(market))
    for ranks in (found.assets[:, 0], found.portfolio):
        counts = torch.histc(ranks / N_PATHS, 10, 0, 1)
        statistic = float(((counts - 60) ** 2 / 60).sum())
        assert statistic < 27.9  # chi-square of 9 degrees, 0.1 %
    torch.testing.assert_close(found.directions, found.assets[:, :2])


@pytest.mark.parametrize(
    ("scale", "low", "high"), [(1.0, 0.9, 1.1), (1.5, 0.6, 0.75), (0.7, 1.2, 1.5)]
)
def test_the_spread_is_about_the_markets_over_the_models(market, scale, low, high):
    found = calibrated(market, truth(market, scale))
    spread = found.spread(found.assets)
    assert ((spread > low) & (spread < high)).all()


def test_exceptions_come_as_often_as_their_probability_says(market):
    found = calibrated(market, truth(market))
    count, probability = found.exceptions(0.95)
    assert probability == pytest.approx(0.05, abs=0.002)
    deviation = (600 * probability * (1 - probability)) ** 0.5
    assert abs(count - 600 * probability) < 3.3 * deviation


def test_an_outcome_beyond_all_scenarios_has_an_end_rank(market):
    found = calibrated(market, constant(market))
    assert set(found.assets.flatten().tolist()) == {0.0, float(N_PATHS)}
    assert float(found.spread(found.assets).min()) > 2
