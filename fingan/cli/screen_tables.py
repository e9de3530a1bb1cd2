"""A screen as people read it: the order, the verdicts, what stands beside, and what to doubt."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]

WIDTH = 118  # where no terminal says how wide it is
MOST_CANDIDATES = 25
STYLES = {"pass": "bold green", "fail": "bold red", "undecided": "yellow"}
NOTHING = Text("n/a", style="dim")

Cell = str | Text


def print_screen(record: Record) -> None:
    """Print tables and what a reader must know, on stdout.

    Args:
        record: Of ``Screen.record()``.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    for line in _head(record):
        typer.echo(line)
    console.print(_order(record))
    for number, criterion in enumerate(record["spec"]["criteria"]):
        for line in _above(record, criterion, number):
            typer.echo(line)
        console.print(_criterion(record, number))
    if record["article"]:
        typer.echo("The article's rule: take each series whose mean is above the threshold")
        console.print(_article(record["article"]))
    for line in _foot(record):
        typer.echo(line)


def _head(record: Record) -> list[str]:
    spec = record["spec"]
    standing = record["validation"]["summary"]
    return [
        f"{record['model']}: {record['n_candidates']} candidates over {spec['horizon']} steps from"
        f" {record['as_of']}, {spec['n_scenarios']:,} joint paths, seed {spec['seed']}",
        f"drift {record['drift_policy']}, {spec['costs_bps']['default']:g} bp a trade; ranked by"
        f" {_figure(spec['rank_by'])}",
        f"evidence: {standing}",
        "",
    ]


def _order(record: Record) -> Table:
    table = _table("candidate")
    names = ("rank", "score", "± seed", "± train.", "next", f"top {record['spec']['top_k']}")
    for name in (*names, "verdict", "listed", "5 %", "95 %", "ES", "also by"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in record["results"][:MOST_CANDIDATES]:
        shown, score = row["distribution"], row["score"]
        table.add_row(
            row["id"],
            str(row["rank"]),
            _number(score["estimate"]),
            _number(score["mc_se"]),
            _number(score["model_se"]),
            {True: "tied", False: "clear", None: ""}[row["tied_with_next"]],
            _percent(row["p_top_k"], 0),
            Text(row["verdict"], style=STYLES[row["verdict"]]),
            "yes" if row["listed"] else "no",
            *(_percent(shown[name]["estimate"], 1) for name in ("q05", "q95", "es_975")),
            " ".join(name[0].upper() for name in row["also_picked_by"]),
        )
    return table


def _criterion(record: Record, number: int) -> Table:
    rows = [(row["id"], row["criteria"][number]) for row in record["results"][:MOST_CANDIDATES]]
    references = record["spec"]["references"]
    table = _table("candidate")
    for name in ("figure", "± seed", "± training", "bounds", "verdict", "q", *references):
        table.add_column(name, justify="right", no_wrap=True)
    for label, one in rows:
        table.add_row(
            label,
            _number(one["estimate"]),
            _number(one["mc_se"]),
            _number(one["model_se"]),
            _bounds(one["lower"], one["upper"]),
            Text(one["verdict"], style=STYLES[one["verdict"]]),
            _number(one["q"], 2),
            *(_number(one["reference"].get(name)) for name in references),
        )
    return table


def _article(rules: Mapping[str, Record]) -> Table:
    table = _table("generator")
    for name in ("taken, %", "mean of all", "mean of the taken", "what they do next"):
        table.add_column(name, justify="right")
    for name, rule in rules.items():
        table.add_row(
            name,
            _percent(rule["share"]["estimate"], 1),
            *(_with_error(rule[one]) for one in ("mean_of_all", "mean_of_selected", "mean_after")),
        )
    return table


def _foot(record: Record) -> list[str]:
    listed, trials = record["listed"], record["trials"]
    allowed = record["spec"]["multiplicity"]
    more = record["n_candidates"] - MOST_CANDIDATES
    counted = (
        []
        if trials is None
        else [
            f"trial {trials['of_this_definition']} of this screen, {trials['of_all']} of all"
            " screens in this store"
        ]
    )
    orders = ", ".join(
        f"{name} {'n/a' if value is None else format(value, '+.2f')}"
        for name, value in record["rank_agreement"].items()
    )
    return [
        *([f"and {more} more candidates (--json has them)"] if more > 0 else []),
        f"listed, every criterion passed and better than all references in one of"
        f" {record['n_tests']} tests at q <= {allowed['q']:g} ({allowed['method'].upper()}):"
        f" {', '.join(listed) or 'none'}",
        f"rank correlation of this order with that of: {orders}",
        "next: told apart from the next one at 95 % or not; top: probability of being among so"
        " many first, in %",
        "5 %, 95 %, ES at 97.5 %: of the net return over the horizon, in %; also by: what M"
        " momentum, L low volatility would take",
        "± seed: standard error of so many paths; ± training: of the generators' spread, which more"
        " paths do not lower",
        *counted,
        *(f"note: {text}" for text in record["warnings"]),
        record["not_advice"],
    ]


def _above(record: Record, criterion: Record, number: int) -> list[str]:
    """What is asked, and what picks without a generator come to."""
    beside = record["results"][0]["criteria"][number]["reference"]
    sorts = [name for name in beside if name not in record["spec"]["references"]]
    picks = ", ".join(f"{name} {beside[name]:.3f}" for name in sorts)
    asked = f"{_figure(criterion)} {criterion['op']} {criterion['value']:g}"
    return [
        f"{asked} at {criterion['confidence']:.0%} confidence; the model's mean of other picks:"
        f" {picks}"
    ]


def _figure(figure: Record) -> str:
    given = [f"{figure[name]:g}" for name in ("hurdle", "level", "x") if figure[name] is not None]
    return f"{figure['metric']}({', '.join(given)})" if given else str(figure["metric"])


def _table(first: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    return table


def _number(value: float | None, digits: int = 3) -> Cell:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int) -> Cell:
    return NOTHING if value is None else f"{100 * value:.{digits}f}"


def _with_error(row: Record) -> Cell:
    if row["estimate"] is None or row["mc_se"] is None:
        return NOTHING
    return f"{100 * row['estimate']:+.3f} ± {100 * row['mc_se']:.3f} %"


def _bounds(*ends: float | None) -> Cell:
    known: Sequence[float] = [end for end in ends if end is not None]
    return f"{known[0]:.3f} to {known[1]:.3f}" if len(known) == 2 else NOTHING
