"""Figures of scenarios beside what happened: the fan, and the nearest windows of history."""

from collections.abc import Sequence

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.figures import (
    BAND,
    MODEL,
    QUIET,
    REAL,
    WIDE_BAND,
    band,
    canvas,
    line,
    numbers,
)

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def fan(
    past: Float[Tensor, " n_past"],
    paths: Float[Tensor, "n_paths horizon"],
    outcome: Float[Tensor, " horizon"],
    y_title: str,
) -> go.Figure:
    """Quantiles of the scenarios by step, the days before them, and what happened.

    Args:
        past: Values up to and including the day from which the scenarios start.
        paths: Values along each scenario, in the same unit.
        outcome: What happened; NaN where nothing was observed.
        y_title: The unit.
    """
    figure = canvas("trading days from the start", y_title, height=360)
    start = past[-1:].expand(len(paths), 1)
    levels = torch.tensor(LEVELS, dtype=torch.float64)
    quantiles = torch.cat([start, paths], dim=1).double().quantile(levels, dim=0)
    steps = list(range(paths.shape[1] + 1))
    by_level = dict(zip(LEVELS, map(numbers, quantiles), strict=True))
    for low, high, colour in ((0.01, 0.99, WIDE_BAND), (0.05, 0.95, BAND), (0.25, 0.75, BAND)):
        name = f"{high - low:.0%} of scenarios"
        figure.add_trace(band(name, steps, by_level[low], by_level[high], colour))
    figure.add_trace(line("median", steps, by_level[0.5], MODEL))
    history = list(range(1 - len(past), 1))
    figure.add_trace(line("before", history, numbers(past), QUIET))
    happened = numbers(torch.cat([past[-1:], outcome]))
    figure.add_trace(line("what happened", steps, happened, REAL))
    return figure


def nearest_windows(
    scenario: Float[Tensor, " n_days"],
    windows: Float[Tensor, "n_windows n_days"],
    names: Sequence[str],
    y_title: str,
) -> go.Figure:
    """A scenario over the windows of history that resemble it most.

    Args:
        scenario: Cumulated return along the scenario.
        windows: Cumulated returns along the windows, the nearest first.
        names: Of the windows: their first days.
        y_title: The unit.
    """
    figure = canvas("day", y_title, height=320)
    days = list(range(len(scenario) + 1))
    shades = ("#6b6b6b", "#8f8f8f", "#ababab", "#c2c2c2", "#d4d4d4")
    for number, (name, window) in reversed(list(enumerate(zip(names, windows, strict=True)))):
        shade = shades[min(number, len(shades) - 1)]
        figure.add_trace(line(f"from {name}", days, [0.0, *numbers(window)], shade, width=1.4))
    figure.add_trace(line("scenario", days, [0.0, *numbers(scenario)], MODEL, width=2.2))
    return figure
