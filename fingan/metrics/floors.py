"""What a metric scores when there is nothing to find: sampling floor and real against real.

A perfect model does not score 0: one path of the market is one draw. The floor is the law of a
metric when a known process is scored against one path of its own; a model within it is as good as
that metric can tell, one below it has learnt this path.

Source: the null of a parametric bootstrap, Efron & Tibshirani (1993), An introduction to the
bootstrap, section 16.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Real = Float[Tensor, "n_days *assets"]
Synthetic = Float[Tensor, "n_paths n_steps *assets"]
Metric = Callable[[Tensor, Tensor], float]
"""Of one real path and many synthetic ones; assets are the last axis, if there are any."""
Simulate = Callable[[int, int], Tensor]
"""Independent paths of a known process, from their number and a seed."""


@dataclass(frozen=True)
class SamplingFloor:
    """Law of a metric under the truth; NaN where the metric does not exist."""

    mean: float
    std: float
    p10: float
    p90: float
    n_repetitions: int


def sampling_floor(
    metric: Metric,
    simulate: Simulate,
    *,
    n_days: int | None = None,
    n_paths: int,
    n_repetitions: int = 8,
    seed: int = 0,
) -> SamplingFloor:
    """Law of a metric when a process is scored against one of its own paths.

    Args:
        metric: Of one real path and many synthetic ones.
        simulate: Draws paths of the process; it has no parameters to fit.
        n_days: Length of the path that stands for the market; that of the simulation if omitted.
        n_paths: Synthetic paths in each score; the same ones in every repetition.
        n_repetitions: Paths that stand for the market, each scored once.
        seed: Of the simulation.

    Raises:
        ValueError: If there are no two repetitions or the simulation is shorter than ``n_days``.
    """
    floors = sampling_floors(
        {"": metric},
        simulate,
        n_days=n_days,
        n_paths=n_paths,
        n_repetitions=n_repetitions,
        seed=seed,
    )
    return floors[""]


def sampling_floors(
    metrics: Mapping[str, Metric],
    simulate: Simulate,
    *,
    n_days: int | None = None,
    n_paths: int,
    n_repetitions: int = 8,
    seed: int = 0,
) -> dict[str, SamplingFloor]:
    """The floors of several metrics from one simulation, as ``sampling_floor`` has one.

    Args:
        metrics: By name.
        simulate: Draws paths of the process.
        n_days: Length of the path that stands for the market.
        n_paths: Synthetic paths in each score.
        n_repetitions: Paths that stand for the market.
        seed: Of the simulation.

    Raises:
        ValueError: If there are no two repetitions or the simulation is shorter than ``n_days``.
    """
    if n_repetitions < 2:
        raise ValueError(f"n_repetitions must be at least 2, got {n_repetitions}")
    paths = simulate(n_repetitions + n_paths, seed)
    markets, synthetic = paths[:n_repetitions], paths[n_repetitions:]
    if n_days is not None and not 0 < n_days <= paths.shape[1]:
        raise ValueError(f"n_days must lie in [1, {paths.shape[1]}] as simulated, got {n_days}")
    markets = markets[:, :n_days]
    return {
        name: _law([metric(market, synthetic) for market in markets])
        for name, metric in metrics.items()
    }


def real_against_real(metric: Metric, real: Real) -> float:
    """A metric between the two halves of a history, cut in time.

    Each half stands for the market once and for the one synthetic path once; the mean of both. It
    holds noise and whatever changed between the halves: more than a sampling floor.

    Args:
        metric: Of one real path and many synthetic ones; must bear half the days.
        real: Returns of the market, in order of time.
    """
    half = len(real) // 2
    earlier, later = real[:half], real[len(real) - half :]
    return (metric(earlier, later.unsqueeze(0)) + metric(later, earlier.unsqueeze(0))) / 2


def _law(scores: list[float]) -> SamplingFloor:
    if not all(map(math.isfinite, scores)):
        return SamplingFloor(math.nan, math.nan, math.nan, math.nan, len(scores))
    values = torch.tensor(scores, dtype=torch.float64)
    low, high = values.quantile(torch.tensor([0.1, 0.9], dtype=torch.float64)).tolist()
    return SamplingFloor(float(values.mean()), float(values.std()), low, high, len(scores))
