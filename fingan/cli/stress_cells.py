"""Cells of the tables of ``fingan stress``: fractions in percent, each beside its error."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]
Cell = str | Text

WIDTH = 118  # where no terminal says how wide it is
NOTHING = Text("n/a", style="dim")


def table_of(first: str, *others: str) -> Table:
    """A table whose first column is text and whose others are numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def number(value: float | None) -> Cell:
    """A fraction in percent, the sign left out."""
    return NOTHING if value is None else f"{100 * value:.2f}"


def percent(value: float) -> str:
    """A fraction in percent."""
    return f"{100 * value:.3g} %"


def with_error(estimate: Record) -> str:
    """``3.77 ± 0.10``, in percent; the error of another seed."""
    if estimate["estimate"] is None:
        return "n/a"
    own, error = f"{100 * estimate['estimate']:.3g}", estimate["mc_se"]
    return own if error is None else f"{own} ± {100 * round(error, 12):.2g}"


def plain(estimate: Record | None) -> Cell:
    """A comparator's figure, with its error where it has one."""
    if estimate is None:
        return NOTHING
    if estimate["mc_se"] is None:
        return number(estimate["estimate"])
    return f"{100 * estimate['estimate']:.2f} ± {100 * estimate['mc_se']:.2f}"
