"""Anomalies as an analyst reads them: the oddest windows first, with their drivers."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]

WIDTH = 110  # where no terminal says how wide it is


def print_anomalies(record: Record) -> None:
    """Print the head, the windows and what a reader must know, on stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    for line in _head(record):
        typer.echo(line)
    console.print(_windows(record))
    for line in _foot(record):
        typer.echo(line)


def _head(record: Record) -> list[str]:
    span, calibration = record["span"], record["calibration"]
    oddest = ", ".join(
        f"{one['first']} to {one['last']} (score {one['score']:.1f})"
        for one in calibration["oddest"]
    )
    return [
        f"{record['model']}: {span['n_windows']:,} windows of {record['window']} rows,"
        f" {span['first']} to {span['last']}",
        f"calibrated on {calibration['n_windows']:,} overlapping held-out windows"
        f" ({calibration['n_independent']:,} apart), {calibration['first']} to"
        f" {calibration['last']}",
        f"oddest of the calibration: {oddest}",
        f"{record['n_flagged']} flagged at a false-discovery rate of {record['fdr']:g}",
    ]


def _windows(record: Record) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("window", no_wrap=True)
    for name in ("score", "p", "± s.e.", "q"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("driver", "assets", "day"):
        table.add_column(name)
    for window in record["windows"]:
        style = "bold" if window["flagged"] else "dim"
        table.add_row(
            f"{window['first']} to {window['last']}{'*' if window['flagged'] else ' '}",
            f"{window['score']:.1f}",
            f"{window['p']:.4f}",
            f"{window['p_se']:.4f}",
            f"{window['q']:.3f}",
            Text(window["driver"], style=style),
            ", ".join(f"{part['asset']} {100 * part['share']:.0f}%" for part in window["assets"]),
            f"{window['days'][0]['date']} {100 * window['days'][0]['share']:.0f}%",
        )
    return table


def _foot(record: Record) -> list[str]:
    check = record["uniformity"]
    low, high = (100 * bound for bound in check["ci"])
    return [
        "* flagged; score: surprise of the rarest feature, -log of its chance in training; assets"
        " and day: their shares of that feature",
        f"p at most {check['level']:g} in {100 * check['share']:.0f} % of the windows (95 %:"
        f" {low:.0f} to {high:.0f} %); {100 * check['level']:g} % if the span is like the"
        " calibration",
        *(f"note: {note}" for note in record["notes"]),
    ]
