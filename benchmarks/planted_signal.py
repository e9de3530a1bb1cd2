"""A market with a signal of known strength, and generators that know it, or believe in another.

Each row is a period. An asset's return is a common factor, its own shock of Student's t, and a
drift: the signal, of the correlation asked for with the return across the assets.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.scenarios.baselines import Baseline
from fingan.scenarios.copulas import block_normals
from fingan.scenarios.samplers import Continuations, DrawBlock, ScenarioRequest
from fingan.screening.walk_forward import FEWEST_ROWS, Fit, Rule, WalkForwardDesign

SPREAD = 0.05  # standard deviation of an asset's own return over a period
COMMON = 0.04  # of the factor
FREEDOM = 5  # degrees of freedom of the shocks


@dataclass(frozen=True)
class Universe:
    """Prices, and the drift of the row after each."""

    prices: pd.DataFrame
    drift: Float[Tensor, "n_rows n_assets"]
    """True drift of the next row, known at a row."""
    belief: Float[Tensor, "n_rows n_assets"]
    """As large, and without any relation to what happens."""
    first: str


@dataclass(frozen=True)
class Believer:
    """A law in closed form: the market's own but for its tails, drifting as it believes."""

    dates: pd.DatetimeIndex
    drift: Float[Tensor, "n_rows n_assets"]

    def continuations(self, returns: ReturnTable) -> Continuations:
        """The drift of the date, on every step."""
        rows = self.dates.get_indexer(returns.dates)

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            mean = self.drift[rows[row]].float()

            def draw(first: int, n_blocks: int = 1) -> Tensor:
                normals = block_normals(request, first, n_blocks, len(mean) + 1)
                own, common = normals[..., :-1], normals[..., -1:]
                return (mean + SPREAD * own + COMMON * common).transpose(0, 1)

            return draw

        return continued


def universe(n_assets: int, n_dates: int, coefficient: float, seed: int) -> Universe:
    """A market in which the true drift has an information coefficient.

    Args:
        n_assets: Assets.
        n_dates: Periods on which a screen is tried.
        coefficient: Correlation of the drift and the return across the assets.
        seed: Of everything.
    """
    random = np.random.default_rng(seed)
    n_rows = FEWEST_ROWS + 2 + n_dates + 1
    signal, other = random.standard_normal((2, n_rows, n_assets))
    shocks = random.standard_t(FREEDOM, (n_rows, n_assets)) / np.sqrt(FREEDOM / (FREEDOM - 2))
    strength = SPREAD * coefficient / np.sqrt(1 - coefficient**2)
    returns = SPREAD * shocks + COMMON * random.standard_normal((n_rows, 1))
    returns[1:] += strength * signal[:-1]
    dates = pd.bdate_range("2000-01-03", periods=n_rows, name="date")
    names = [f"A{number:03d}" for number in range(n_assets)]
    prices = pd.DataFrame(100 * np.exp(returns.cumsum(0)), dates, names)
    prices.attrs = {"kind": "price", "source": "planted"}
    believed = SPREAD * 0.05 * torch.from_numpy(other)
    first = f"{dates[-n_dates - 1]:%Y-%m-%d}"
    return Universe(prices, strength * torch.from_numpy(signal), believed, first)


def believer(market: Universe, *, knows: bool) -> Fit:
    """What fits the generator that knows the signal, or the one that believes in another."""
    drift = market.drift if knows else market.belief
    law = Believer(pd.DatetimeIndex(market.prices.index), drift)

    def fit(rows: pd.DataFrame) -> Baseline:
        name = "oracle" if knows else "believer"
        return Baseline(name, tuple(rows.columns), "price", rows.index[-1], law)

    return fit


def mean_rule(market: Universe, costs_bps: float = 10) -> Rule:
    """Rank assets by the mean of their returns."""
    assets = tuple(market.prices.columns)
    cost = 2 * costs_bps / 10_000  # bought and sold
    return Rule(
        assets=assets,
        candidates=assets,
        horizon=1,
        hurdle=0.0,
        n_picks=max(1, len(assets) // 5),
        costs_bps=costs_bps,
        net=lambda scenarios: scenarios.terminal() - cost,
        gross=lambda scenarios: scenarios.terminal(),
        score=lambda scenarios: scenarios.terminal().mean(0),
        prepared=lambda sampler: sampler,
    )


def every_row(market: Universe, n_paths: int, seed: int = 0) -> WalkForwardDesign:
    """Each period a date; the laws are in closed form and never fitted anew."""
    return WalkForwardDesign(
        first=market.first, every=1, refit=10_000, later=1, n_paths=n_paths, seed=seed
    )
