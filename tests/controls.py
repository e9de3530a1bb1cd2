"""A market whose law is known, samplers that know it, and samplers that are wrong in one way."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from fingan.data.returns import ReturnTable, log_returns
from fingan.scenarios.present import present
from fingan.scenarios.samplers import (
    BLOCK_SIZE,
    Continuations,
    DrawBlock,
    ScenarioRequest,
    scenario_stream,
)

OMEGA, ALPHA, BETA, DEGREES, MEAN = 2e-6, 0.08, 0.90, 6.0, 2e-4


def garch_market(n_days: int, n_assets: int, seed: int) -> pd.DataFrame:
    """Prices of correlated assets that follow GARCH(1, 1) with joint Student innovations."""
    random = torch.Generator().manual_seed(2**40 + seed)  # no sampler draws from these
    start = torch.full((n_assets,), OMEGA / (1 - ALPHA - BETA), dtype=torch.float64)
    returns = _garch_paths(start.expand(1, -1), n_days, random, factor(n_assets))[0]
    dates = pd.bdate_range("2008-01-02", periods=n_days, name="date")
    names = pd.Index([f"A{number:02d}" for number in range(n_assets)])
    prices = pd.DataFrame(100 * np.exp(returns.cumsum(0).numpy()), dates, names)
    prices.attrs = {"kind": "price", "source": "garch"}
    return prices


def factor(n_assets: int) -> Tensor:
    """Cholesky factor of the innovations' correlation, 0.5 between any two assets."""
    return torch.linalg.cholesky(0.5 * torch.eye(n_assets, dtype=torch.float64) + 0.5)


def _garch_paths(
    variance: Tensor, n_steps: int, random: torch.Generator, cholesky: Tensor, scale: float = 1.0
) -> Tensor:
    """Paths from each row of starting variances."""
    n_paths, n_assets = variance.shape
    normals = torch.randn(n_steps, n_paths, n_assets, generator=random, dtype=torch.float64)
    squares = torch.randn(n_steps, n_paths, int(DEGREES), generator=random, dtype=torch.float64)
    mixing = ((DEGREES - 2) / squares.square().sum(-1, keepdim=True)).sqrt()
    shocks = normals @ cholesky.T * mixing
    returns = torch.empty(n_steps, n_paths, n_assets, dtype=torch.float64)
    for step, shock in enumerate(shocks):
        move = variance.sqrt() * shock
        returns[step] = MEAN + scale * move
        variance = OMEGA + ALPHA * move.square() + BETA * variance
    return returns.transpose(0, 1)


def true_variances(returns: Tensor) -> Tensor:
    """Variances of the days, and of tomorrow, by the recursion that made them."""
    variance = torch.full((returns.shape[1],), OMEGA / (1 - ALPHA - BETA), dtype=torch.float64)
    rows = [variance]
    for day in returns:
        variance = OMEGA + ALPHA * (day - MEAN).square() + BETA * variance
        rows.append(variance)
    return torch.stack(rows)


@dataclass(frozen=True)
class Start:
    """What a block of paths starts from."""

    past: Tensor
    variance: Tensor
    """Of tomorrow."""
    horizon: int
    random: torch.Generator


