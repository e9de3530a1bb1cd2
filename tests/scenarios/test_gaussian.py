import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from fingan.data.returns import log_returns
from fingan.scenarios.baselines import baseline

N_PATHS = 60_000


@pytest.fixture(scope="module")
def drawn(garch_prices):
    sampler = baseline("gaussian", garch_prices)
    return sampler.sample(garch_prices, 2, N_PATHS, seed=2).log_returns.double()


def test_mean_and_covariance_are_the_samples(garch_prices, drawn):
    days = log_returns(garch_prices).values
    covariance = days.T.cov()
    spread = covariance.diagonal().sqrt()
    unit = spread[:, None] * spread
    for step in range(2):
        found = drawn[:, step]
        assert ((found.mean(0) - days.mean(0)).abs() < 4 * spread / N_PATHS**0.5).all()
        assert ((found.T.cov() - covariance).abs() < 4 * unit * (2 / N_PATHS) ** 0.5).all()


def test_each_asset_is_normal(drawn):
    for series in drawn[:, 0].T.numpy():
        assert stats.kstest((series - series.mean()) / series.std(), "norm").pvalue > 1e-3
        assert abs(stats.kurtosis(series)) < 4 * (24 / N_PATHS) ** 0.5


def test_days_are_independent(drawn):
    both = torch.cat([drawn[:, 0], drawn[:, 1]], dim=1)
    across = torch.corrcoef(both.T)[:4, 4:]
    assert across.abs().max() < 4.5 / N_PATHS**0.5


def test_more_assets_than_days_are_no_obstacle():
    random = np.random.default_rng(1)
    n_days, n_assets = 120, 150
    dates = pd.bdate_range("2020-01-01", periods=n_days + 1, name="date")
    walk = 0.01 * random.standard_normal((n_days + 1, n_assets)).cumsum(0)
    prices = pd.DataFrame(np.exp(walk), index=dates, columns=[f"A{i}" for i in range(n_assets)])
    drawn = baseline("gaussian", prices).sample(prices, 1, 4000).log_returns[:, 0].double()
    rank = torch.linalg.matrix_rank(drawn.T.cov(), hermitian=True, rtol=1e-6)
    assert drawn.isfinite().all()
    assert rank == n_days - 1
