"""Quantiles of many figures at many levels, each with the errors that it has alone.

What a fan of paths is drawn from. The influence function of a quantile has two values, so that its
errors follow from counts of the paths beyond it: no such function is written out.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.risk import estimates
from fingan.risk.estimates import COVERED, Estimate, Members
from fingan.risk.influences import bandwidth
from fingan.risk.measures import check_level, quantiles

EXACT = 2**24  # counts below it are whole numbers in float32

Values = Float[Tensor, "n_paths n_figures"]
Figures = Float[Tensor, " n_figures"]


def fan(values: Values, levels: Sequence[float], members: Members = None) -> list[list[Estimate]]:
    """The quantiles of equally probable paths.

    Args:
        values: One figure of each path a column.
        levels: Shares of the paths, in (0, 1).
        members: The generator that drew each path: ``ScenarioSet.members``.

    Returns:
        For each level the estimates of every column, as
        ``estimated_each(at_level(quantile, level), values, None, members)`` has them.

    Raises:
        ValueError: If a level lies outside (0, 1).
    """
    n_paths, values = len(values), values.double()
    asked, slopes = [], []
    for level in levels:
        check_level(level)
        width = bandwidth(level, n_paths)
        half = COVERED * math.sqrt(level * (1 - level) / n_paths)
        asked += [level, level - width, level + width, level - half, level + half]
        slopes.append(1 / (2 * width))
    places = torch.tensor(asked, dtype=torch.float64).clamp(0, 1)
    found = quantiles(values, places).unflatten(0, (len(levels), 5))
    groups = _groups(members, n_paths)
    fans = []
    for (value, below, above, *interval), slope in zip(found, slopes, strict=True):
        mc, model = _errors(values > value, (above - below) * slope, groups)
        fans.append(estimates.with_errors(value, mc, model, torch.stack(interval), n=n_paths))
    return fans


def _groups(members: Members, n_paths: int) -> Float[Tensor, "n_members n_paths"]:
    """Which paths are of which generator; one group where their spread cannot be told."""
    dtype = torch.float32 if n_paths < EXACT else torch.float64
    n_members = estimates.n_generators(members)
    if members is None or n_members < 2:
        return torch.ones(1, n_paths, dtype=dtype)
    return (members == torch.arange(n_members).unsqueeze(1)).to(dtype)


def _errors(
    beyond: Tensor, slope: Figures, groups: Float[Tensor, "n_members n_paths"]
) -> tuple[Figures, Figures | None]:
    """As ``estimates.errors`` has them of the influence ``(beyond - its mean) * slope``."""
    counts = groups.sum(1).double()
    hits = (groups @ beyond.to(groups)).double()
    rest = counts.unsqueeze(1) - hits
    n_paths = counts.sum()
    share, unit = hits.sum(0) / n_paths, slope / n_paths
    sums = (hits - share * counts.unsqueeze(1)) * unit
    squares = (hits * (1 - share).square() + rest * share.square()) * unit.square()
    return estimates.errors_by_member(sums, squares, counts.long())
