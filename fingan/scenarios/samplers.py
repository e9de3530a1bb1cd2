"""Samplers: whatever draws scenarios from a history, behind one method.

The trained model and each classical baseline condition on the same ``Present`` and draw the same
fixed blocks of paths, so that path i is one path, however many are asked for.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Protocol

import pandas as pd
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from fingan import __version__, interruption
from fingan.data.returns import ReturnTable
from fingan.errors import RequestError
from fingan.models.market import MarketModel
from fingan.models.states import Today
from fingan.scenarios.calendars import infer_calendar, step_dates
from fingan.scenarios.header import StepDate, machine_memory
from fingan.scenarios.noise import ALIGNED, path_normals
from fingan.scenarios.present import AsOf, Present, present
from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioSet, ScenarioStream

BLOCK_SIZE = 512  # paths drawn at once; part of what determines their bits
STRETCH = 64  # steps computed at once; a block of paths is held whole
MAX_SEED = 2**64 - 1


@dataclass(frozen=True)
class ScenarioRequest:
    """How far, how many, from which random numbers."""

    horizon: int
    n_paths: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("horizon", "n_paths", "seed"):
            given = getattr(self, name)
            try:
                object.__setattr__(self, name, operator.index(given))
            except TypeError:
                raise RequestError(f"{name} must be a whole number, got {given!r}") from None
        for name, count in (("horizon", self.horizon), ("n_paths", self.n_paths)):
            if count < 1:
                raise RequestError(f"{name} must be at least 1, got {count}")
        if not 0 <= self.seed <= MAX_SEED:
            raise RequestError(f"seed must lie in 0 to 2^64 - 1, got {self.seed}")


class DrawBlock(Protocol):
    """Blocks of paths by their index: pure, and safe to call from several threads."""

    def __call__(
        self, first: int, n_blocks: int = 1, /
    ) -> Float32[Tensor, "n_paths horizon n_assets"]:
        """Blocks one after the other, each with the bits that it has alone."""


Continuations = Callable[[int, ScenarioRequest], DrawBlock]
"""From a row of a table of returns on: blocks of paths that know the rows up to it alone."""


class Sampler(Protocol):
    """Anything that continues a history with scenarios: the trained model, each baseline."""

    @property
    def reference(self) -> str:
        """Its name: ``equities@3``, ``fhs-gjr``."""

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the cube's last axis."""

    @property
    def kind(self) -> str:
        """What the prices must be."""

    @property
    def fitted_until(self) -> pd.Timestamp:
        """Last date of the rows it was fitted on; an ``as_of`` before it is no forecast."""

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
        """Scenarios that are drawn when they are read."""

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

    def continuations(self, returns: ReturnTable) -> Continuations:
        """How each row of a table of log-returns goes on."""


@dataclass(frozen=True)
class Prepared:
    """A sampler that has read a history: what is the same for every request that continues it.

    Args:
        sampler: Who draws.
        now: The history.
        continued: From a row of its returns on, as ``continuations`` gives it.
        digest: Of the model; None where there is no published one.
        n_generators: Of the sampler's ensemble; path i is of generator ``i % n_generators``.
    """

    sampler: Sampler
    now: Present
    continued: Continuations
    digest: str | None = None
    n_generators: int = 1

    def stream(
        self, horizon: int, n_paths: int, *, seed: int = 0, n_threads: int = 1
    ) -> ScenarioStream:
        """Scenarios that continue the history; arguments as for ``Sampler.stream``.

        Raises:
            RequestError: If horizon, paths or seed are out of range.
        """
        request, returns = ScenarioRequest(horizon, n_paths, seed), self.now.returns
        _check_block(horizon, len(returns.assets), n_threads)
        header = ScenarioHeader(
            assets=returns.assets,
            start_prices=self.now.start_prices,
            horizon=request.horizon,
            n_paths=request.n_paths,
            dates=self._dates(request.horizon),
            kind=returns.kind,
            metadata=self._metadata | {"seed": request.seed},
        )
        draw = self.continued(len(returns.dates) - 1, request)
        return ScenarioStream(header, BLOCK_SIZE, draw, n_threads=n_threads)

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        return {
            "model": self.sampler.reference,
            "model_digest": self.digest,
            "n_generators": self.n_generators,
            "fitted_until": self.sampler.fitted_until.isoformat(),
            **self.now.metadata(),
            "calendar": infer_calendar(self.now.dates),
            "condition": None,
            "drift_policy": "model",
            "software": f"fingan {__version__}",
        }

    @cached_property
    def _known_dates(self) -> dict[int, tuple[StepDate, ...] | None]:
        return {}

    def _dates(self, horizon: int) -> tuple[StepDate, ...] | None:
        """Of the steps; the calendar is asked once for each horizon."""
        if horizon not in self._known_dates:
            calendar = self._metadata["calendar"]
            self._known_dates[horizon] = step_dates(self.now.dates, horizon, calendar)
        return self._known_dates[horizon]


