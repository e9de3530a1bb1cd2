"""Paths on which a portfolio loses at least so much: out of a pool, or drawn towards the loss.

The first blocks of the pool tell how rare the loss is. Where the whole pool would hold too few such
paths, a trained model is drawn under shifts of its noise and each path weighted by its exact
likelihood ratio, so that the law stays the model's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice

import pandas as pd
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from fingan.risk import influences
from fingan.risk.estimates import Estimate, as_estimate, effective_size, estimated
from fingan.scenarios.header import ScenarioHeader
from fingan.scenarios.samplers import BLOCK_SIZE, Sampler, TrainedSampler
from fingan.scenarios.tilting import Shifts, log_ratios, tilted_stream
from fingan.stress.proposal import searched_shifts
from fingan.stress.reverse_request import ReverseRequest

N_PILOT = 20  # blocks
ENOUGH = 2_000  # effective number of losing paths after which no more are drawn
MARGIN = 2.0  # times the least effective number that a pool must promise

LogReturns = Float[Tensor, "n_paths horizon n_assets"]


@dataclass(frozen=True)
class Losing:
    """The paths that were drawn, and those of them that lose enough."""

    header: ScenarioHeader
    losses: Float[Tensor, " n_drawn"]
    """Of the portfolio over the horizon; positive is lost."""
    ratios: Float[Tensor, " n_drawn"] | None
    """Logarithm of the likelihood ratios; None where the paths are the model's own."""
    shifts: Shifts | None
    numbers: Int64[Tensor, " n_kept"]
    """Of the losing paths."""
    log_returns: Float32[Tensor, "n_kept horizon n_assets"]
    weights: Float[Tensor, " n_kept"]
    """Probabilities given the loss, sum 1."""

    @property
    def members(self) -> Int64[Tensor, " n_kept"]:
        """The generator that drew each losing path."""
        return self.numbers % int(self.header.metadata["n_generators"])

    @property
    def ess(self) -> float:
        """Effective number of losing paths; 0 where there are none."""
        return effective_size(self.weights) if len(self.weights) else 0.0

    def share(self, chosen: Bool[Tensor, " n_kept"]) -> Estimate:
        """Of some of the losing paths among all of them, by probability."""
        return estimated(influences.probability, chosen, self.weights, self.members)

    def probability(self, chosen: Bool[Tensor, " n_kept"] | None = None) -> Estimate:
        """Unconditional probability of the losing paths, or of some of them."""
        n_drawn = len(self.losses)
        hits = torch.zeros(n_drawn, dtype=torch.bool)
        hits[self.numbers if chosen is None else self.numbers[chosen]] = True
        members = torch.arange(n_drawn) % int(self.header.metadata["n_generators"])
        if self.ratios is None:
            return as_estimate(influences.probability(hits), members=members)
        return as_estimate(influences.mean(hits * self.ratios.exp()), members=members)


def losing(
    sampler: Sampler,
    prices: pd.DataFrame,
    weights: Float[Tensor, " n_assets"],
    asked: ReverseRequest,
    *,
    n_threads: int = 1,
) -> Losing:
    """Draw until enough paths lose so much, or all that may be drawn are.

    Args:
        sampler: Only a trained model can be drawn under moved noise.
        prices: History from ``read_prices``.
        weights: Of the portfolio, in the sampler's order.
        asked: The loss and how to draw.
        n_threads: Blocks drawn at once; changes no value.
    """
    is_level = sampler.kind == "level"
    stream = sampler.stream(
        prices,
        asked.horizon,
        asked.n_pool,
        seed=asked.seed,
        as_of=asked.as_of,
        n_threads=n_threads,
    )
    blocks = stream.blocks()
    pilot = torch.cat(list(islice(blocks, N_PILOT)))
    losses = losses_of(pilot, weights, is_level=is_level)
    promised = float((losses >= asked.loss).double().mean()) * asked.n_pool
    gathering = _Gathering(weights, asked.loss, is_level)
    if (
        not isinstance(sampler, TrainedSampler)
        or not asked.search
        or promised >= MARGIN * asked.min_ess
    ):
        gathering.take(chain([pilot], blocks))
        return gathering.losing(stream.header, None, None)
    blocks.close()
    spread = float(losses.std())

    def shortfall(log_returns: Tensor) -> Tensor:
        return (asked.loss - losses_of(log_returns, weights, is_level=is_level)) / spread

    shifts = searched_shifts(
        sampler,
        prices,
        asked.horizon,
        shortfall,
        seed=asked.seed,
        as_of=asked.as_of,
        n_threads=n_threads,
    )
    rounds = max(asked.n_pool // (BLOCK_SIZE * len(shifts)), 1)
    n_moved = rounds * BLOCK_SIZE * len(shifts)  # every shift in equal shares
    ratios = log_ratios(sampler, n_moved, shifts, seed=asked.seed)
    moved = tilted_stream(
        sampler,
        prices,
        asked.horizon,
        n_moved,
        shifts,
        seed=asked.seed,
        as_of=asked.as_of,
        n_threads=n_threads,
    )
    gathering.take(moved.blocks(), ratios, len(shifts))
    return gathering.losing(stream.header, ratios, shifts)


def losses_of(
    log_returns: LogReturns, weights: Float[Tensor, " n_assets"], *, is_level: bool = False
) -> Float[Tensor, " n_paths"]:
    """Loss of a portfolio over the horizon, float64."""
    return course_of(log_returns, weights, is_level=is_level)[:, -1]


def course_of(
    log_returns: LogReturns, weights: Float[Tensor, " n_assets"], *, is_level: bool = False
) -> Float[Tensor, "n_paths horizon"]:
    """Loss of a portfolio since the start, after each step, float64; bought and held."""
    moves = log_returns.cumsum(1, dtype=torch.float64)
    return -((moves if is_level else moves.expm1()) @ weights)


class _Gathering:
    """What is kept of blocks of paths as they are drawn."""

    def __init__(self, weights: Tensor, loss: float, is_level: bool) -> None:
        self.weights, self.loss, self.is_level = weights, loss, is_level
        self.losses: list[Tensor] = []
        self.numbers: list[Tensor] = []
        self.kept: list[Tensor] = []
        self.n_drawn = 0

    def take(self, blocks: Iterable[Tensor], ratios: Tensor | None = None, turns: int = 1) -> None:
        """Take blocks until enough paths lose so much, by whole numbers of ``turns``."""
        total = squares = 0.0
        for turn, block in enumerate(blocks, start=1):
            losses = losses_of(block, self.weights, is_level=self.is_level)
            hits = (losses >= self.loss).nonzero().squeeze(1)
            self.losses.append(losses)
            self.numbers.append(hits + self.n_drawn)
            self.kept.append(block[hits])
            own = torch.ones(len(hits)) if ratios is None else ratios[hits + self.n_drawn].exp()
            self.n_drawn += len(block)
            total, squares = total + float(own.sum()), squares + float(own.square().sum())
            if turn % turns == 0 and total**2 >= ENOUGH * squares > 0:
                break

    def losing(
        self, header: ScenarioHeader, ratios: Tensor | None, shifts: Tensor | None
    ) -> Losing:
        """The losing paths with their weights."""
        numbers = torch.cat(self.numbers)
        drawn = None if ratios is None else ratios[: self.n_drawn]
        logs = torch.zeros(len(numbers)).double() if drawn is None else drawn[numbers]
        return Losing(
            header,
            torch.cat(self.losses),
            drawn,
            shifts,
            numbers,
            torch.cat(self.kept),
            logs.softmax(0),
        )
