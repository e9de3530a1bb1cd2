"""Paths that meet a condition: out of a pool of the model's own, or drawn towards it.

The first blocks of the pool tell how wide the shocked moves are and how rare the shock is. Unless
so many of the whole pool would meet it, a trained model is drawn under a shift of its noise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice

import pandas as pd
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from fingan.scenarios.header import ScenarioHeader
from fingan.scenarios.samplers import BLOCK_SIZE, Sampler, TrainedSampler
from fingan.scenarios.tilting import Shifts, log_ratios, tilted_stream
from fingan.stress.conditions import Constraint, Figures, constraints_of, figures_of, span_of
from fingan.stress.proposal import searched_shifts
from fingan.stress.request import StressRequest
from fingan.stress.weighting import Kernel, sharpness

N_PILOT = 20  # blocks
ENOUGH = 1_000  # effective number of paths after which no more are drawn
SEARCH_WIDTH = 0.5  # standard deviations within which the search takes a value as met
MARGIN = 2.0  # times the least effective number that a pool must promise


@dataclass(frozen=True)
class Draws:
    """The paths that were drawn, and those of them that meet the condition."""

    header: ScenarioHeader
    constraints: tuple[Constraint, ...]
    kernel: Kernel
    scale: Float[Tensor, " n_constraints"]
    """Standard deviation of each constraint's figure under the model's own law."""
    figures: Figures
    """Of all paths drawn."""
    ratios: Float[Tensor, " n_drawn"] | None
    """Logarithm of their likelihood ratios; None where they are the model's own."""
    shifts: Shifts | None
    numbers: Int64[Tensor, " n_kept"]
    """Of the paths that meet the condition."""
    log_returns: Float32[Tensor, "n_kept horizon n_assets"]
    weights: Float[Tensor, " n_kept"]
    """Probabilities, sum 1."""
    usual: Float[Tensor, "n_usual n_assets"]
    """Simple returns over the horizon of paths of the model's own law, unconditional."""
    n_members: int

    @property
    def n_drawn(self) -> int:
        """Paths drawn."""
        return len(self.figures)

    @property
    def members(self) -> Int64[Tensor, " n_kept"]:
        """The generator that drew each path that meets the condition."""
        return self.numbers % self.n_members

    @property
    def ess(self) -> float:
        """Effective number of paths that meet the condition."""
        return sharpness(self.weights.log())


