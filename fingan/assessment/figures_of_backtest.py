"""Figures of a backtest: exceedances day by day, and where outcomes fell in the forecasts."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fingan.assessment.figures import (
    FAILED,
    MODEL,
    REFERENCE,
    canvas,
    label,
    level_line,
    line,
    numbers,
    points,
)

COLOURS = (MODEL, REFERENCE)


def exceedances(
    dates: Sequence[str],
    losses: Float[Tensor, " n_days"],
    value_at_risk: Mapping[str, Float[Tensor, " n_days"]],
) -> go.Figure:
    """Losses of each day, the value at risk forecast for it, and the days it was exceeded.

    Args:
        dates: Of the losses, ISO.
        losses: Realised; positive is money lost.
        value_at_risk: Forecasts by generator, the model first: its exceedances are marked.
    """
    percent = 100 * losses
    ours = next(iter(value_at_risk.values()))
    bottom = -150 * float(ours.median())
    top = 1.08 * max(float(percent.max()), 100 * float(ours.max()))
    figure = canvas("", "loss, % of value", height=380, yaxis={"range": [bottom, top]})
    figure.add_trace(points("loss", dates, numbers(percent), "#b8b8b8", size=3, hoverinfo="skip"))
    for number, (name, forecast) in reversed(list(enumerate(value_at_risk.items()))):
        colour = COLOURS[number % 2]
        width = 1.4 if number == 0 else 1
        figure.add_trace(line(label(name), dates, numbers(100 * forecast), colour, width=width))
    days = (losses > ours).nonzero().flatten().tolist()
    figure.add_trace(
        points(
            "exceedance",
            [dates[day] for day in days],
            numbers(percent[days]),
            FAILED,
            size=7,
            marker={"symbol": "x-thin", "line": {"color": FAILED, "width": 2}},
        )
    )
    return figure


def probability_integral_transform(counts: Int[Tensor, " n_bins"]) -> go.Figure:
    """Where outcomes fell in the forecasts: flat where every probability was right.

    The lines hold 95 % of the bins of a right model, one bin at a time.

    Args:
        counts: Days in each of equally wide bins of the forecast probability.
    """
    n_bins, n_days = len(counts), int(counts.sum())
    expected = n_days / n_bins
    middles = numbers((torch.arange(n_bins) + 0.5) / n_bins)
    heights = numbers(counts.double() / expected)
    spread = 1.96 * math.sqrt((1 - 1 / n_bins) / expected)
    figure = canvas(
        "forecast probability of a lower return",
        "days over expected",
        height=300,
        yaxis={"rangemode": "tozero"},
        bargap=0.04,
        showlegend=False,
        shapes=[level_line(1), level_line(1 - spread, "dot"), level_line(1 + spread, "dot")],
    )
    figure.add_trace(
        go.Bar(x=middles, y=heights, marker={"color": MODEL, "opacity": 0.65}, name="days")
    )
    return figure
