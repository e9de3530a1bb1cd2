"""Figures of what a model learnt from and how its training went."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.figures import (
    MODEL,
    REAL,
    REFERENCE,
    WIDE_BAND,
    Side,
    canvas,
    line,
    numbers,
    points,
    remark,
    step_line,
)

Curve = Sequence[Mapping[str, float]]
MAX_POINTS = 1_500  # of a history drawn as one line


def price_history(
    dates: pd.DatetimeIndex, levels: Float[Tensor, " n_rows"], until: pd.Timestamp, y_title: str
) -> go.Figure:
    """The history of the prices, with the end of training marked.

    Args:
        dates: One per level.
        levels: Cumulated growth, or a mean of levels.
        until: Last date that training knew.
        y_title: What the levels are.
    """
    stride = math.ceil(len(dates) / MAX_POINTS)
    kept = slice(None, None, stride)
    days = [f"{date:%Y-%m-%d}" for date in dates[kept]]
    end, last = f"{until:%Y-%m-%d}", f"{dates[-1]:%Y-%m-%d}"
    is_growth = bool((levels > 0).all())
    scale = {"type": "log", "dtick": "D2", "tickformat": "~s"} if is_growth else {}
    after: dict[str, Any] = {}
    if until < dates[-1]:
        shade = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": end, "x1": last}
        after = {
            "shapes": [{**shade, "fillcolor": WIDE_BAND, "line": {"width": 0}, "layer": "below"}],
            "annotations": [
                remark("training", end, "left", "bottom"),
                remark("after training", end, "right", "bottom", MODEL),
            ],
        }
    figure = canvas("", y_title, height=280, yaxis=scale, showlegend=False, **after)
    figure.add_trace(line("prices", days, numbers(levels[kept]), REAL, width=1.2))
    return figure


def training_losses(curves: Sequence[Curve]) -> go.Figure:
    """Losses of critic and generator at each check; one pair of lines per generator."""
    figure = canvas("step", "adversarial loss", height=280)
    for key, colour in (("critic_loss", REFERENCE), ("generator_loss", MODEL)):
        for trace in _checks(key.replace("_loss", ""), curves, key, colour):
            figure.add_trace(trace)
    return figure


def validation_scores(curves: Sequence[Curve], chosen_steps: Sequence[int]) -> go.Figure:
    """Score on the validation span at each check, and the steps that were chosen by it."""
    is_alone = len(curves) == 1
    layout: dict[str, Any] = {"showlegend": not is_alone}
    if is_alone:
        (step,), last = chosen_steps, curves[0][-1]["step"]
        side: Side = "right" if 2 * step < last else "left"
        words = remark(f"chosen: step {step:,}", step, side)
        layout |= {"shapes": [step_line(step)], "annotations": [words]}
    figure = canvas("step", "validation score, lower is better", height=280, **layout)
    for trace in _checks("each generator", curves, "validation_score", MODEL):
        figure.add_trace(trace)
    if not is_alone:
        pairs = zip(curves, chosen_steps, strict=True)
        found = [check for curve, step in pairs for check in curve if check["step"] == step]
        steps: list[Any] = numbers(check["step"] for check in found)
        scores = numbers(check["validation_score"] for check in found)
        figure.add_trace(points("chosen", steps, scores, MODEL, size=9))
    return figure


def _checks(name: str, curves: Sequence[Curve], key: str, colour: str) -> Iterator[go.Scatter]:
    """A line per generator, thin where there are several; one entry in the legend."""
    is_alone = len(curves) == 1
    for number, curve in enumerate(curves):
        checks = [check for check in curve if key in check]
        steps: list[Any] = numbers(check["step"] for check in checks)
        values = numbers(check[key] for check in checks)
        trace = line(name, steps, values, colour, width=1.8 if is_alone else 0.9)
        trace.update(showlegend=number == 0, legendgroup=name)
        if is_alone:
            trace.update(mode="lines+markers", marker={"color": colour, "size": 5})
        yield trace