@dataclass(frozen=True)
class KnownSampler:
    """A sampler whose law is written down; it was fitted on nothing."""

    assets: tuple[str, ...]
    fitted_until: pd.Timestamp
    blocks: Callable[[Start], Tensor]
    """A block of paths."""
    reference: str = "known"
    kind: str = "price"

    def stream(self, prices, horizon, n_paths, *, seed=0, as_of=None, n_threads=1):
        request = ScenarioRequest(horizon, n_paths, seed)
        now = present(prices, self.assets, self.kind, as_of, "known")
        return scenario_stream(self, now, request, None, n_threads)

    def sample(self, prices, horizon, n_paths, *, seed=0, as_of=None, n_threads=1):
        stream = self.stream(prices, horizon, n_paths, seed=seed, as_of=as_of, n_threads=n_threads)
        return stream.collect()

    def continuations(self, returns: ReturnTable) -> Continuations:
        variances = true_variances(returns.values)

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            def one(block: int) -> Tensor:
                random = torch.Generator().manual_seed((request.seed + 7919 * block) % 2**63)
                past = returns.values[: row + 1]
                start = Start(past, variances[row + 1], request.horizon, random)
                return self.blocks(start).float()

            def draw(first: int, n_blocks: int = 1) -> Tensor:
                return torch.cat([one(block) for block in range(first, first + n_blocks)])

            return draw

        return continued

    def renamed(self, reference: str) -> "KnownSampler":
        return replace(self, reference=reference)


def known(prices: pd.DataFrame, blocks: Callable[[Start], Tensor]) -> KnownSampler:
    """A sampler of the prices' assets that says it was fitted on all of them."""
    return KnownSampler(tuple(prices.columns), prices.index[-1], blocks)


def truth(prices: pd.DataFrame, scale: float = 1.0) -> KnownSampler:
    """The law that made the market; wrong in volatility where ``scale`` is not 1."""
    cholesky = factor(prices.shape[1])

    def blocks(start: Start) -> Tensor:
        variances = start.variance.expand(BLOCK_SIZE, -1)
        return _garch_paths(variances, start.horizon, start.random, cholesky, scale)

    return known(prices, blocks)


def constant(prices: pd.DataFrame) -> KnownSampler:
    """Every path is the same."""
    n_assets = prices.shape[1]
    return known(prices, lambda start: torch.full((BLOCK_SIZE, start.horizon, n_assets), MEAN))


def one_mode(prices: pd.DataFrame, jitter: float = 0.2) -> KnownSampler:
    """One course, as wide as the market, about which paths differ a little."""

    def blocks(start: Start) -> Tensor:
        shape = (start.horizon, len(start.variance))
        course = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        own = torch.randn(BLOCK_SIZE, *shape, generator=start.random)
        return (course + jitter * own) * start.variance.sqrt() / (1 + jitter**2) ** 0.5

    return known(prices, blocks)


def shuffled(prices: pd.DataFrame) -> KnownSampler:
    """Past days in any order: every marginal right, no memory."""
    days = log_returns(prices).values

    def blocks(start: Start) -> Tensor:
        shape = (BLOCK_SIZE, start.horizon)
        return days[torch.randint(len(days), shape, generator=start.random)]

    return known(prices, blocks)


def replaying(prices: pd.DataFrame) -> KnownSampler:
    """Stretches of the training days, as they were."""
    days = log_returns(prices).values

    def blocks(start: Start) -> Tensor:
        first = torch.randint(len(days), (BLOCK_SIZE, 1), generator=start.random)
        return days[(first + torch.arange(start.horizon)) % len(days)]

    return known(prices, blocks)


def thin_tailed(prices: pd.DataFrame) -> KnownSampler:
    """Normal days of the right variance, drawn independently."""
    cholesky = factor(prices.shape[1])

    def blocks(start: Start) -> Tensor:
        shape = (BLOCK_SIZE, start.horizon, len(start.variance))
        normals = torch.randn(shape, generator=start.random, dtype=torch.float64)
        return MEAN + normals @ cholesky.T * start.past.std(0)

    return known(prices, blocks)


def flattened(prices: pd.DataFrame) -> KnownSampler:
    """The true law, but the weakest direction hardly moves: hedged portfolios look riskless."""
    law = truth(prices)
    weak = torch.linalg.eigh(torch.corrcoef(log_returns(prices).values.T)).eigenvectors[:, :1]

    def blocks(start: Start) -> Tensor:
        drawn = law.blocks(start)
        return drawn - 0.7 * (drawn @ weak) @ weak.T

    return known(prices, blocks)
