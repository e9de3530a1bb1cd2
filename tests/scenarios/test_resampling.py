import numpy as np
import pytest

from fingan.data.returns import log_returns
from fingan.data.scaling import ReturnScaler
from fingan.scenarios.baselines import baseline
from fingan.volatility.filter import fit_filter


def rows(values, digits=5):
    """Rows as a set, so that two tables can be compared whatever their order."""
    return {tuple(np.round(row / 10.0**-digits).astype(int)) for row in values.numpy()}


def near(rows, others):
    """Whether each row lies in the other set but for the last digit."""
    found = np.array(sorted(others))
    return all((np.abs(found - row).max(1) <= 1).any() for row in rows)


def test_historical_days_are_days_that_happened(garch_prices):
    drawn = baseline("historical", garch_prices).sample(garch_prices, 3, 400, seed=1).log_returns
    happened = log_returns(garch_prices).values
    assert near(rows(drawn.flatten(0, 1)), rows(happened))


def test_days_on_which_an_asset_is_missing_are_not_drawn(garch_prices):
    prices = garch_prices.copy()
    prices.iloc[:300, 0] = float("nan")
    drawn = baseline("historical", prices).sample(prices, 2, 500).log_returns
    assert drawn.isfinite().all()
    assert near(rows(drawn.flatten(0, 1)), rows(log_returns(prices).values[300:]))


@pytest.mark.parametrize(("name", "kind"), [("fhs-gjr", "gjr"), ("fhs-ewma", "ewma")])
def test_the_first_step_is_a_past_innovation_times_todays_volatility(garch_prices, name, kind):
    table = log_returns(garch_prices)
    scaler = ReturnScaler.fit(table)
    scaled = scaler.transform(table.values)
    variances = fit_filter(scaled, kind).variances(scaled)
    innovations = scaled / variances[:-1].sqrt()
    possible = scaler.inverse(innovations * variances[-1].sqrt())
    drawn = baseline(name, garch_prices).sample(garch_prices, 1, 2000, seed=1).log_returns[:, 0]
    assert near(rows(drawn), rows(possible))
    assert len(rows(drawn)) > 600  # nearly all of 799 days came up
