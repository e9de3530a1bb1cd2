"""Classical generators behind the same method as the trained model: the opponents.

- ``historical``: past days drawn at random, all assets of a day together.
- ``fhs-gjr``, ``fhs-ewma``: filtered historical simulation; past joint innovations drawn at
  random and run through each asset's volatility recursion from today's variance.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import pandas as pd
from torch import Tensor

from fingan.data.returns import ReturnTable, log_returns
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.present import AsOf, present
from fingan.scenarios.resampling import FilteredHistoricalSimulation, HistoricalSimulation
from fingan.scenarios.samplers import Continuations, ScenarioRequest, scenario_stream
from fingan.scenarios.scenario_set import ScenarioSet, ScenarioStream
from fingan.volatility.filter import FilterKind, fit_filter

BaselineName = Literal["historical", "fhs-ewma", "fhs-gjr"]
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)
MIN_DAYS = 100  # joint days below which resampling says nothing


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
        PriceDataError: If too few days are observed jointly.
    """
    if name not in BASELINES:
        raise RequestError(f"baseline must be one of {', '.join(BASELINES)}, got '{name}'")
    table = log_returns(prices)
    return Baseline(name, table.assets, table.kind, table.dates[-1], _law(name, table))


def _law(name: BaselineName, table: ReturnTable) -> Law:
    scaler = ReturnScaler.fit(table)
    match name:
        case "historical":
            return HistoricalSimulation(_joint(table.values, table).float())
        case "fhs-ewma":
            return _filtered(table, scaler, "ewma")
        case "fhs-gjr":
            return _filtered(table, scaler, "gjr")


def _filtered(
    table: ReturnTable, scaler: ReturnScaler, kind: FilterKind
) -> FilteredHistoricalSimulation:
    scaled = scaler.transform(table.values)
    volatility = fit_filter(scaled, kind)
    innovations = scaled / volatility.variances(scaled)[:-1].sqrt()
    return FilteredHistoricalSimulation(scaler, volatility, _joint(innovations, table))


def _joint(days: Tensor, table: ReturnTable) -> Tensor:
    joint = days[~days.isnan().any(1)]
    if len(joint) < MIN_DAYS:
        raise PriceDataError(
            f"at least {MIN_DAYS} days must have a return of every asset, got {len(joint)} of"
            f" {len(table.dates)}; leave short-lived assets out"
        )
    return joint
