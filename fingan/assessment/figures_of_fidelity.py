"""Figures of a generator beside the market: distribution, dynamics, dependence."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.figures import (
    BAND,
    DIVERGING,
    MODEL,
    QUIET,
    REAL,
    REFERENCE,
    band,
    canvas,
    label,
    level_line,
    line,
    numbers,
    points,
)
from fingan.metrics.tails import hill_index

Real = Float[Tensor, " n_days"]
Replicates = Float[Tensor, "n_days n_paths"]  # each column is a history that might have been
LagCurves = Float[Tensor, "n_paths n_lags"]

COLOURS = (MODEL, REFERENCE)
LOW, HIGH = 0.05, 0.95  # of the bands over paths
N_EXTREMES, N_MIDDLE = 25, 80  # order statistics drawn: all of each tail, some of the middle
MAX_LABELS = 30  # of a correlation map
HILL_SHARE, TAIL_SHARE = 0.05, 0.2
TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]


def quantile_quantile(real: Real, drawn: Mapping[str, Replicates]) -> go.Figure:
    """Order statistics of the market against the median ones of each generator.

    The band holds nine in ten of the first generator's own histories of as many days.

    Args:
        real: Returns, NaN-free.
        drawn: By generator, the model first.
    """
    figure = canvas("generator's quantile, %", "market's quantile, %")
    ranks = _ranks(len(real))
    market = 100 * real.sort().values[ranks]
    for number, (name, replicates) in enumerate(drawn.items()):
        ordered = 100 * replicates.double().sort(dim=0).values[ranks]
        middle = numbers(ordered.median(dim=1).values)
        if number == 0:
            low, high = _band(ordered)
            figure.add_trace(band(f"{label(name)} 90 %", middle, low, high))
        colour = COLOURS[number % 2]
        figure.add_trace(points(label(name), middle, numbers(market), colour, size=4 + number % 2))
    ends = numbers([float(market.min()), float(market.max())])
    figure.add_trace(
        line("equal", ends, ends, QUIET, width=1, line={"dash": "dot"}, hoverinfo="skip")
    )
    return figure


def survival(
    real: Real, drawn: Mapping[str, Replicates], word: Literal["loss", "gain"] = "loss"
) -> go.Figure:
    """Share of days with a larger loss, log-log; a power law is a straight line.

    Args:
        real: Losses: positive is money lost.
        drawn: Losses by generator, the model first.
        word: What they are called; gains are losses with the other sign.

    Source: Hill (1975), A simple general approach to inference about the tail of a distribution,
        for the slope in the legend, over the largest twentieth of the days.
    """
    log = {"type": "log", "tickvals": TICKS}
    figure = canvas(f"{word}, %", "% of days with a larger one", xaxis=log, yaxis=log)
    for number, (name, replicates) in enumerate(drawn.items()):
        ordered = replicates.double().sort(dim=0, descending=True).values
        kept = _tail_ranks(ordered.median(dim=1).values)
        share = numbers(100 * (kept + 1) / (len(real) + 1))
        sizes = 100 * ordered[kept].clamp(min=1e-6)
        if number == 0:
            low, high = _band(sizes)
            figure.add_trace(_lying_band(f"{label(name)} 90 %", low, high, share))
        slope = _slope(replicates.flatten())
        middle = numbers(sizes.median(dim=1).values)
        figure.add_trace(line(f"{label(name)}{slope}", middle, share, COLOURS[number % 2]))
    ordered = real.sort(descending=True).values
    kept = _tail_ranks(ordered)
    share = numbers(100 * (kept + 1) / (len(real) + 1))
    figure.add_trace(
        points(f"market{_slope(real)}", numbers(100 * ordered[kept]), share, REAL, size=4)
    )
    return figure


def lag_curves(
    real: Float[Tensor, " n_lags"], drawn: Mapping[str, LagCurves], y_title: str
) -> go.Figure:
    """A statistic by lag: the market's, and each generator's mean with its spread over paths.

    Args:
        real: Of the market.
        drawn: By generator, one row per path, the model first.
        y_title: The statistic.
    """
    lags = list(range(1, len(real) + 1))
    figure = canvas("lag, days", y_title, shapes=[level_line(0)])
    for number, (name, curves) in enumerate(drawn.items()):
        if number == 0:
            low, high = _band(curves.T)
            figure.add_trace(band(f"{label(name)} 90 %", lags, low, high))
        colour = COLOURS[number % 2]
        figure.add_trace(line(label(name), lags, numbers(curves.mean(0)), colour))
    figure.add_trace(line("market", lags, numbers(real), REAL, width=1.2))
    return figure


def correlation_map(
    matrix: Float[Tensor, "n_assets n_assets"], assets: Sequence[str], limit: float = 1.0
) -> go.Figure:
    """A matrix of correlations, or of their differences, as colours.

    Args:
        matrix: Rows and columns in the order of ``assets``.
        assets: Names.
        limit: The largest absolute value on the scale.
    """
    names = [label(asset) for asset in assets]
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "tickfont": {"size": 9 if len(names) > 12 else 11},
        "showticklabels": len(names) <= MAX_LABELS,
        "showgrid": False,
        "ticks": "",
    }
    figure = canvas(
        "",
        "",
        height=310,
        xaxis={**ticks, "tickangle": -90 if len(names) > 4 else 0},
        yaxis={**ticks, "autorange": "reversed"},
    )
    figure.add_trace(
        go.Heatmap(
            x=list(range(len(names))),
            y=list(range(len(names))),
            z=[numbers(row) for row in matrix],
            text=[[f"{row}, {column}" for column in names] for row in names],
            hovertemplate="%{text}: %{z:.2f}<extra></extra>",
            zmin=-limit,
            zmax=limit,
            colorscale=DIVERGING,
            colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.9},
        )
    )
    return figure


def direction_variances(
    ratios: Mapping[str, Float[Tensor, " n_assets"]], own: LagCurves
) -> go.Figure:
    """Generator's variance over the market's along each eigenvector of its correlation.

    Args:
        ratios: By generator, the model first, the smallest eigenvalue first; 1 is right.
        own: The model's, against histories of its own in the market's place.
    """
    figure = canvas(
        "direction, the quietest first",
        "variance, generator over market",
        yaxis={"type": "log", "tickvals": TICKS},
        shapes=[level_line(1, "dot")],
    )
    low, high = _band(own.T)
    order = list(range(1, own.shape[1] + 1))
    figure.add_trace(band(f"{label(next(iter(ratios)))}, own histories", order, low, high))
    for number, (name, values) in enumerate(ratios.items()):
        colour = COLOURS[number % 2]
        figure.add_trace(
            go.Scatter(
                x=order,
                y=numbers(values),
                name=label(name),
                mode="lines+markers",
                line={"color": colour, "width": 1.2},
                marker={"color": colour, "size": 6},
            )
        )
    return figure


def _ranks(n_days: int) -> Tensor:
    """Positions of the order statistics to draw."""
    if n_days <= 2 * N_EXTREMES + N_MIDDLE:
        return torch.arange(n_days)
    middle = torch.linspace(N_EXTREMES, n_days - N_EXTREMES - 1, N_MIDDLE).long()
    low = torch.arange(N_EXTREMES)
    return torch.cat([low, middle, n_days - N_EXTREMES + low])


def _tail_ranks(ordered: Real) -> Tensor:
    """Positions among the largest fifth, those that are losses, closer together farther out."""
    n_losses = min(int((ordered > 0).sum()), int(TAIL_SHARE * len(ordered)))
    if n_losses <= N_EXTREMES:
        return torch.arange(n_losses)
    inner = torch.logspace(0, 1, N_MIDDLE, base=n_losses / N_EXTREMES) * N_EXTREMES - 1
    return torch.cat([torch.arange(N_EXTREMES), inner.long()]).clamp(max=n_losses - 1).unique()


def _band(values: Float[Tensor, "n n_paths"]) -> tuple[list[float | None], list[float | None]]:
    ends = torch.tensor([LOW, HIGH], dtype=values.dtype)
    low, high = values.quantile(ends, dim=1)
    return numbers(low), numbers(high)


def _lying_band(
    name: str, low: list[float | None], high: list[float | None], share: list[float | None]
) -> go.Scatter:
    """The area between two curves that give the size for a share, not the share for a size."""
    area = band(name, share, low, high, BAND)
    area.x, area.y = area.y, area.x
    return area


def _slope(losses: Float[Tensor, " n"]) -> str:
    """The Hill slope as the legend says it; nothing where too few days are losses."""
    tail = hill_index(losses[losses.isfinite()].double(), HILL_SHARE)
    return f", slope {tail.estimate:.1f}" if math.isfinite(tail.estimate) else ""