def drawn(
    sampler: Sampler,
    prices: pd.DataFrame,
    request: StressRequest,
    *,
    n_threads: int = 1,
    may_search: bool = True,
) -> Draws:
    """Draw until enough paths meet the condition, or all that may be drawn are.

    Raises:
        UnknownAssetError, RequestError: If the request does not fit the sampler or the prices.
    """
    is_level = sampler.kind == "level"
    constraints = constraints_of(request.shocks, sampler.assets, request.horizon, is_level=is_level)
    stream = sampler.stream(
        prices,
        request.horizon,
        request.n_pool,
        seed=request.seed,
        as_of=request.as_of,
        n_threads=n_threads,
    )
    blocks = stream.blocks()
    pilot = torch.cat(list(islice(blocks, N_PILOT)))
    figures = figures_of(pilot, constraints, is_level=is_level)
    scale = figures.std(0)
    kernel = Kernel.of(constraints, scale, request.bandwidth)
    promised = sharpness(kernel.log_weights(figures)) * request.n_pool / len(pilot)
    shifts = None
    if may_search and request.search and promised < MARGIN * request.min_ess:
        shifts = _shifts(sampler, prices, request, kernel, scale, n_threads)
    gathering = _Gathering(kernel, constraints, is_level)
    if shifts is None or not isinstance(sampler, TrainedSampler):
        gathering.take(chain([pilot], blocks))
        ratios, usual = None, torch.cat(gathering.terminal)
    else:
        blocks.close()
        rounds = max(request.n_pool // (BLOCK_SIZE * len(shifts)), 1)
        n_moved = rounds * BLOCK_SIZE * len(shifts)  # every shift in equal shares
        ratios = log_ratios(sampler, n_moved, shifts, seed=request.seed)
        moved = tilted_stream(
            sampler,
            prices,
            request.horizon,
            n_moved,
            shifts,
            seed=request.seed,
            as_of=request.as_of,
            n_threads=n_threads,
        )
        gathering.take(moved.blocks(), ratios, len(shifts))
        ratios = ratios[: gathering.n_drawn]
        usual = _terminal(pilot, is_level)
    return gathering.draws(stream.header, scale, ratios, shifts, usual)


def _shifts(
    sampler: Sampler,
    prices: pd.DataFrame,
    request: StressRequest,
    kernel: Kernel,
    scale: Float[Tensor, " n_constraints"],
    n_threads: int,
) -> Shifts | None:
    """Over the whole horizon; after the condition's span the noise stays as it is."""
    if not isinstance(sampler, TrainedSampler):
        return None
    constraints, is_level = kernel.constraints, sampler.kind == "level"

    def shortfall(log_returns: Tensor) -> Tensor:
        figures = figures_of(log_returns, constraints, is_level=is_level)
        return kernel.shortfall(figures, scale, SEARCH_WIDTH)

    span = span_of(constraints)
    found = searched_shifts(
        sampler,
        prices,
        span,
        shortfall,
        seed=request.seed,
        as_of=request.as_of,
        n_threads=n_threads,
    )
    shifts = found.new_zeros(len(found), request.horizon, found.shape[2])
    shifts[:, :span] = found
    return shifts


class _Gathering:
    """What is kept of blocks of paths as they are drawn."""

    def __init__(self, kernel: Kernel, constraints: tuple[Constraint, ...], is_level: bool) -> None:
        self.kernel, self.constraints, self.is_level = kernel, constraints, is_level
        self.figures: list[Tensor] = []
        self.terminal: list[Tensor] = []
        self.numbers: list[Tensor] = []
        self.kept: list[Tensor] = []
        self.n_drawn = 0

    def take(self, blocks: Iterable[Tensor], ratios: Tensor | None = None, turns: int = 1) -> None:
        """Take blocks until enough paths meet the condition, weighted by ``ratios`` too.

        They end after a whole number of ``turns``, so that every shift has its share.
        """
        total = squares = 0.0
        for turn, block in enumerate(blocks, start=1):
            figures = figures_of(block, self.constraints, is_level=self.is_level)
            log_weights = self.kernel.log_weights(figures)
            if ratios is not None:
                log_weights = log_weights + ratios[self.n_drawn : self.n_drawn + len(block)]
            near = log_weights.isfinite().nonzero().squeeze(1)
            self.figures.append(figures)
            self.terminal.append(_terminal(block, self.is_level))
            self.numbers.append(near + self.n_drawn)
            self.kept.append(block[near])
            self.n_drawn += len(block)
            weights = log_weights[near].exp()
            total, squares = total + float(weights.sum()), squares + float(weights.square().sum())
            if turn % turns == 0 and total**2 >= ENOUGH * squares > 0:
                break

    def draws(
        self,
        header: ScenarioHeader,
        scale: Tensor,
        ratios: Tensor | None,
        shifts: Tensor | None,
        usual: Tensor,
    ) -> Draws:
        """The draws with their weights."""
        figures, numbers = torch.cat(self.figures), torch.cat(self.numbers)
        near = figures[numbers]
        log_weights = self.kernel.log_weights(near)
        if ratios is not None:
            log_weights = log_weights + ratios[numbers]
        weights = self.kernel.centred(near, log_weights).softmax(0)
        return Draws(
            header,
            self.constraints,
            self.kernel,
            scale,
            figures,
            ratios,
            shifts,
            numbers,
            torch.cat(self.kept),
            weights,
            usual,
            header.metadata["n_generators"],
        )


def _terminal(log_returns: Tensor, is_level: bool) -> Float[Tensor, "n_paths n_assets"]:
    """Simple returns over the horizon; the change of a level."""
    total = log_returns.sum(1, dtype=torch.float64)
    return total if is_level else total.expm1()
