"""Importance sampling in the noise of a trained model: rare paths drawn often, weighted exactly.

A path is drawn with its noise moved by a shift, or by one of several; its likelihood ratio, which
is known in closed form because the noise is normal, gives back the model's own law. Several shifts
take turns by blocks of paths and are weighted as the mixture that they are, so that an event with
several ways to happen is met on each of them. What good shifts are, is the business of who asks.

Source: Glasserman (2003), Monte Carlo methods in financial engineering, section 4.6; Veach & Guibas
(1995), Optimally combining sampling techniques for Monte Carlo rendering, section 3.2, for the
weights of a mixture drawn in fixed shares.
"""

import math
from dataclasses import replace

import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.scenarios.noise import path_normals
from fingan.scenarios.present import AsOf, present
from fingan.scenarios.samplers import (
    BLOCK_SIZE,
    ScenarioRequest,
    TrainedSampler,
    scenario_stream,
    trained_blocks,
)
from fingan.scenarios.scenario_set import ScenarioSet, ScenarioStream

Shift = Float[Tensor, "horizon n_noise"]  # standard deviations of the noise
Shifts = Float[Tensor, "n_shifts horizon n_noise"]


def tilted_stream(
    model: TrainedSampler,
    prices: pd.DataFrame | None,
    horizon: int,
    n_paths: int,
    shifts: Shifts,
    *,
    seed: int = 0,
    as_of: AsOf = None,
    n_threads: int = 1,
) -> ScenarioStream:
    """Scenarios whose noise is moved, drawn when they are read.

    Block ``b`` of paths is moved by shift ``b % n_shifts``. They have the model's law only with the
    weights of :func:`log_ratios`; a shift of zero gives the bits of ``model.stream``. Other
    arguments as there.
    """
    request = ScenarioRequest(horizon, n_paths, seed)
    history = model.history() if prices is None else prices
    now = present(history, model.assets, model.kind, as_of, f"model '{model.reference}'")
    market = model.model
    stream = scenario_stream(model, now, request, model.digest, n_threads, len(market.generators))
    begin = market.conditions(now.returns).row(-1)
    factors = market.time_of_day.following(now.returns.dates, horizon)
    draws = [trained_blocks(market, begin, factors, request, shift.float()) for shift in shifts]

    def draw_block(index: int) -> Tensor:
        return draws[index % len(draws)](index)

    return replace(stream, draw_block=draw_block)


def tilted(
    model: TrainedSampler,
    prices: pd.DataFrame | None,
    horizon: int,
    n_paths: int,
    shift: Shift,
    *,
    seed: int = 0,
    as_of: AsOf = None,
    n_threads: int = 1,
) -> tuple[ScenarioSet, Float[Tensor, " n_paths"]]:
    """Scenarios drawn under moved noise, and the logarithm of each path's likelihood ratio.

    Args:
        model: Whose noise it is.
        prices: History; None for the tail stored with the model.
        horizon: Steps.
        n_paths: Paths.
        shift: What is added to every path's noise at each step.
        seed: As for ``model.sample``.
        as_of: Last date of the history to use.
        n_threads: Blocks drawn at once; changes no value.

    Returns:
        The paths, and ``ln p / q`` of each: weighted by its exponential they have the model's law.

    Source: Glasserman (2003), section 4.6.1, equation 4.80.
    """
    shifts = shift.unsqueeze(0)
    stream = tilted_stream(
        model, prices, horizon, n_paths, shifts, seed=seed, as_of=as_of, n_threads=n_threads
    )
    return stream.collect(), log_ratios(model, n_paths, shifts, seed=seed)


def log_ratios(
    model: TrainedSampler, n_paths: int, shifts: Shifts, *, seed: int = 0
) -> Float[Tensor, " n_paths"]:
    """Logarithm of the likelihood ratio of each path that :func:`tilted_stream` draws.

    A path's noise x has the density ``exp(<x, s> - |s|^2 / 2)`` under a shift s, relative to the
    model's own; the ratio is one over the mean of these, weighted by the paths of each shift.
    """
    moved = shifts.double()
    is_moved = moved.any(2).any(0)
    n_steps = int(is_moved.nonzero().max()) + 1 if is_moved.any() else 1
    moved = moved[:, :n_steps].flatten(1)
    n_blocks = -(-n_paths // BLOCK_SIZE)
    turns = torch.arange(n_blocks) % len(moved)
    shares = torch.bincount(turns, minlength=len(moved)).double().log() - math.log(n_blocks)
    constants = shares - moved.square().sum(1) / 2
    ratios = []
    for block, turn in enumerate(turns.tolist()):
        noise = path_normals(seed, block, 0, n_steps, BLOCK_SIZE, model.model.n_noise)
        own = noise.transpose(0, 1).flatten(1).double() + moved[turn]
        ratios.append(-(own @ moved.T + constants).logsumexp(1))
    return torch.cat(ratios)[:n_paths]


def path_noise(
    model: TrainedSampler,
    paths: Int64[Tensor, " n_chosen"],
    n_steps: int,
    shifts: Shifts | None = None,
    *,
    seed: int = 0,
) -> Float[Tensor, "n_chosen n_steps n_noise"]:
    """The noise that some paths are made of, float64.

    Args:
        model: Whose noise it is.
        paths: Their numbers, rising.
        n_steps: First steps.
        shifts: As the paths were drawn under; None for the model's own law.
        seed: Of the scenarios.
    """
    chosen = [torch.empty(0, n_steps, model.model.n_noise, dtype=torch.float64)]
    blocks = paths // BLOCK_SIZE
    for block in blocks.unique().tolist():
        noise = path_normals(seed, block, 0, n_steps, BLOCK_SIZE, model.model.n_noise)
        rows = noise[:, paths[blocks == block] % BLOCK_SIZE].transpose(0, 1).double()
        chosen.append(rows if shifts is None else rows + shifts[block % len(shifts), :n_steps])
    return torch.cat(chosen)
