"""Classical generators behind the same method as the trained model: the opponents.

- ``historical``: past days drawn at random, all assets of a day together.
- ``fhs-gjr``, ``fhs-ewma``: filtered historical simulation; past joint innovations drawn at
  random and run through each asset's volatility recursion from today's variance.

Source: Barone-Adesi, Giannopoulos & Vosper (1999), VaR without correlations for portfolios of
derivative securities; Hull & White (1998), Incorporating volatility updating into the historical
simulation method for value-at-risk.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable, log_returns
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.noise import path_rows
from fingan.scenarios.present import AsOf, Present, present
from fingan.scenarios.samplers import (
    BLOCK_SIZE,
    DrawBlock,
    ScenarioRequest,
    scenario_stream,
)
from fingan.scenarios.scenario_set import ScenarioSet, ScenarioStream
from fingan.volatility.filter import FilterKind, VolatilityFilter, fit_filter
from fingan.volatility.recurrence import linear_recurrence

BaselineName = Literal["historical", "fhs-ewma", "fhs-gjr"]
MIN_DAYS = 100  # joint days below which resampling says nothing


@dataclass(frozen=True)
class Resampling:
    """Joint past days, drawn again: plain, or as innovations of volatility filters."""

    name: str
    scaler: ReturnScaler
    days: Float[Tensor, "n_days n_assets"]
    """Scaled returns, or standardised innovations, of the days on which all were observed."""
    volatility: VolatilityFilter | None
    kind: str
    fitted_until: str
    """Last date of the rows it was fitted on; an ``as_of`` before it is no forecast."""

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the cube's last axis."""
        return self.scaler.assets

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
        now = present(prices, self.assets, self.kind, as_of, f"baseline '{self.name}'")
        metadata = {"model": self.name, "model_digest": None, "fitted_until": self.fitted_until}
        draw = self._plain(request) if self.volatility is None else self._filtered(now, request)
        return scenario_stream(now, request, draw, metadata, n_threads)

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

    def _plain(self, request: ScenarioRequest) -> DrawBlock:
        returns = self.scaler.inverse(self.days.double()).float()

        def draw(block: int) -> Tensor:
            return returns[_rows(request, block, len(returns))].transpose(0, 1)

        return draw

    def _filtered(self, now: Present, request: ScenarioRequest) -> DrawBlock:
        volatility = self.volatility
        assert volatility is not None
        variance = volatility.variances(self.scaler.transform(now.returns.values))[-1].float()
        innovations = self.days.float()
        rise, fall = volatility.alpha, volatility.alpha + volatility.gamma
        news = torch.where(self.days < 0, fall, rise) * self.days.square()
        multipliers, omega = (volatility.beta + news).float(), volatility.omega.float()
        mean, std = self.scaler.mean.float(), self.scaler.std.float()

        def draw(block: int) -> Tensor:
            rows = _rows(request, block, len(innovations))
            multiplier = multipliers[rows]
            start = variance.expand(BLOCK_SIZE, -1)
            variances = linear_recurrence(multiplier, omega.expand_as(multiplier), start)
            returns = innovations[rows].mul_(variances[:-1].sqrt_())
            return torch.addcmul(mean, returns, std).transpose(0, 1)

        return draw


def _rows(request: ScenarioRequest, block: int, n_rows: int) -> Tensor:
    return path_rows(request.seed, block, request.horizon, BLOCK_SIZE, n_rows)


def baseline(name: str, prices: pd.DataFrame) -> Resampling:
    """Fit a classical generator on a table of prices.

    Args:
        name: One of ``historical``, ``fhs-ewma``, ``fhs-gjr``.
        prices: Table from ``read_prices``; every row is used for fitting.

    Raises:
        RequestError: If there is no such baseline.
        PriceDataError: If too few days are observed jointly.
    """
    if name not in get_args(BaselineName):
        raise RequestError(
            f"baseline must be one of {', '.join(get_args(BaselineName))}, got '{name}'"
        )
    table = log_returns(prices)
    scaler = ReturnScaler.fit(table)
    scaled = scaler.transform(table.values)
    kinds: dict[str, FilterKind] = {"fhs-gjr": "gjr", "fhs-ewma": "ewma"}
    volatility = fit_filter(scaled, kinds[name]) if name in kinds else None
    days = scaled
    if volatility is not None:
        days = scaled / volatility.variances(scaled)[:-1].sqrt()
    return Resampling(
        name, scaler, _joint(days, table), volatility, table.kind, table.dates[-1].isoformat()
    )


def _joint(days: Tensor, table: ReturnTable) -> Tensor:
    joint = days[~days.isnan().any(1)]
    if len(joint) < MIN_DAYS:
        raise PriceDataError(
            f"at least {MIN_DAYS} days must have a return of every asset, got {len(joint)} of"
            f" {len(table.dates)}; leave short-lived assets out"
        )
    return joint
