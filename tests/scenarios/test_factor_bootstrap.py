import numpy as np
import pandas as pd
import pytest
import torch

from fingan.data.returns import log_returns
from fingan.scenarios.baselines import baseline
from fingan.scenarios.factor_bootstrap import N_FACTORS, FactorBootstrap
from fingan.scenarios.samplers import ScenarioRequest

N_ASSETS, HORIZON = 40, 12


@pytest.fixture(scope="module")
def prices():
    """Forty assets that move with three factors and with nothing else in common."""
    random = np.random.default_rng(3)
    factors = random.standard_normal((900, 3)) * [0.012, 0.006, 0.005]
    loadings = np.concatenate([np.ones((1, N_ASSETS)), random.standard_normal((2, N_ASSETS))])
    returns = factors @ loadings + 0.01 * random.standard_normal((900, N_ASSETS))
    index = pd.bdate_range("2016-01-04", periods=900, name="date")
    columns = [f"A{i:02}" for i in range(N_ASSETS)]
    frame = pd.DataFrame(100 * np.exp(returns.cumsum(0)), index=index, columns=columns)
    frame.attrs = {"kind": "price"}
    return frame


@pytest.fixture(scope="module")
def sampler(prices):
    return baseline("factor-bootstrap", prices)


def test_means_spreads_and_correlations_are_those_of_the_history(sampler, prices):
    days = log_returns(prices).values
    drawn = sampler.sample(prices, 1, 20_000, seed=1).log_returns[:, 0].double()
    torch.testing.assert_close(drawn.std(0), days.std(0), rtol=0.04, atol=0)
    assert ((drawn.mean(0) - days.mean(0)).abs() < 0.04 * days.std(0)).all()
    error = torch.corrcoef(drawn.T) - torch.corrcoef(days.T)
    assert error.abs().max() < 0.15
    assert error.square().mean().sqrt() < 0.04


def test_factors_and_rest_are_the_history(sampler, prices):
    law, days = sampler.law, log_returns(prices).values
    assert law.factors.shape == (len(days), N_FACTORS)
    again = law.mean + law.factors @ law.loadings + law.residuals
    torch.testing.assert_close(again, days.float(), rtol=0, atol=1e-6)


def test_the_rest_of_an_asset_comes_from_a_day_of_its_own(sampler):
    rows = sampler.law.rows(ScenarioRequest(HORIZON, 1, 4), 0, 2)
    assert rows.shape == (HORIZON, 1024, 1 + N_ASSETS)
    assert (rows[..., 0] == rows[..., 1]).double().mean() < 0.02
    assert (rows[..., 3] == rows[..., 17]).double().mean() < 0.02


def test_every_series_goes_on_in_blocks_of_the_mean_length(sampler):
    rows = sampler.law.rows(ScenarioRequest(HORIZON, 1, 4), 0, 2)
    follows = (rows[1:] == (rows[:-1] + 1) % len(sampler.law.factors)).double()
    kept = 1 - 1 / sampler.law.mean_block
    torch.testing.assert_close(
        follows.mean((0, 1)), torch.full((1 + N_ASSETS,), kept).double(), rtol=0, atol=0.03
    )


def test_a_path_is_the_factors_of_its_days_and_the_rests_of_theirs(sampler, prices):
    law, request = sampler.law, ScenarioRequest(3, 1, 9)
    drawn = sampler.continuations(log_returns(prices))(0, request)(1)
    rows = law.rows(request, 1, 1)
    path, step, asset = 77, 2, 30
    day, own = rows[step, path, 0], rows[step, path, 1 + asset]
    expected = law.mean[asset] + law.factors[day] @ law.loadings[:, asset]
    torch.testing.assert_close(drawn[path, step, asset], expected + law.residuals[own, asset])


def test_there_are_never_more_factors_than_half_the_assets(prices):
    for n_assets, n_factors in ((1, 1), (2, 1), (5, 3), (12, 5)):
        table = log_returns(prices.iloc[:, :n_assets])
        assert FactorBootstrap.fit(table).factors.shape[1] == n_factors
