"""Shifts of a model's noise under which a rare event is common, found by cross-entropy.

From the model's own law on, the paths nearest to the event are weighted by their likelihood ratios;
the mean of their noise is the next shift, of all shifts the nearest to their law in relative
entropy. A great move has several ways to happen, one for each day that a jump may fall on, and a
mean of them is none: the paths are parted by when they moved most, and each part has its own shift.
What is no larger than sampling error is left out: hundreds of directions would otherwise each add a
little noise to the weights.

Source: Rubinstein & Kroese (2004), The cross-entropy method, algorithm 2.3.1 and equation 2.34;
Owen & Zhou (2000), Safe and effective importance sampling, section 2, for several shifts and one
of zero among them; Donoho & Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage, for
leaving small ones out.
"""

import math
from collections.abc import Callable, Iterator

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.risk.estimates import effective_size
from fingan.scenarios.present import AsOf
from fingan.scenarios.samplers import MAX_SEED, TrainedSampler
from fingan.scenarios.tilting import Shift, Shifts, log_ratios, path_noise, tilted_stream

N_SEARCHED = 10_240  # paths of one iteration
ELITE = 0.1  # share of the paths that the next shifts are learnt from
MAX_ITERATIONS = 8
MAX_PARTS = 5  # of the time until the event, each with a shift
ENOUGH = 0.05  # share of the paths that reach the event under the last shifts

Shortfall = Callable[[Float[Tensor, "n_paths horizon n_assets"]], Float[Tensor, " n_paths"]]
"""How far log-returns of paths are from an event; 0 and below where they reach it."""


def searched_shifts(
    model: TrainedSampler,
    prices: pd.DataFrame | None,
    span: int,
    shortfall: Shortfall,
    *,
    seed: int = 0,
    as_of: AsOf = None,
    n_threads: int = 1,
) -> Shifts:
    """Shifts of a model's noise that make an event common; the first is zero.

    Args:
        model: Whose noise it is.
        prices: History; None for the tail stored with the model.
        span: Steps after which the event has happened or not; the shifts have no more.
        shortfall: How far paths of so many steps are from the event.
        seed: The search draws from seeds of its own that follow from it.
        as_of: Last date of the history to use.
        n_threads: Blocks drawn at once; changes no value.

    Returns:
        The last shifts found; whether they reach the event is seen from what is drawn under them.
    """
    shifts = torch.zeros(1, span, model.model.n_noise, dtype=torch.float64)
    for own_seed in _seeds(seed):
        stream = tilted_stream(
            model,
            prices,
            span,
            N_SEARCHED,
            shifts,
            seed=own_seed,
            as_of=as_of,
            n_threads=n_threads,
        )
        distances = torch.cat([shortfall(block) for block in stream.blocks()])
        level = max(float(distances.quantile(ELITE)), 0.0)
        elite = (distances <= level).nonzero().squeeze(1)
        ratios = log_ratios(model, N_SEARCHED, shifts, seed=own_seed)[elite]
        noise = path_noise(model, elite, span, shifts, seed=own_seed)
        shifts = _parted(noise, (ratios - ratios.max()).exp())
        if float((distances <= 0).double().mean()) > ENOUGH:
            break
    return shifts


def _seeds(seed: int) -> Iterator[int]:
    """Seeds of the search: none is the one whose paths are weighted in the end."""
    for iteration in range(1, MAX_ITERATIONS + 1):
        yield (seed + iteration * 0x9E3779B97F4A7C15) % (MAX_SEED + 1)


def _parted(
    noise: Float[Tensor, "n_elite span n_noise"], weights: Float[Tensor, " n_elite"]
) -> Shifts:
    """Zero, and one shift for each part of the time in which paths may move most."""
    span = noise.shape[1]
    mean = torch.einsum("p,phk->hk", weights / weights.sum(), noise)
    direction = mean.mean(0)  # of a day's noise, whichever the day
    most = (noise @ direction).argmax(1)
    n_parts = min(span, MAX_PARTS)
    parts = most * n_parts // span
    shifts = [torch.zeros_like(mean)]
    for part in range(n_parts):
        own = parts == part
        if own.any():
            shifts.append(_mean_noise(noise[own], weights[own]))
    return torch.stack(shifts)


def _mean_noise(
    noise: Float[Tensor, "n_elite span n_noise"], weights: Float[Tensor, " n_elite"]
) -> Shift:
    """Weighted mean noise, small entries to 0."""
    mean = torch.einsum("p,phk->hk", weights / weights.sum(), noise)
    threshold = math.sqrt(2 * math.log(mean.numel()) / effective_size(weights))
    return torch.where(mean.abs() > threshold, mean, 0.0)
