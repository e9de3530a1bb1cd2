import numpy as np
import pytest
import torch

from fingan.data.returns import log_returns
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.baselines import baseline
from fingan.volatility.filter import fit_filter

NAMES = ("historical", "fhs-ewma", "fhs-gjr")


@pytest.fixture(scope="module")
def samplers(garch_prices):
    return {name: baseline(name, garch_prices) for name in NAMES}


def rows(values, digits=5):
    """Rows as a set, so that two tables can be compared whatever their order."""
    return {tuple(np.round(row / 10.0**-digits).astype(int)) for row in values.numpy()}


def near(rows, others):
    """Whether each row lies in the other set but for the last digit."""
    found = np.array(sorted(others))
    return all((np.abs(found - row).max(1) <= 1).any() for row in rows)


def test_historical_days_are_days_that_happened(samplers, garch_prices):
    drawn = samplers["historical"].sample(garch_prices, 3, 400, seed=1).log_returns
    happened = log_returns(garch_prices).values
    assert near(rows(drawn.flatten(0, 1)), rows(happened))


@pytest.mark.parametrize(("name", "kind"), [("fhs-gjr", "gjr"), ("fhs-ewma", "ewma")])
def test_the_first_step_is_a_past_innovation_times_todays_volatility(
    samplers, garch_prices, name, kind
):
    table = log_returns(garch_prices)
    scaler = ReturnScaler.fit(table)
    scaled = scaler.transform(table.values)
    variances = fit_filter(scaled, kind).variances(scaled)
    innovations = scaled / variances[:-1].sqrt()
    possible = scaler.inverse(innovations * variances[-1].sqrt())
    drawn = samplers[name].sample(garch_prices, 1, 2000, seed=1).log_returns[:, 0]
    assert near(rows(drawn), rows(possible))
    assert len(rows(drawn)) > 600  # nearly all of 799 days came up


def test_the_second_step_follows_the_recursion(samplers, garch_prices):
    sampler = samplers["fhs-gjr"]
    drawn = sampler.sample(garch_prices, 2, 300, seed=2).log_returns.double()
    scaled = sampler.scaler.transform(drawn)
    history = sampler.scaler.transform(log_returns(garch_prices).values)
    for path in range(0, 300, 30):
        joined = torch.cat([history, scaled[path, :1]])
        tomorrow = sampler.volatility.variances(joined)[-1]
        shock = scaled[path, 1] / tomorrow.sqrt()
        distance = (sampler.days - shock).abs().amax(1).min()
        assert distance < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_paths_do_not_depend_on_their_number_nor_on_threads(samplers, garch_prices, name):
    many = samplers[name].sample(garch_prices, 4, 1300, seed=3)
    few = samplers[name].sample(garch_prices, 4, 70, seed=3)
    threaded = samplers[name].sample(garch_prices, 4, 1300, seed=3, n_threads=2)
    assert torch.equal(few.log_returns, many.log_returns[:70])
    assert torch.equal(threaded.log_returns, many.log_returns)


@pytest.mark.parametrize("name", NAMES)
def test_rows_after_as_of_change_nothing(samplers, garch_prices, name):
    changed = garch_prices.copy()
    changed.loc["2017-03-17":] *= 2
    one, other = (
        samplers[name].sample(prices, 4, 30, as_of="2017-03-16")
        for prices in (garch_prices, changed)
    )
    assert torch.equal(one.log_returns, other.log_returns)
    assert one.header == other.header


@pytest.mark.parametrize("name", NAMES)
def test_a_long_horizon_stays_finite(samplers, garch_prices, name):
    drawn = samplers[name].sample(garch_prices, 2000, 16).log_returns
    assert drawn.isfinite().all()


def test_the_head_names_the_baseline(samplers, garch_prices):
    drawn = samplers["fhs-gjr"].sample(garch_prices, 1, 2, seed=9)
    assert drawn.metadata["model"] == "fhs-gjr"
    assert drawn.metadata["seed"] == 9
    assert drawn.assets == tuple(garch_prices.columns)


def test_days_on_which_an_asset_is_missing_are_not_drawn(garch_prices):
    prices = garch_prices.copy()
    prices.iloc[:300, 0] = float("nan")
    drawn = baseline("historical", prices).sample(prices, 2, 500).log_returns
    assert drawn.isfinite().all()
    assert near(rows(drawn.flatten(0, 1)), rows(log_returns(prices).values[300:]))


def test_an_unknown_baseline_is_refused_with_those_that_exist(garch_prices):
    with pytest.raises(RequestError, match="one of historical, fhs-ewma, fhs-gjr, got 'garch'"):
        baseline("garch", garch_prices)


def test_too_few_joint_days_are_refused(garch_prices):
    with pytest.raises(PriceDataError, match=r"at least 100 days .* got 60"):
        baseline("historical", garch_prices.iloc[:61])