def scenario_stream(
    sampler: Sampler,
    now: Present,
    request: ScenarioRequest,
    digest: str | None,
    n_threads: int,
    n_generators: int = 1,
) -> ScenarioStream:
    """The scenarios of one request that continues a history, as :class:`Prepared` gives them."""
    prepared = Prepared(sampler, now, sampler.continuations(now.returns), digest, n_generators)
    return prepared.stream(request.horizon, request.n_paths, seed=request.seed, n_threads=n_threads)


def _check_block(horizon: int, n_assets: int, n_threads: int) -> None:
    """Refuse a horizon whose blocks of paths cannot be held in memory."""
    needed = 3 * (n_threads + 1) * BLOCK_SIZE * horizon * n_assets * 4
    memory = machine_memory()
    if needed > memory:
        raise RequestError(
            f"a block of {BLOCK_SIZE} paths must fit in memory: {horizon:,} steps of {n_assets:,}"
            f" assets on {n_threads} threads need about {needed:,} bytes of {memory:,}; take a"
            " shorter horizon"
        )


@dataclass(frozen=True)
class TrainedSampler:
    """A trained model, ready to continue any history of its assets."""

    model: MarketModel
    reference: str = "unpublished"
    digest: str | None = None
    card: dict[str, Any] = field(default_factory=dict, compare=False)
    """What it was trained on, its scores and gates; empty for an unpublished model."""

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the cube's last axis."""
        return self.model.shape.assets

    @property
    def kind(self) -> str:
        """What the prices must be."""
        return self.model.shape.kind

    @property
    def fitted_until(self) -> pd.Timestamp:
        """Last date of the training period."""
        last: pd.Timestamp = self.history().index[-1]
        return last

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
        """Scenarios that are drawn when they are read, with flat memory.

        Args:
            prices: History from ``read_prices``; None for the tail stored with the model. Rows
                after ``as_of`` change nothing.
            horizon: Steps, any number.
            n_paths: Paths.
            seed: From 0 to 2^64 - 1; path i depends on it and on i, not on ``n_paths``.
            as_of: Last date of the history to use; default the last row.
            n_threads: Blocks drawn at once; changes no value.

        Raises:
            UnknownAssetError: If the prices lack an asset of the model.
            RequestError: If horizon, paths, seed or date are out of range.
        """
        ScenarioRequest(horizon, n_paths, seed)  # a mistake shows before the history is read
        prepared = self.prepared(prices, as_of)
        return prepared.stream(horizon, n_paths, seed=seed, n_threads=n_threads)

    def prepared(self, prices: pd.DataFrame | None, as_of: AsOf = None) -> Prepared:
        """The model with a history read, for many requests that continue it; as :meth:`stream`."""
        history = self.history() if prices is None else prices
        now = present(history, self.assets, self.kind, as_of, f"model '{self.reference}'")
        continued = self._continuations(now.returns, draws_all=False)
        return Prepared(self, now, continued, self.digest, len(self.model.generators))

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
        return self._continuations(returns, draws_all=True)

    def _continuations(self, returns: ReturnTable, *, draws_all: bool) -> Continuations:
        history = self.model.conditions(returns)

        @lru_cache(maxsize=2)
        def following(row: int, horizon: int) -> Tensor:
            return self.model.time_of_day.following(returns.dates[: row + 1], horizon)

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            factors, begin = following(row, request.horizon), history.row(row + 1)
            return trained_blocks(self.model, begin, factors, request, draws_all=draws_all)

        return continued

    def history(self) -> pd.DataFrame:
        """The tail of prices stored with the model, as ``read_prices`` gives a table."""
        tail = self.model.history
        index = pd.DatetimeIndex(tail.dates.numpy().astype("M8[ns]"), name="date")
        table = pd.DataFrame(tail.prices.numpy(), index=index, columns=list(self.assets))
        table.attrs["kind"] = self.kind
        return table


