"""Figures of what a model learnt from and how its training went."""

import math
from collections.abc import Mapping, Sequence
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


def training_losses(curve: Curve) -> go.Figure:
    """Losses of critic and generator at each check."""
    figure = canvas("step", "adversarial loss", height=280)
    for name, colour in (("critic_loss", REFERENCE), ("generator_loss", MODEL)):
        checks = [check for check in curve if name in check]
        figure.add_trace(_checks(name.replace("_loss", ""), checks, name, colour))
    return figure


def validation_scores(curve: Curve, chosen_step: int | None) -> go.Figure:
    """Score on the validation span at each check, and the step that was chosen by it."""
    chosen: dict[str, Any] = {}
    if chosen_step is not None:
        side: Side = "right" if 2 * chosen_step < curve[-1]["step"] else "left"
        words = remark(f"chosen: step {chosen_step:,}", chosen_step, side)
        chosen = {"shapes": [step_line(chosen_step)], "annotations": [words]}
    figure = canvas(
        "step", "validation score, lower is better", height=280, showlegend=False, **chosen
    )
    checks = [check for check in curve if "validation_score" in check]
    figure.add_trace(_checks("validation", checks, "validation_score", MODEL))
    return figure


def _checks(name: str, checks: Curve, key: str, colour: str) -> go.Scatter:
    steps: list[Any] = numbers(check["step"] for check in checks)
    values = numbers(check[key] for check in checks)
    trace = line(name, steps, values, colour)
    trace.update(mode="lines+markers", marker={"color": colour, "size": 5})
    return trace
