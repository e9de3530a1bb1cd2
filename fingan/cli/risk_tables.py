"""A risk statement as a risk manager reads it: each figure with its errors, the rivals beside."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]

WIDTH = 118  # where no terminal says how wide it is
MOST_POSITIONS = 25
NOTHING = Text("n/a", style="dim")
NAMES = {
    "value_at_risk": "VaR {level}",
    "expected_shortfall": "ES {level}",
    "mean": "mean return",
    "volatility": "volatility",
    "semi_deviation": "semi-deviation",
    "skewness": "skewness",
    "excess_kurtosis": "excess kurtosis",
    "probability_of_loss": "P(loss > {over})",
    "max_drawdown": "max. drawdown, mean",
    "max_drawdown_quantile": "max. drawdown, {level}",
    "probability_of_drawdown": "P(max. drawdown > {over})",
    "conditional_drawdown": "worst {beyond} of a path's drawdowns",
    "average_drawdown": "average drawdown",
    "ulcer_index": "ulcer index",
    "time_under_water": "time under water",
}
PLAIN = ("skewness", "excess_kurtosis")  # numbers without a unit
FIRST_OF_GROUP = ("expected_shortfall", "mean", "probability_of_loss", "max_drawdown")

Cell = str | Text


def print_risk(record: Record) -> None:
    """Print tables and what a reader must know, on stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    model, *baselines = record["results"]
    for line in _head(record):
        typer.echo(line)
    typer.echo("")
    console.print(_figures(model, baselines))
    contributions = model["contributions"]
    typer.echo(f"Where ES {_percent(contributions['level'])} comes from, in % of the initial value")
    console.print(_positions(model, baselines))
    for line in _foot(record):
        typer.echo(line)


def _head(record: Record) -> list[str]:
    request, n_assets = record["request"], len(record["portfolio"])
    return [
        f"{record['model']}: a portfolio of {n_assets} asset{'s' * (n_assets > 1)} over"
        f" {request['horizon']} step{'s' * (request['horizon'] > 1)} from {record['as_of']}, bought"
        " and held",
        f"{request['n_paths']:,} paths, seed {request['seed']}, drift {request['drift']}; in % of"
        " the initial value, losses positive",
    ]


def _figures(model: Record, baselines: Sequence[Record]) -> Table:
    table = _table()
    for name in (model["sampler"], "± seed", "± training", "95 % by seed"):
        table.add_column(name, justify="right")
    for one in baselines:
        table.add_column(f"{one['sampler']} ± seed", justify="right")
    begun: set[str] = set()
    for row, *others in zip(*(one["measures"] for one in (model, *baselines)), strict=True):
        measure, is_plain = row["measure"], row["measure"] in PLAIN
        if measure in FIRST_OF_GROUP and measure not in begun:
            table.add_section()
        begun.add(measure)
        table.add_row(
            _name(row),
            _number(row["estimate"], is_plain),
            _number(row["mc_se"], is_plain),
            _number(row["model_se"], is_plain),
            _interval(row["ci"], is_plain),
            *(_with_error(other, is_plain) for other in others),
        )
    return table


def _positions(model: Record, baselines: Sequence[Record]) -> Table:
    table = _table()
    for name in ("weight", "adds to ES", "± seed", "± training", "share", "without it", "alone"):
        table.add_column(name, justify="right")
    for one in baselines:
        table.add_column(one["sampler"], justify="right")
    others = [{row["asset"]: row for row in one["contributions"]["positions"]} for one in baselines]
    for row in model["contributions"]["positions"][:MOST_POSITIONS]:
        component = row["component"]
        table.add_row(
            row["asset"],
            _number(row["weight"]),
            _number(component["estimate"]),
            _number(component["mc_se"]),
            _number(component["model_se"]),
            _number(row["share"]["estimate"], digits=1),
            _less(row["incremental"]["estimate"]),
            _number(row["standalone"]["estimate"]),
            *(_with_error(other[row["asset"]]["component"]) for other in others),
        )
    return table


def _foot(record: Record) -> list[str]:
    model = record["results"][0]
    positions = model["contributions"]["positions"]
    more = len(positions) - MOST_POSITIONS
    ratios = [
        f"{one['sampler']} {_plain_with_error(one['contributions']['diversification_ratio'])}"
        for one in record["results"]
    ]
    return [
        *([f"and {more} more positions (--json has them)"] if more > 0 else []),
        "without it: change of ES if the position were cash; alone: ES of the position by itself",
        f"diversification ratio, ES of the positions alone over ES together: {', '.join(ratios)}",
        "± seed: standard error of so few paths; ± training: of the generators' spread, which more"
        " paths do not lower; 0.00 where it drowns in the former",
        *_warnings(record),
    ]


def _warnings(record: Record) -> list[str]:
    """What the figures' notes and the samplers' say, each once."""
    found: dict[str, list[str]] = {}
    for one in record["results"]:
        figures = [row for row in one["measures"] if "note" in row]
        texts = [f"{_name(row)}: {row['note']}" for row in figures] + list(one["notes"])
        for text in texts:
            found.setdefault(text, []).append(one["sampler"])
    everyone = len(record["results"])
    return [
        f"note: {text}" if len(names) == everyone else f"note: {', '.join(names)}: {text}"
        for text, names in found.items()
    ]


def _table() -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    return table


def _name(row: Record) -> str:
    level, over = row.get("level"), row.get("over")
    return NAMES[row["measure"]].format(
        level="" if level is None else _percent(level),
        beyond="" if level is None else _percent(1 - level),
        over="" if over is None else _percent(over),
    )


def _percent(fraction: float) -> str:
    return f"{round(100 * fraction, 6):g} %"


def _number(value: float | None, is_plain: bool = False, digits: int = 2) -> Cell:
    if value is None:
        return NOTHING
    return f"{value:.2f}" if is_plain else f"{100 * value:.{digits}f}"


def _less(value: float | None) -> Cell:
    return NOTHING if value is None else f"{-100 * value:+.2f}"


def _interval(bounds: Sequence[float] | None, is_plain: bool) -> Cell:
    if bounds is None:
        return NOTHING
    low, high = (_number(bound, is_plain) for bound in bounds)
    return f"{low} to {high}"


def _with_error(row: Record, is_plain: bool = False) -> Cell:
    if row["estimate"] is None or row["mc_se"] is None:
        return NOTHING
    return f"{_number(row['estimate'], is_plain)} ± {_number(row['mc_se'], is_plain)}"


def _plain_with_error(row: Record) -> str:
    return str(_with_error(row, is_plain=True))
