import pytest
import torch
from scipy import stats

from fingan.data.returns import log_returns
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.baselines import baseline


@pytest.fixture(scope="module")
def sampler(garch_prices):
    return baseline("vine", garch_prices)


def test_more_than_one_step_is_refused(sampler, garch_prices):
    with pytest.raises(RequestError, match="horizon must be 1 for baseline 'vine', got 2"):
        sampler.sample(garch_prices, 2, 10)


def test_fewer_than_three_assets_are_refused(garch_prices):
    prices = garch_prices[["ABLE", "DOG"]]
    with pytest.raises(PriceDataError, match="a vine needs at least 3 assets, got 2"):
        baseline("vine", prices)


def test_margins_and_pairs_are_those_of_the_days(sampler, garch_prices):
    days = log_returns(garch_prices).values.numpy()
    drawn = sampler.sample(garch_prices, 1, 4000, seed=1).log_returns[:, 0].double().numpy()
    for one in range(4):
        assert stats.ks_2samp(days[:, one], drawn[:, one]).pvalue > 1e-2
        for other in range(one):
            tau = stats.kendalltau(days[:, one], days[:, other]).statistic
            found = stats.kendalltau(drawn[:, one], drawn[:, other]).statistic
            assert found == pytest.approx(tau, abs=0.06)


def test_two_fits_draw_the_same(sampler, garch_prices):
    again = baseline("vine", garch_prices)
    one, other = (
        which.sample(garch_prices, 1, 700, seed=5).log_returns for which in (sampler, again)
    )
    assert torch.equal(one, other)
