"""A backtest as a risk manager reads it: coverage first, then who is better."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]

WIDTH = 110  # where no terminal says how wide it is
TESTS = {
    "kupiec": "Kupiec",
    "christoffersen_independence": "indep.",
    "conditional_coverage": "cond. cov.",
    "dq": "DQ",
    "acerbi_szekely_z2": "ES Z2",
}
LIGHTS = {"green": "green", "amber": "yellow", "red": "red"}
NOTHING = Text("n/a", style="dim")

Cell = str | Text


def print_backtest(record: Record) -> None:
    """Print tables and what a reader must know, on stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    for line in _head(record):
        typer.echo(line)
    typer.echo("\nCoverage: p-values, small where the forecast is wrong")
    console.print(_coverage(record))
    typer.echo("Score of VaR and ES together: FZ0 of losses in percent, lower is better")
    console.print(_scores(record))
    for line in _foot(record):
        typer.echo(line)


def _head(record: Record) -> list[str]:
    span, assets = record["span"], record["portfolio"]["assets"]
    horizon, n_assets = record["horizon"], len(assets)
    return [
        f"{record['model'] or 'Baselines'}: {horizon}-day VaR and ES of a portfolio of {n_assets}"
        f" asset{'s' * (n_assets > 1)}, {span['first']} to {span['last']}, {span['n_days']:,} days",
        f"{record['n_paths']:,} paths a day, seed {record['seed']}; baselines refitted every"
        f" {record['refit']} rows on {record['window']:,}, the model never",
    ]


def _coverage(record: Record) -> Table:
    table = _table()
    for name in ("violations", "expected", "Kupiec", "power 2x"):
        table.add_column(name, justify="right")
    for name in list(TESTS.values())[1:]:
        table.add_column(name, justify="right")
    if record["horizon"] == 1:
        table.add_column("last 250 d")
    for level, rows in _by_level(record):
        _heading(table, level)
        for row in rows:
            first, *others = (_p_value(row["tests"][name]) for name in TESTS)
            light = row["traffic_light"]
            cells = [
                row["sampler"],
                f"{row['violations']:,}",
                f"{row['expected']:,.1f}",
                first,
                f"{100 * row['power_2x']:.0f} %",
                *others,
            ]
            if record["horizon"] == 1:
                cells.append(NOTHING if light is None else Text(light, style=LIGHTS[light]))
            table.add_row(*cells)
    return table


def _scores(record: Record) -> Table:
    reference = record["reference"]
    table = _table()
    for name in ("FZ0", "± s.e.", f"DM t, {reference}", "p"):
        table.add_column(name, justify="right")
    table.add_column("best at 90 %")
    for level, rows in _by_level(record):
        _heading(table, level)
        for row in rows:
            kept = row["in_mcs"]
            table.add_row(
                row["sampler"],
                _number(row["fz0"], ".4f"),
                _number(row["fz0_se"], ".4f"),
                "" if row["sampler"] == reference else _number(row["dm_t"], "+.2f"),
                "" if row["sampler"] == reference else _number(row["dm_p"], ".3f"),
                NOTHING if kept is None else ("yes" if kept else Text("no", style="dim")),
            )
    return table


def _foot(record: Record) -> list[str]:
    failed: dict[str, int] = {}
    for row in record["rows"]:
        n_failed = sum(verdict["failed"] for verdict in row["tests"].values())
        failed[row["sampler"]] = failed.get(row["sampler"], 0) + n_failed
    uniform = [
        f"{name} {'n/a' if entry['p'] is None else format(entry['p'], '.3f')}"
        for name, entry in record["pit"].items()
    ]
    return [
        "* fails at 5 % after Holm's adjustment for all tests of a forecaster at all levels:"
        f" {', '.join(f'{name} {count}' for name, count in failed.items())}",
        "power 2x: chance that Kupiec's test sees violations twice too frequent; DM t: negative is"
        f" better than {record['reference']}",
        f"whole distribution, Berkowitz p: {', '.join(uniform)}",
        *(f"note: {note}" for note in record["notes"]),
    ]


def _table() -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    return table


def _heading(table: Table, level: float) -> None:
    table.add_section()
    table.add_row(Text(f"{100 * level:g} %", style="bold"))


def _by_level(record: Record) -> list[tuple[float, Sequence[Record]]]:
    rows = record["rows"]
    return [
        (level, [row for row in rows if row["level"] == level])
        for level in dict.fromkeys(row["level"] for row in rows)
    ]


def _p_value(verdict: Record) -> Cell:
    if verdict["p"] is None:
        return NOTHING
    text = f"{verdict['p']:.3f}" if verdict["p"] >= 0.0005 else "<.001"
    return Text(f"{text}*", style="bold red") if verdict["failed"] else f"{text} "


def _number(value: float | None, form: str) -> Cell:
    return NOTHING if value is None else format(value, form)
