"""Paths of intraday bars keep the volatility that their times of day had in the market."""

import numpy as np
import pandas as pd
import pytest
import torch

from fingan.pipeline import fit
from fingan.scenarios.baselines import baseline
from fingan.training.config import TrainConfig

SMILE = np.array([2.2, 1.1, 0.7, 0.6, 0.6, 0.8, 1.0])
N_BARS = len(SMILE)


@pytest.fixture(scope="module")
def bars():
    """Three assets over two years of hourly bars of New York, in UTC."""
    random = np.random.default_rng(5)
    days = pd.bdate_range("2021-01-04", "2022-12-30")
    times = pd.DatetimeIndex(
        [day + pd.Timedelta(hours=9 + bar) for day in days for bar in range(N_BARS)]
    )
    noise = random.standard_normal((len(times), 3)) @ np.linalg.cholesky(0.5 * np.eye(3) + 0.5).T
    returns = 0.003 * np.tile(SMILE, len(days))[:, None] * noise
    index = times.tz_localize("America/New_York").tz_convert("UTC").tz_localize(None)
    frame = pd.DataFrame(100 * np.exp(returns.cumsum(0)), index=index, columns=["A", "B", "C"])
    frame.index.name, frame.attrs = "date", {"kind": "price"}
    return frame


def spread_by_slot(sampler, bars, as_of, horizon=14):
    """Standard deviation of each step's returns."""
    drawn = sampler.sample(bars, horizon, 3000, seed=2, as_of=as_of)
    return drawn.log_returns.std(0).mean(1).double()


def expected(first_slot, horizon=14):
    smile = torch.from_numpy(np.tile(SMILE, 4)[first_slot : first_slot + horizon])
    return smile / smile.square().mean().sqrt()


def relative(spread):
    return spread / spread.square().mean().sqrt()


@pytest.fixture(scope="module")
def trained(bars, tiny_settings):
    return fit(bars, TrainConfig.model_validate(tiny_settings | {"steps": 10, "ensemble": 1}))


@pytest.mark.parametrize("last", [N_BARS - 1, 2])
def test_a_trained_model_keeps_the_time_of_day(trained, bars, last):
    as_of = bars.index[-10 * N_BARS + last]
    found = relative(spread_by_slot(trained, bars, as_of))
    torch.testing.assert_close(found, expected((last + 1) % N_BARS), rtol=0.2, atol=0)


def test_summer_time_leaves_each_step_at_its_time_of_day(trained, bars):
    as_of = bars.index[bars.index.searchsorted(pd.Timestamp("2022-03-15")) - 1]
    found = relative(spread_by_slot(trained, bars, as_of))
    torch.testing.assert_close(found, expected(0), rtol=0.2, atol=0)


def test_fhs_keeps_it_when_deseasonalised_and_not_otherwise(bars):
    as_of = bars.index[-10 * N_BARS - 1]
    fair = baseline("fhs-gjr", bars, deseasonalised=True)
    assert fair.reference == "fhs-gjr, deseasonalised"
    found = relative(spread_by_slot(fair, bars, as_of))
    torch.testing.assert_close(found, expected(0), rtol=0.15, atol=0)
    plain = relative(spread_by_slot(baseline("fhs-gjr", bars), bars, as_of))
    assert plain.max() / plain.min() < 1.5


def test_daily_prices_are_the_same_deseasonalised_or_not(garch_prices):
    one, other = (
        baseline("fhs-gjr", garch_prices, deseasonalised=asked).sample(garch_prices, 5, 100)
        for asked in (False, True)
    )
    assert torch.equal(one.log_returns, other.log_returns)


def test_rows_after_as_of_change_nothing(trained, bars):
    as_of = bars.index[-200]
    changed = bars.copy()
    changed.iloc[-199:] *= 1.5
    changed = changed.drop(changed.index[-150::3])
    for sampler in (trained, baseline("fhs-gjr", bars, deseasonalised=True)):
        one, other = (sampler.sample(p, 9, 40, as_of=as_of).log_returns for p in (bars, changed))
        assert torch.equal(one, other)


def test_the_paths_of_a_row_are_those_of_the_date(trained, bars):
    from fingan.scenarios.forecasts import date_seed, forecasts

    date = bars.index[-300]
    (cube,) = forecasts(trained, bars, [date], 9, 50, seed=1)
    alone = trained.sample(bars, 9, 50, seed=date_seed(1, date), as_of=date)
    torch.testing.assert_close(cube, alone.log_returns, rtol=1e-3, atol=1e-6)


def test_a_published_model_knows_the_time_of_day(trained, tmp_path):
    from fingan.models.market import MarketModel

    trained.model.save(tmp_path)
    loaded = MarketModel.load(lambda name: (tmp_path / name).read_bytes())
    ours, theirs = trained.model.time_of_day, loaded.time_of_day
    assert torch.equal(ours.slots, theirs.slots)
    assert torch.equal(ours.factors, theirs.factors)
    assert ours.rests is theirs.rests is True
