"""Generators that may be installed instead: each a function of a number of paths.

A path is ``horizon`` days of all assets. What a library does not give, such as a joint law, is
left out, in its favour; the name says so.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.yardsticks import DoppelGanger, QuantGan

Draw = Callable[[int], object]

RECENT = 1_000  # days on which a vine is fitted; fitting time grows with them
TRADING_DAYS = 252


def numpy_gbm(prices: pd.DataFrame, horizon: int) -> Draw:
    """Correlated geometric Brownian motion in float64, as most write it."""
    returns = _daily(prices)
    mean, factor = returns.mean(0), np.linalg.cholesky(_covariance(returns))
    random = np.random.default_rng(0)
    n_assets = len(mean)

    def draw(n_paths: int) -> object:
        normals = random.standard_normal((n_paths, horizon, n_assets))
        return np.exp(np.cumsum(mean + normals @ factor.T, axis=1))

    return draw


def quantlib_gbm(prices: pd.DataFrame, horizon: int) -> Draw | None:
    """Correlated Black-Scholes paths by QuantLib; None where it is not installed."""
    ql = _installed("QuantLib")
    if ql is None:
        return None
    returns = _daily(prices)
    n_assets, deviations = returns.shape[1], returns.std(0) * TRADING_DAYS**0.5
    processes = [ql.GeometricBrownianMotionProcess(1.0, 0.0, float(s)) for s in deviations]
    correlation = ql.Matrix(n_assets, n_assets)
    for row, values in enumerate(np.corrcoef(returns.T).reshape(n_assets, n_assets)):
        for column, value in enumerate(values):
            correlation[row][column] = float(value)
    array = ql.StochasticProcessArray(processes, correlation)
    times = list(ql.TimeGrid(horizon / TRADING_DAYS, horizon))
    uniform = ql.UniformRandomSequenceGenerator(horizon * n_assets, ql.UniformRandomGenerator(1))
    generator = ql.GaussianMultiPathGenerator(
        array, times, ql.GaussianRandomSequenceGenerator(uniform), False
    )

    def draw(n_paths: int) -> object:
        cube = np.empty((n_paths, n_assets, horizon + 1))
        for number in range(n_paths):
            path = generator.next().value()
            for asset in range(n_assets):
                cube[number, asset] = path[asset]
        return cube

    return draw


def arch_forecast(prices: pd.DataFrame, horizon: int) -> Draw | None:
    """GJR-GARCH with t innovations by arch, each asset alone: marginals without a joint law."""
    univariate = _installed("arch.univariate")
    if univariate is None:
        return None
    returns = 100 * _daily(prices)
    fitted = []
    for column in returns.T:
        volatility = univariate.GARCH(p=1, o=1, q=1)
        model = univariate.ConstantMean(
            column, volatility=volatility, distribution=univariate.StudentsT()
        )
        fitted.append(model.fit(disp="off", show_warning=False))

    def draw(n_paths: int) -> object:
        drawn: list[Any] = []
        for result in fitted:
            forecast = result.forecast(
                horizon=horizon, method="simulation", simulations=n_paths, reindex=False
            )
            drawn.append(forecast.simulations.values)
        return drawn

    return draw


def vine_copula(prices: pd.DataFrame, horizon: int) -> Draw | None:
    """Paths of independent days from the vine of skfolio; the fit is costly."""
    distribution = _installed("skfolio.distribution")
    if distribution is None:
        return None
    vine = distribution.VineCopula(max_depth=4, random_state=0)
    vine.fit(_daily(prices)[-RECENT:])

    def draw(n_paths: int) -> object:
        return vine.sample(n_samples=n_paths * horizon)

    return draw


def network(rival: DoppelGanger | QuantGan, horizon: int) -> Draw:
    """A yardstick network's paths, the network alone and without gradients."""

    def draw(n_paths: int) -> object:
        with torch.inference_mode():
            return rival.draw(n_paths, horizon)

    return draw


def _daily(prices: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
    values = prices.dropna().to_numpy(dtype=np.float64)
    return np.diff(np.log(values), axis=0)


def _covariance(returns: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    return np.atleast_2d(np.cov(returns.T))


def _installed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None
