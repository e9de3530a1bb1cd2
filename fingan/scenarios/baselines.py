"""Classical generators behind the same method as the trained model: the opponents.

- ``historical``: past days drawn at random, all assets of a day together.
- ``block-bootstrap``: the stationary bootstrap; past days in blocks of random length, so that
  volatility clusters within a block.
- ``factor-bootstrap``: the same blocks, of few common factors and of each asset's own rest.
- ``fhs-gjr``, ``fhs-ewma``: filtered historical simulation; past joint innovations drawn at
  random and run through each asset's volatility recursion from today's variance.
- ``garch-t``, ``gjr-skew-t``: the same recursion with parameters by maximum likelihood, and
  innovations of Student's t or Hansen's skewed t under a Gaussian copula.
- ``t-copula``: the recursion of ``fhs-gjr``, its innovations' own quantiles under a t copula.
- ``gaussian``: independent days of a multivariate normal law.
- ``vine``: independent days of a regular vine copula; one step only.

What is independent from day to day has no memory: it answers the same from every date. Days on
which an asset is missing are left out where days are taken jointly (``historical``,
``block-bootstrap``, ``factor-bootstrap``, ``gaussian``, ``vine``, the innovations of ``fhs`` and
the ranks of ``t-copula``); a filter is fitted on each asset's own days. None knows the time of day
of intraday bars unless it is asked for ``deseasonalised``.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from fingan.data.returns import ReturnTable, log_returns
from fingan.errors import RequestError
from fingan.scenarios.block_bootstrap import StationaryBootstrap
from fingan.scenarios.deseasonalised import (
    Deseasonalised,
    Law,
    time_of_day_of,
    without_time_of_day,
)
from fingan.scenarios.factor_bootstrap import FactorBootstrap
from fingan.scenarios.garch import fit_garch
from fingan.scenarios.gaussian import Gaussian
from fingan.scenarios.present import AsOf, present
from fingan.scenarios.resampling import HistoricalSimulation, filtered_historical_simulation
from fingan.scenarios.samplers import Continuations, ScenarioRequest, scenario_stream
from fingan.scenarios.scenario_set import ScenarioSet, ScenarioStream
from fingan.scenarios.t_copula import fit_t_copula
from fingan.scenarios.vine import Vine

BaselineName = Literal[
    "historical",
    "block-bootstrap",
    "factor-bootstrap",
    "fhs-ewma",
    "fhs-gjr",
    "garch-t",
    "gjr-skew-t",
    "t-copula",
    "gaussian",
    "vine",
]
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)


@dataclass(frozen=True)
class Baseline:
    """A classical law of returns behind the methods of a sampler."""

    reference: str
    assets: tuple[str, ...]
    kind: str
    fitted_until: pd.Timestamp
    """Last date of the rows it was fitted on; an ``as_of`` before it is no forecast."""
    law: Law

    def stream(
        self,
        prices: pd.DataFrame,
        horizon: int,
        n_paths: int,
        *,
        seed: int = 0,
        as_of: AsOf = None,
        n_threads: int = 1,
    ) -> ScenarioStream:
        """Scenarios that are drawn when they are read; as ``TrainedSampler.stream``."""
        request = ScenarioRequest(horizon, n_paths, seed)
        now = present(prices, self.assets, self.kind, as_of, f"baseline '{self.reference}'")
        return scenario_stream(self, now, request, None, n_threads)

    def sample(
        self,
        prices: pd.DataFrame,
        horizon: int,
        n_paths: int,
        *,
        seed: int = 0,
        as_of: AsOf = None,
        n_threads: int = 1,
    ) -> ScenarioSet:
        """Scenarios in memory."""
        drawn = self.stream(prices, horizon, n_paths, seed=seed, as_of=as_of, n_threads=n_threads)
        return drawn.collect()

    def continuations(self, returns: ReturnTable) -> Continuations:
        """How each row of a table of log-returns goes on."""
        return self.law.continuations(returns)


def baseline(name: str, prices: pd.DataFrame, *, deseasonalised: bool = False) -> Baseline:
    """Fit a classical generator on a table of prices.

    Args:
        name: One of ``BASELINES``.
        prices: Table from ``read_prices``; every row is used for fitting.
        deseasonalised: Fit it on intraday returns without their time of day, and put that back
            into the paths; the reference says so. Daily prices have none.

    Raises:
        RequestError: If there is no such baseline.
        PriceDataError: If too few days are observed, jointly or of one asset, or a vine is asked
            of fewer than three assets.
    """
    if name not in BASELINES:
        raise RequestError(f"baseline must be one of {', '.join(BASELINES)}, got '{name}'")
    table = log_returns(prices)
    law = _deseasonalised_law(name, table) if deseasonalised else _law(name, table)
    reference = f"{name}, deseasonalised" if deseasonalised else name
    return Baseline(reference, table.assets, table.kind, table.dates[-1], law)


def _deseasonalised_law(name: BaselineName, table: ReturnTable) -> Law:
    time_of_day = time_of_day_of(table)
    return Deseasonalised(_law(name, without_time_of_day(table, time_of_day)), time_of_day)


def _law(name: BaselineName, table: ReturnTable) -> Law:
    match name:
        case "historical":
            return HistoricalSimulation.fit(table)
        case "block-bootstrap":
            return StationaryBootstrap.fit(table)
        case "factor-bootstrap":
            return FactorBootstrap.fit(table)
        case "fhs-ewma":
            return filtered_historical_simulation(table, "ewma")
        case "fhs-gjr":
            return filtered_historical_simulation(table, "gjr")
        case "garch-t" | "gjr-skew-t":
            return fit_garch(table, name)
        case "t-copula":
            return fit_t_copula(table)
        case "gaussian":
            return Gaussian.fit(table)
        case "vine":
            return Vine.fit(table)
