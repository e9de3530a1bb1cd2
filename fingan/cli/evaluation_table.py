"""An evaluation as one table: metrics by group, a column for each sampler."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]

MIN_WIDTH, COLUMN = 60, 12  # where no terminal says how wide it is: for titles, for each column
SIGNIFICANT = 1.96  # of |t|
LEGEND = (
    "* best of the row; < better, > worse than {reference} by more than 1.96 standard errors;"
    " floor: 10 to 90 % of what a true model scores; lower is better unless marked ^"
)


def print_evaluation(record: Record) -> None:
    """Print the table and what a reader must know, on stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        width = MIN_WIDTH + COLUMN * (len(record["rows"]) + 2)
        console = Console(highlight=False, width=width)
    span = record["span"]
    warning = ", IN SAMPLE: some of these days were trained on" if record["in_sample"] else ""
    typer.echo(
        f"{record['model']}: {len(record['assets'])} assets, {span['first']} to {span['last']},"
        f" {span['n_days']:,} days{warning}"
    )
    console.print(_table(record))
    typer.echo(LEGEND.format(reference=record["reference"]))
    for text in record["notes"]:
        typer.echo(f"note: {text}")


def _table(record: Record) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for row in record["rows"]:
        name = f"{row['sampler']} (in sample)" if row["in_sample"] else row["sampler"]
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("floor", justify="right")
    table.add_column("real / real", justify="right")
    for group, metrics in groupby(record["metrics"], key=lambda metric: metric["group"]):
        table.add_section()
        table.add_row(Text(group, style="bold"))
        for metric in metrics:
            table.add_row(*_cells(metric, record))
    return table


def _cells(metric: Record, record: Record) -> Sequence[str | Text]:
    name, is_higher = metric["name"], metric["better"] == "higher"
    values = [row["values"][name] for row in record["rows"]]
    known = [value["estimate"] for value in values if value["estimate"] is not None]
    best = (max if is_higher else min)(known, default=None)
    band = record["floor"]["values"].get(name)
    real = record["real_against_real"]["values"].get(name)
    return [
        metric["title"] + (" ^" if is_higher else ""),
        *(_cell(value, best) for value in values),
        "" if band is None else f"{band['p10']:.3g} to {band['p90']:.3g}",
        "" if real is None else f"{real:.3g}",
    ]


def _cell(value: Record, best: float | None) -> Text:
    if value["estimate"] is None:
        short = "n/a" if value["note"].startswith("not applicable") else value["note"]
        return Text(short, style="dim")
    t = value["t"] or 0.0
    sign = "" if abs(t) <= SIGNIFICANT else "<" if t < 0 else ">"
    style = {"": "", "<": "green", ">": "red"}[sign]
    is_best = value["estimate"] == best
    text = f"{value['estimate']:.4g}{sign}{'*' if is_best else ''}"
    return Text(text, style=f"{style} bold" if is_best else style)
