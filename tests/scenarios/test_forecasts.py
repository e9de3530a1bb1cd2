import pandas as pd
import pytest
import torch

from fingan.errors import RequestError, UnknownAssetError
from fingan.pipeline import load_model
from fingan.scenarios.baselines import baseline
from fingan.scenarios.forecasts import date_seed, forecasts

N_PATHS, HORIZON = 700, 3  # more than one block


@pytest.fixture(scope="module", params=["historical", "fhs-gjr", "trained"])
def sampler(request, garch_prices, tiny_model):
    if request.param == "trained":
        return load_model(tiny_model.reference, tiny_model.store)
    return baseline(request.param, garch_prices.loc[:"2017-06-30"])


@pytest.fixture(scope="module")
def dates(garch_prices):
    return list(garch_prices.loc["2017-07-03":"2017-08-31"].index[::7])


def drawn(sampler, prices, dates, seed=5):
    return list(forecasts(sampler, prices, dates, HORIZON, N_PATHS, seed=seed))


def test_a_forecast_is_the_sample_as_of_its_date(sampler, garch_prices, dates):
    for date, cube in zip(dates, drawn(sampler, garch_prices, dates), strict=True):
        alone = sampler.sample(
            garch_prices, HORIZON, N_PATHS, seed=date_seed(5, date), as_of=date
        ).log_returns
        torch.testing.assert_close(cube, alone, rtol=1e-5, atol=1e-9)


def test_what_comes_after_a_date_changes_nothing(sampler, garch_prices, dates):
    before = drawn(sampler, garch_prices, dates)
    changed = garch_prices.copy()
    changed.loc[dates[3] + pd.Timedelta(days=1) :] *= 0.5
    after = drawn(sampler, changed, dates)
    for first, second in zip(before[:4], after[:4], strict=True):
        assert torch.equal(first, second)
    if sampler.reference != "historical":  # which has no memory
        assert not torch.equal(before[4], after[4])


def test_a_dates_paths_do_not_depend_on_the_other_dates(sampler, garch_prices, dates):
    several = drawn(sampler, garch_prices, dates)
    (alone,) = drawn(sampler, garch_prices, dates[2:3])
    assert torch.equal(several[2], alone)
    assert not torch.equal(several[1], several[2])


def test_what_cannot_be_forecast_is_refused(sampler, garch_prices, dates):
    with pytest.raises(UnknownAssetError, match="'DOG'"):
        drawn(sampler, garch_prices.drop(columns="DOG"), dates)
    with pytest.raises(RequestError, match="at least 2 returns"):
        drawn(sampler, garch_prices, [garch_prices.index[1]])
