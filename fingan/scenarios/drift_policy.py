"""What scenarios take the expected returns to be: a decision, since a history hardly says.

Twenty years at 20 % volatility leave a standard error of 4.5 % a year on a mean. Whatever ranks
assets by the means of a model ranks mostly noise, and survivorship; a policy puts a stated drift in
their place and leaves the shape of the paths as it is. A shift of log-returns, the same
for all paths of a generator, gives each asset up to each step the expected growth that the policy
names; what an ensemble's generators disagree on is then shape alone. The shift is found from a
pool, the first ``n_pool`` paths of the same request, so that path i still depends on the model, the
history, the seed and i alone. Of up to twice as many paths as the pool has, no figure scatters more
from seed to seed than its own standard error says.

Source: Merton (1980), On estimating the expected return on the market, section 2, for the error of
a mean; Jorion (1986), Bayes-Stein estimation for portfolio analysis, for ``shrunk``; Black &
Litterman (1992), Global portfolio optimization, for ``equilibrium``; both as skfolio has them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

import pandas as pd
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.errors import RequestError
from fingan.scenarios.present import AsOf, present
from fingan.scenarios.samplers import (
    BLOCK_SIZE,
    Continuations,
    DrawBlock,
    Sampler,
    ScenarioRequest,
    TrainedSampler,
)
from fingan.scenarios.scenario_set import ScenarioSet, ScenarioStream

DriftPolicy = Literal["model", "neutral", "shrunk", "equilibrium"]
POLICIES: tuple[DriftPolicy, ...] = get_args(DriftPolicy)
POOL_SIZE = 8_192  # paths that the mean is taken over
KEPT_BYTES = 2**28  # of the pool, which then is not drawn again
LEAST_HISTORY = 60  # rows that an estimated drift needs
LEAST_VARIANCE = 1e-15  # of a row's move; what skfolio takes for a price that stands still


def with_drift(
    sampler: Sampler, policy: DriftPolicy, *, rate: float = 0.0, n_pool: int = POOL_SIZE
) -> Sampler:
    """The same scenarios with another drift, behind the same methods.

    Args:
        sampler: Who draws.
        policy: ``model``: as it is. ``neutral``: each asset is expected to return ``rate``.
            ``shrunk``: the means of the history's rows, shrunk towards their common value.
            ``equilibrium``: the expected returns for which equal weights are optimal, on top of
            ``rate``.
        rate: Expected simple return per step; of levels the expected change.
        n_pool: Paths that the sampler's own mean is taken over; at least half as many as are
            drawn, where figures are to have honest errors.

    Raises:
        RequestError: If there is no such policy.
    """
    if policy not in POLICIES:
        raise RequestError(f"drift policy must be one of {', '.join(POLICIES)}, got '{policy}'")
    if not -0.5 < rate < 0.5:
        raise RequestError(f"rate must be a return per step in (-0.5, 0.5), got {rate}")
    return sampler if policy == "model" else Drifted(sampler, policy, rate, n_pool)


@dataclass(frozen=True)
class Drifted:
    """A sampler whose paths have the drift of a policy."""

    sampler: Sampler
    policy: DriftPolicy
    rate: float
    n_pool: int

    @property
    def reference(self) -> str:
        """That of the sampler."""
        return self.sampler.reference

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the cube's last axis."""
        return self.sampler.assets

    @property
    def kind(self) -> str:
        """What the prices must be."""
        return self.sampler.kind

    @property
    def fitted_until(self) -> pd.Timestamp:
        """Last date of the rows that the sampler was fitted on."""
        return self.sampler.fitted_until

    def stream(
        self,
        prices: pd.DataFrame | None,
        horizon: int,
        n_paths: int,
        *,
        seed: int = 0,
        as_of: AsOf = None,
        n_threads: int = 1,
    ) -> ScenarioStream:
        """Scenarios that are drawn when they are read; arguments as for the sampler."""
        if prices is None:
            assert isinstance(self.sampler, TrainedSampler), self.reference
            prices = self.sampler.history()
        inner = self.sampler.stream(prices, horizon, n_paths, seed=seed, as_of=as_of)
        now = present(prices, self.assets, self.kind, as_of, f"'{self.reference}'")
        request = ScenarioRequest(horizon, n_paths, seed)
        draw = self.continuations(now.returns)(len(now.returns.dates) - 1, request)
        policy = {
            "drift_policy": self.policy,
            "drift_rate": self.rate,
            "drift_pool": self.n_pool,
        }
        header = replace(inner.header, metadata={**inner.header.metadata, **policy})
        return ScenarioStream(header, BLOCK_SIZE, draw, n_threads=n_threads)

    def sample(
        self,
        prices: pd.DataFrame | None,
        horizon: int,
        n_paths: int,
        *,
        seed: int = 0,
        as_of: AsOf = None,
        n_threads: int = 1,
    ) -> ScenarioSet:
        """Scenarios in memory; arguments as for :meth:`stream`."""
        drawn = self.stream(prices, horizon, n_paths, seed=seed, as_of=as_of, n_threads=n_threads)
        return drawn.collect()

    def continuations(self, returns: ReturnTable) -> Continuations:
        """How each row of a table of log-returns goes on."""
        inner = self.sampler.continuations(returns)

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            plain = inner(row, request)
            pool = _Pool(plain, -(-self.n_pool // BLOCK_SIZE))
            expected = self._expected(returns, row)
            is_level = self.kind == "level"
            shift = _shift(pool, expected, _n_generators(self.sampler), is_level=is_level)

            def draw(first: int, n_blocks: int = 1) -> Tensor:
                drawn = pool(first, n_blocks)
                numbers = first * BLOCK_SIZE + torch.arange(len(drawn))
                return drawn + shift[numbers % len(shift)]

            return draw

        return continued

    def _expected(self, returns: ReturnTable, row: int) -> Float[Tensor, " n_assets"]:
        """Expected simple return per step of each asset."""
        if self.policy == "neutral":
            return torch.full((len(self.assets),), self.rate, dtype=torch.float64)
        past = returns.values[: row + 1].double()
        known = past[~past.isnan().any(1)]
        if len(known) < LEAST_HISTORY:
            raise RequestError(
                f"drift policy '{self.policy}' needs {LEAST_HISTORY} rows on which every asset has"
                f" a return, got {len(known)}; take neutral"
            )
        moves = known if self.kind == "level" else known.expm1()
        still = (moves.var(0) < LEAST_VARIANCE).nonzero().flatten().tolist()
        if still:
            raise RequestError(
                f"drift policy '{self.policy}' needs prices that move, but"
                f" '{self.assets[still[0]]}' stands still in the {len(known)} rows of the history;"
                " take neutral"
            )
        return _estimated(self.policy, moves, self.rate)


def _estimated(
    policy: DriftPolicy, moves: Float[Tensor, "n_rows n_assets"], rate: float
) -> Float[Tensor, " n_assets"]:
    from skfolio.moments import EquilibriumMu, ShrunkMu

    if moves.shape[1] == 1 and policy == "shrunk":
        return moves.mean(0)
    estimator = ShrunkMu() if policy == "shrunk" else EquilibriumMu()
    found = torch.from_numpy(estimator.fit(moves.numpy()).mu_.copy())
    return found if policy == "shrunk" else found + rate


class _Pool:
    """Blocks of paths, the first of which are kept."""

    def __init__(self, draw: DrawBlock, n_blocks: int) -> None:
        self.draw, self.n_blocks = draw, n_blocks
        self.kept: list[Tensor] = []

    def __call__(self, first: int, n_blocks: int = 1) -> Tensor:
        if first + n_blocks <= len(self.kept):
            return torch.cat(self.kept[first : first + n_blocks])
        return self.draw(first, n_blocks)

    def blocks(self) -> Iterator[Tensor]:
        """Those of the pool, in order."""
        for number in range(self.n_blocks):
            block = self.draw(number)
            if (number + 1) * block.nbytes <= KEPT_BYTES:
                self.kept.append(block)
            yield block


def _shift(
    pool: _Pool, expected: Float[Tensor, " n_assets"], n_generators: int, *, is_level: bool
) -> Float32[Tensor, "n_generators horizon n_assets"]:
    """What must be added to each step's log-return; path i is of generator ``i % n_generators``."""
    mean = _mean_growth(pool.blocks(), n_generators, is_level=is_level)
    steps = torch.arange(1, mean.shape[1] + 1, dtype=torch.float64).unsqueeze(1)
    lack = steps * expected - mean if is_level else steps * expected.log1p() - mean.log()
    return lack.diff(dim=1, prepend=torch.zeros_like(lack[:, :1])).float()


@torch.no_grad()
def _mean_growth(
    blocks: Iterable[Tensor], n_generators: int, *, is_level: bool
) -> Float[Tensor, "n_generators horizon n_assets"]:
    """Mean of what each asset has grown to after each step, by generator; of levels, moved by."""
    sums, n_paths = torch.zeros(()), 0
    for block in blocks:
        moved = block.double().cumsum(1)
        owners = (n_paths + torch.arange(len(block))) % n_generators
        part = moved.new_zeros(n_generators, *moved.shape[1:])
        sums = sums + part.index_add_(0, owners, moved if is_level else moved.exp_())
        n_paths += len(block)
    counts = torch.bincount(torch.arange(n_paths) % n_generators)
    return sums / counts[:, None, None]


def _n_generators(sampler: Sampler) -> int:
    return len(sampler.model.generators) if isinstance(sampler, TrainedSampler) else 1
