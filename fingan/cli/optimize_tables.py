"""Weights as a portfolio manager reads them: what to hold, how sure it is, and against what."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]

WIDTH = 110  # where no terminal says how wide it is
NOTHING = Text("n/a", style="dim")
STYLES = {"better": "green", "worse": "red", "undecided": "dim"}
ADVICE = "model-implied, not advice; past and generated returns promise nothing"
FIGURES = {
    "return_per_year": ("return a year", 100, "%"),
    "volatility_per_year": ("volatility", 100, "%"),
    "sharpe": ("Sharpe", 1, ""),
    "expected_shortfall": ("ES of a day", 100, "%"),
}

Cell = str | Text


def print_optimum(record: Record) -> None:
    """Weights, the objective beside other weights, and the figures, on stdout."""
    request, objective = record["request"], record["objective"]
    n_held = sum(entry["estimate"] != 0 for entry in record["weights"])
    typer.echo(
        f"{record['model']}: {request['objective']} over {request['horizon']} steps from"
        f" {record['as_of']}, {request['n_paths']:,} paths, drift {request['drift']};"
        f" {n_held} of {len(record['weights'])} assets held"
    )
    console = _console()
    console.print(_weights(record))
    side = "higher" if objective["is_higher_better"] else "lower"
    typer.echo(f"Objective: {objective['measure']}, {side} is better; on paths of another seed")
    console.print(_objective(record))
    console.print(_figures(record))
    if record["frontier"]:
        console.print(_frontier(record))
    for line in (
        f"turnover {100 * record['turnover']:.1f} %, cost {1e4 * record['cost']:.1f} basis points",
        "± Monte Carlo (another seed), ± model (another training); drawdowns along each path",
        *(f"note: {text}" for text in record["notes"]),
        ADVICE,
    ):
        typer.echo(line)


def print_comparison(record: Record) -> None:
    """Each strategy's figures with intervals, then its differences to 1/N, on stdout."""
    span, optimize = record["span"], record["optimize"]
    typer.echo(
        f"{record['model']}: {optimize['objective']} against simpler strategies,"
        f" {span['first']} to {span['last']}, {span['n_days']:,} days,"
        f" {record['n_decisions']} decisions, net of {optimize['costs_bps']:g} basis points"
    )
    console = _console()
    console.print(_strategies(record))
    typer.echo(f"Less {record['reference']}, paired; 95 % intervals")
    console.print(_differences(record))
    for line in (*(f"note: {text}" for text in record["notes"]), ADVICE):
        typer.echo(line)


def _weights(record: Record) -> Table:
    table = _table("asset", "weight %", "± MC", "± model", "now %")
    for entry in record["weights"]:
        if entry["estimate"] or entry["previous"]:
            cells = (entry["estimate"], entry["mc_se"], entry["model_se"], entry["previous"])
            table.add_row(entry["asset"], *(_percent(cell, 1) for cell in cells))
    return table


def _objective(record: Record) -> Table:
    own = record["objective"]
    is_ratio = own["measure"] == "sharpe_ratio"
    unit = "value" if is_ratio else "value %"
    table = _table("", unit, "± MC", "± model", "optimum less it", "± MC")

    def shown(entry: Record, *names: str) -> list[Cell]:
        return [_plain(entry[name]) if is_ratio else _percent(entry[name], 2) for name in names]

    errors = ("estimate", "mc_se", "model_se")
    table.add_row("optimum", *shown(own, *errors), "", "")
    table.add_row("on its own paths", *shown(own, "in_sample"), "", "", "", "")
    for other in record["alternatives"]:
        apart = shown(other["difference"], *errors[:2])
        table.add_row(other["name"], *shown(other["objective"], *errors), *apart)
    return table


def _figures(record: Record) -> Table:
    table = _table("over the horizon, before costs", "value", "± MC", "± model")
    for figure in record["figures"]:
        name = figure["measure"].replace("_", " ")
        if "level" in figure:
            name += f" {100 * figure['level']:g} %"
        if "over" in figure:
            name += f" over {100 * figure['over']:g} %"
        is_plain = figure["measure"] in ("skewness", "excess_kurtosis")
        show = _plain if is_plain else _with_sign
        table.add_row(name, *(show(figure[key]) for key in ("estimate", "mc_se", "model_se")))
    return table


def _frontier(record: Record) -> Table:
    table = _table("frontier: mean %", "± MC", "ES %", "± MC", "largest weights")
    for point in record["frontier"]:
        mean, shortfall = point["mean"], point["expected_shortfall"]
        largest = sorted(point["weights"].items(), key=lambda pair: -abs(pair[1]))[:3]
        table.add_row(
            *(_percent(one[key], 2) for one in (mean, shortfall) for key in ("estimate", "mc_se")),
            ", ".join(f"{asset} {100 * weight:.0f}" for asset, weight in largest if weight),
        )
    return table


def _strategies(record: Record) -> Table:
    heads = [f"{name}{f' {unit}' if unit else ''}" for name, _, unit in FIGURES.values()]
    table = _table("", *heads, "drawdown %", "turnover/yr", "cost/yr %")
    for row in record["strategies"]:
        table.add_row(
            row["strategy"],
            *(_interval(row["figures"][name], name) for name in FIGURES),
            _percent(row["max_drawdown"], 1),
            f"{row['turnover_per_year']:.2f}",
            _percent(row["cost_per_year"], 2),
        )
    return table


def _differences(record: Record) -> Table:
    table = _table("", *(name for name, *_ in FIGURES.values()))
    for row in record["strategies"]:
        if not row["differences"]:
            continue
        cells = []
        for name in FIGURES:
            text = _interval(row["differences"][name], name)
            verdict = row["verdicts"][name]
            cells.append(Text(f"{text} {verdict}", style=STYLES[verdict]))
        table.add_row(row["strategy"], *cells)
    return table


def _interval(entry: Record, name: str) -> str:
    _, scale, _ = FIGURES[name]
    low, high = (scale * bound for bound in entry["ci"])
    return f"{scale * entry['estimate']:.2f} ({low:.2f}, {high:.2f})"


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH + 30)


def _table(first: str, *columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _percent(value: float | None, digits: int) -> Cell:
    return NOTHING if value is None else f"{100 * value:.{digits}f}"


def _with_sign(value: float | None) -> Cell:
    return NOTHING if value is None else f"{100 * value:.2f} %"


def _plain(value: float | None) -> Cell:
    return NOTHING if value is None else f"{value:.3f}"
