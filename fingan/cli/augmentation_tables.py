"""A synthetic panel and its measured gain, for people."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

Record = Mapping[str, Any]

WIDTH = 110  # where no terminal says how wide it is


def print_augmentation(record: Record) -> None:
    """Print what the panel is, and what it is worth, on stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    panel, gain = record["panel"], record["gain"]
    typer.echo(
        f"{record['out']}: {panel['n_paths']:,} synthetic paths of {panel['horizon']:,} steps by"
        f" {panel['model']}, seed {panel['seed']}, from {len(panel['starts'])} days up to"
        f" {panel['fitted_until'][:10]}"
    )
    typer.echo(f"label: {panel['label']}")
    if gain is None:
        typer.echo("gain: not measured; nothing is known of what training on it is worth")
        return
    holdout = gain["holdout"]
    typer.echo(
        f"\nLoss on a real holdout, {holdout['first']} to {holdout['last']},"
        f" {holdout['n_dates']:,} forecasts of each asset, {gain['n_seeds']} seeds; ± s.e."
    )
    console.print(_losses(gain))
    typer.echo(
        "Gain of real + synthetic, % of the other's loss;"
        f" {100 * gain['ci_level']:.4g} % intervals, which hold together at 95 %"
    )
    console.print(_gains(gain))
    for line in [*(f"note: {note}" for note in gain["notes"]), f"verdict: {gain['verdict']}"]:
        typer.echo(line)


def _losses(gain: Record) -> Table:
    table = _table()
    contests = gain["contests"]
    for contest in contests:
        table.add_column(f"{contest['task']}, {contest['learner']}", justify="right")
    table.add_column("samples", justify="right")
    for arm, n_samples in gain["n_samples"].items():
        cells = (contest["losses"][arm] for contest in contests)
        table.add_row(
            arm, *(f"{cell['estimate']:.4f} ± {cell['se']:.4f}" for cell in cells), f"{n_samples:,}"
        )
    return table


def _gains(gain: Record) -> Table:
    table = _table()
    contests = gain["contests"]
    for one in contests[0]["gains"]:
        table.add_column(f"over {one['against']}", justify="right")
    table.add_column("verdict")
    for contest in contests:
        table.add_row(
            f"{contest['task']}, {contest['learner']}",
            *(_interval(one) for one in contest["gains"]),
            contest["verdict"],
        )
    return table


def _interval(one: Record) -> str:
    """A gain with its interval, in percent of the other's loss."""
    if one["share_of_loss"] == 0:
        return "0"
    unit = 100 * one["share_of_loss"] / one["estimate"]
    low, high = (unit * bound for bound in one["ci"])
    return f"{100 * one['share_of_loss']:+.2f} ({low:+.2f} to {high:+.2f})"


def _table() -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    return table
