"""What all figures of a report share: colours, axes, numbers of few digits, names made harmless.

A figure is a small function from plain tensors to a Plotly figure. Its title stands on the page,
not in the figure, so that it can be read aloud and does not shrink with the screen.
"""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

Entries = Mapping[str, Any]
Side = Literal["left", "right"]

REAL, MODEL, REFERENCE, FAILED = "#1b1b1b", "#1f5fa8", "#c06a10", "#b3261e"
BAND, WIDE_BAND, QUIET = "rgba(31,95,168,0.20)", "rgba(31,95,168,0.10)", "#8a8a8a"
GRID, INK = "#e6e6e6", "#333333"
DIVERGING = ((0.0, "#1f5fa8"), (0.5, "#f7f7f7"), (1.0, "#b3261e"))
HEIGHT = 340
DIGITS = 4  # significant; a figure shows no more

_AXIS = {
    "showgrid": True,
    "gridcolor": GRID,
    "zeroline": False,
    "linecolor": "#b0b0b0",
    "ticks": "outside",
    "tickcolor": "#b0b0b0",
    "ticklen": 4,
    "automargin": True,
    "fixedrange": True,  # a finger on the figure scrolls the page
}


def canvas(
    x_title: str,
    y_title: str,
    *,
    height: int = HEIGHT,
    xaxis: Entries | None = None,
    yaxis: Entries | None = None,
    **layout: Any,
) -> go.Figure:
    """An empty figure in the report's style.

    Args:
        x_title: What the horizontal axis measures, with its unit.
        y_title: What the vertical axis measures, with its unit.
        height: Pixels.
        xaxis: Further entries of Plotly's axis.
        yaxis: Further entries of Plotly's axis.
        **layout: Further entries of Plotly's layout, such as ``shapes``.
    """
    style = {
        "template": "none",
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 4, "b": 8},
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "#ffffff",
        "hovermode": "closest",
        "dragmode": False,
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        "xaxis": {**_AXIS, "title": {"text": x_title, "standoff": 8}, **(xaxis or {})},
        "yaxis": {**_AXIS, "title": {"text": y_title, "standoff": 6}, **(yaxis or {})},
    }
    return go.Figure(layout={**style, **layout})


def level_line(y: float, dash: str = "solid") -> dict[str, Any]:
    """A shape: a thin line across the figure."""
    stroke = {"color": QUIET, "width": 1, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": stroke}


def step_line(x: Any, dash: str = "dot") -> dict[str, Any]:
    """A shape: a thin line from top to bottom."""
    stroke = {"color": QUIET, "width": 1, "dash": dash}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x, "line": stroke}


def remark(
    text: str, x: Any, side: Side, height: Literal["top", "bottom"] = "top", colour: str = INK
) -> dict[str, Any]:
    """An annotation: words at the top or bottom of the figure, on one side of ``x``."""
    return {
        "text": text,
        "x": x,
        "xanchor": "right" if side == "left" else "left",
        "xshift": -4 if side == "left" else 4,
        "y": 0.98 if height == "top" else 0.02,
        "yref": "paper",
        "yanchor": height,
        "showarrow": False,
        "font": {"color": colour},
    }


def line(name: str, x: Sequence[Any], y: Sequence[Any], colour: str, **settings: Any) -> go.Scatter:
    """A line with a name in the legend."""
    style = {"color": colour, "width": settings.pop("width", 1.8), **settings.pop("line", {})}
    return go.Scatter(x=x, y=y, name=name, mode="lines", line=style, **settings)


def points(
    name: str, x: Sequence[Any], y: Sequence[Any], colour: str, **settings: Any
) -> go.Scatter:
    """Dots with a name in the legend."""
    marker = {"color": colour, "size": settings.pop("size", 5), **settings.pop("marker", {})}
    return go.Scatter(x=x, y=y, name=name, mode="markers", marker=marker, **settings)


def band(
    name: str, x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], colour: str = BAND
) -> go.Scatter:
    """The area between two lines."""
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        name=name,
        mode="lines",
        line={"width": 0, "color": colour},
        fill="toself",
        fillcolor=colour,
        hoverinfo="skip",
    )


def numbers(values: Float[Tensor, " n"] | Iterable[float]) -> list[float | None]:
    """Plain numbers of few digits; None for what is not a number."""
    given = values.tolist() if isinstance(values, Tensor) else values
    return [_rounded(float(value)) for value in given]


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def label(name: str) -> str:
    """A name from outside as text: Plotly reads some HTML in its labels."""
    return html.escape(name)
