"""Classical generators behind the same method as the trained model: the opponents.

- ``historical``: past days drawn at random, all assets of a day together.
- ``block-bootstrap``: the stationary bootstrap; past days in blocks of random length, so that
  volatility clusters within a block.
- ``fhs-gjr``, ``fhs-ewma``: filtered historical simulation; past joint innovations drawn at
  random and run through each asset's volatility recursion from today's variance.
- ``garch-t``, ``gjr-skew-t``: the same recursion with parameters by maximum likelihood, and
  innovations of Student's t or Hansen's skewed t under a Gaussian copula.
- ``t-copula``: the recursion of ``fhs-gjr``, its innovations' own quantiles under a t copula.
- ``gaussian``: independent days of a multivariate normal law.
- ``vine``: independent days of a regular vine copula; one step only.

What is independent from day to day has no memory: it answers the same from every date. Days on
which an asset is missing are left out where days are taken jointly (``historical``,
``block-bootstrap``, ``gaussian``, ``vine``, the innovations of ``fhs`` and the ranks of
``t-copula``); a filter is fitted on each asset's own days.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import pandas as pd

from fingan.data.returns import ReturnTable, log_returns
from fingan.errors import RequestError
from fingan.scenarios.block_bootstrap import StationaryBootstrap
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
    "fhs-ewma",
    "fhs-gjr",
    "garch-t",
    "gjr-skew-t",
    "t-copula",
    "gaussian",
    "vine",
]
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)


class Law(Protocol):
    """How returns go on, once fitted."""

    def continuations(self, returns: ReturnTable) -> Continuations:
        """How each row of a table of log-returns goes on."""


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


def baseline(name: str, prices: pd.DataFrame) -> Baseline:
    """Fit a classical generator on a table of prices.

    Args:
        name: One of ``BASELINES``.
        prices: Table from ``read_prices``; every row is used for fitting.

    Raises:
        RequestError: If there is no such baseline.
        PriceDataError: If too few days are observed, jointly or of one asset, or a vine is asked
            of fewer than three assets.
    """
    if name not in BASELINES:
        raise RequestError(f"baseline must be one of {', '.join(BASELINES)}, got '{name}'")
    table = log_returns(prices)
    return Baseline(name, table.assets, table.kind, table.dates[-1], _law(name, table))


def _law(name: BaselineName, table: ReturnTable) -> Law:
    match name:
        case "historical":
            return HistoricalSimulation.fit(table)
        case "block-bootstrap":
            return StationaryBootstrap.fit(table)
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
