"""Stress as people read it: what a shock, a crisis or a view does, and the ways to lose."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from fingan.cli.stress_cells import (
    WIDTH,
    Record,
    number,
    percent,
    plain,
    table_of,
    with_error,
)
from fingan.cli.stress_reverse_tables import print_reverse

MOST_ASSETS = 25
FIGURES = {
    "mean": "mean",
    "volatility": "volatility",
    "q05": "5 %",
    "median": "median",
    "q95": "95 %",
}
EVENT = "± seed: standard error of so few paths; ± training: of the generators' spread beyond it"

Weights = Mapping[str, float]


def print_stress(record: Record, weights: Weights) -> None:
    """Print a record of the library's as tables.

    Args:
        record: Of a conditional stress, a replay, views or a reverse stress.
        weights: Of the portfolio.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    if "modes" in record:
        print_reverse(record, console)
    elif "window" in record:
        _print_replay(record, weights, console)
    elif "relative_entropy" in record:
        _print_views(record, weights, console)
    else:
        _print_shock(record, weights, console)
    for text in record["notes"]:
        typer.echo(f"note: {text}")


def _print_shock(record: Record, weights: Weights, console: Console) -> None:
    request = record["request"]
    what = " and ".join(one["label"] for one in record["constraints"])
    how = "moved noise, weighted exactly" if record["method"] == "search" else "the model's own"
    typer.echo(
        f"{record['model']}: {what}; {request['horizon']} steps from {record['as_of']}, in %"
    )
    typer.echo(
        f"{record['n_paths']:,} of {record['n_drawn']:,} paths ({how}), {record['ess']:,.0f}"
        f" effective, seed {request['seed']}"
    )
    for one in record["constraints"]:
        spread = f", their spread {percent(one['tolerance'])}" if one["tolerance"] else ""
        typer.echo(f"{one['label']}: reached {with_error(one['reached'])} %{spread}")
    _plausible(record["plausibility"])
    console.print(_beside(record, weights))
    console.print(_portfolio(record["portfolio"]))
    bites = record["bites"]
    if bites is not None:
        typer.echo(
            f"moved most surely beside it: {bites['asset']}, by {with_error(bites['move'])} %,"
            f" {abs(bites['standard_errors']):.0f} standard errors"
        )
    for one in record["comparators"]:
        if one["note"] is not None:
            typer.echo(f"note: {one['name']}: {one['note']}")
    typer.echo(EVENT)


def _plausible(found: Record) -> None:
    probability = found["probability"]
    noise = found["noise_percentile"]
    typer.echo(f"{found['region']}: probability {with_error(probability)} % in the model")
    if noise is not None:
        typer.echo(
            f"noise of the paths: length at the {percent(noise)} percentile, moved by"
            f" {found['noise_shift']:.1f} standard deviations"
        )
    near = ", ".join(f"{one['first']} to {one['last']}" for one in found["nearest"] or ())
    typer.echo(f"most like it: {near or 'n/a (too little history)'}")
    for text in found["warnings"]:
        typer.echo(f"warning: {text}")


def _beside(record: Record, weights: Weights) -> Table:
    """Conditional means of the portfolio and the assets, with comparators."""
    table = table_of("mean return", "given it", "± seed", "± training", "usual", "adds")
    for one in record["comparators"]:
        table.add_column(one["name"].replace(" ", "\n"), justify="right", no_wrap=True)
    parts = record["contributions"]
    rows = [("portfolio", record["portfolio"], [one["portfolio"] for one in record["comparators"]])]
    for name, found in list(record["assets"].items())[:MOST_ASSETS]:
        others = [(one["assets"] or {}).get(name) for one in record["comparators"]]
        rows.append((name, found, others))
    for place, (name, found, others) in enumerate(rows):
        given = found["conditional"]["mean"]
        table.add_row(
            name,
            number(given["estimate"]),
            number(given["mc_se"]),
            number(given["model_se"]),
            number(found["unconditional"]["mean"]["estimate"]),
            number(parts[name]["estimate"]) if place and name in weights and name in parts else "",
            *(plain(other) for other in others),
            end_section=place == 0,
        )
    return table


def _portfolio(found: Record) -> Table:
    table = table_of("portfolio", "given it", "± seed", "± training", "usual", "± seed")
    for name, title in FIGURES.items():
        _add_pair(table, title, found["conditional"][name], found["unconditional"][name])
    return table


def _add_pair(table: Table, title: str, given: Record, usual: Record) -> None:
    table.add_row(
        title,
        *(number(given[key]) for key in ("estimate", "mc_se", "model_se")),
        *(number(usual[key]) for key in ("estimate", "mc_se")),
    )


def _print_replay(record: Record, weights: Weights, console: Console) -> None:
    title = f" ({record['title']})" if record["title"] else ""
    typer.echo(
        f"{record['window']}{title}: {record['n_steps']} steps from the close of"
        f" {record['first']} to that of {record['last']}, in %"
    )
    typer.echo(
        f"the portfolio of today would have made {percent(record['portfolio_return'])}, at worst"
        f" {percent(-record['max_drawdown'])} below its peak"
    )
    table = table_of("what happened", "weight", "return", "adds")
    ordered = sorted(record["contributions"].items(), key=lambda pair: pair[1])
    for name, part in ordered[:MOST_ASSETS]:
        cells = (weights.get(name, 0.0), record["assets"][name], part)
        table.add_row(name, *(number(cell) for cell in cells))
    console.print(table)
    regenerated: Mapping[str, Any] = record["regenerated"]
    drawn = table_of(
        f"{record['model']} from {record['first']} on", "portfolio", "± seed", "± training"
    )
    for name, title in FIGURES.items():
        one = regenerated[name]
        drawn.add_row(title, *(number(one[key]) for key in ("estimate", "mc_se", "model_se")))
    console.print(drawn)
    worse = record["as_bad"]
    low, high = (percent(bound) for bound in worse["ci"])
    typer.echo(
        f"paths that did no better than history did: {percent(worse['estimate'])} of"
        f" {worse['n']:,}, 95 % interval {low} to {high}"
    )
    typer.echo(f"errors: {record['errors']}")


def _print_views(record: Record, weights: Weights, console: Console) -> None:
    request = record["request"]
    typer.echo(
        f"{record['model']}: {request['horizon']} steps from {record['as_of']},"
        f" {request['n_paths']:,} paths, seed {request['seed']}, in %"
    )
    for one in record["views"]:
        typer.echo(f"view: {one['view']}; it comes to {one['reached']:.4g}")
    typer.echo(
        f"relative entropy {record['relative_entropy']:.3f}, {record['ess']:,.0f} effective paths"
    )
    table = table_of("", "under views", "± seed", "± training", "before", "± seed")
    for name, pair in record["portfolio"].items():
        title = f"portfolio, {FIGURES[name]}"
        _add_pair(table, title, pair["under_views"], pair["before"])
    table.add_section()
    named = [asset for view in request["views"] for asset in view["assets"]]
    for name, pair in list(record["assets"].items())[:MOST_ASSETS]:
        title = f"{name}, mean" + ("" if weights.get(name) or name in named else " (not held)")
        _add_pair(table, title, pair["under_views"], pair["before"])
    console.print(table)
    typer.echo(EVENT)