def trained_blocks(
    model: MarketModel,
    begin: Today,
    factors: Float[Tensor, "horizon n_assets"],
    request: ScenarioRequest,
    shift: Float32[Tensor, "horizon n_noise"] | None = None,
    *,
    draws_all: bool = True,
) -> DrawBlock:
    """Blocks of a trained model's paths.

    Args:
        model: Who draws.
        begin: Where every path begins, one row.
        factors: Of each step's time of day.
        request: Horizon and seed.
        shift: What is added to every path's noise; None for the model's own law.
        draws_all: Whether a last block that the request fills in part is drawn whole; its paths
            have the same bits either way, and few of them cost less.
    """
    mean, spread = model.mean.float(), (model.std * factors).float().unsqueeze(1)

    def draw(first_block: int, n_blocks: int = 1) -> Tensor:
        n_left = request.n_paths - first_block * BLOCK_SIZE
        n_paths = n_blocks * BLOCK_SIZE if draws_all else min(n_left, n_blocks * BLOCK_SIZE)
        n_generators = len(model.generators)
        own, places = _shares(first_block % n_generators, n_blocks, n_generators, n_paths)
        cube = torch.empty(request.horizon, n_paths, len(mean))
        todays = [begin.expand(len(paths)) for paths in own]
        memories: list[Any] = [None] * len(own)
        for first in range(0, request.horizon, STRETCH):
            interruption.check()
            n_steps = min(STRETCH, request.horizon - first)
            noise = path_normals(
                request.seed,
                first_block,
                first,
                n_steps,
                BLOCK_SIZE,
                model.n_noise,
                n_blocks,
                n_paths,
            )
            if shift is not None:
                noise.add_(shift[first : first + n_steps].unsqueeze(1))
            parts = []
            for k, generator in enumerate(model.generators):
                given = noise.index_select(1, own[k])
                returns, todays[k], memories[k] = generator(given, todays[k], memories[k])
                parts.append(returns)
            stretch = slice(first, first + n_steps)
            drawn = torch.cat(parts, 1).index_select(1, places)
            torch.addcmul(mean, drawn, spread[stretch], out=cube[stretch])
        return cube.transpose(0, 1)

    return draw


@lru_cache(maxsize=8)
def _shares(
    first_block: int, n_blocks: int, n_generators: int, n_paths: int
) -> tuple[list[Int64[Tensor, " n_rows"]], Int64[Tensor, " n_paths"]]:
    """Path i is of generator ``i % n_generators``.

    Args:
        first_block: Index of the first block, modulo the number of generators.
        n_blocks: Blocks side by side.
        n_generators: Of the ensemble.
        n_paths: The first ones of these blocks, which are drawn.

    Returns:
        The paths that each generator draws, and the place of each path among all that were drawn.
        A generator draws equally many rows of every block, more than its share if need be and a
        multiple of ``ALIGNED``: a row's bits do not depend on those beside it then.
    """
    most = min(n_paths, BLOCK_SIZE)  # paths of one block
    n_rows = -(-most // (n_generators * ALIGNED)) * ALIGNED
    blocks = torch.arange(n_blocks).unsqueeze(1)
    before = (first_block + blocks) * BLOCK_SIZE
    own = []
    for number in range(n_generators):
        within = (number - before) % n_generators + n_generators * torch.arange(n_rows)
        own.append((blocks * BLOCK_SIZE + within.clamp(max=most - 1)).flatten())
    within = torch.arange(most)
    numbers = (before + within) % n_generators
    places = (numbers * n_blocks + blocks) * n_rows + within // n_generators
    return own, places.flatten()[:n_paths]
