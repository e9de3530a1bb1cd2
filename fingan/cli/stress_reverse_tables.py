"""The ways to lose so much, as people read them."""

import typer
from rich.console import Console
from rich.table import Table

from fingan.cli.stress_cells import Record, number, percent, table_of, with_error

MOST_DRIVERS = 8


def print_reverse(record: Record, console: Console) -> None:
    """Print the modes, what drives them, and how probable the loss is elsewhere."""
    request = record["request"]
    how = "moved noise, weighted exactly" if record["method"] == "search" else "the model's own"
    typer.echo(
        f"{record['model']}: ways to lose at least {percent(request['loss'])} in"
        f" {request['horizon']} step{'s' * (request['horizon'] > 1)} from {record['as_of']}, in %"
    )
    typer.echo(
        f"{record['n_paths']:,} losing paths of {record['n_drawn']:,} ({how}),"
        f" {record['ess']:,.0f} effective, seed {request['seed']}"
    )
    console.print(_probabilities(record))
    word = "mode" if record["is_distinct"] else "part"
    console.print(_modes(record, word))
    console.print(_drivers(record, word))
    for place, mode in enumerate(record["modes"], start=1):
        near = ", ".join(f"{one['first']} to {one['last']}" for one in mode["nearest"] or ())
        typer.echo(f"{word} {place} is most like: {near or 'n/a (too little history)'}")
    typer.echo(
        "common: share of the loss that the assets' common factor makes; worst step: share that one"
        " step makes; half by: step by which half is lost; noise: percentile of its length"
    )


def _probabilities(record: Record) -> Table:
    table = table_of("such a loss", "probability", "± seed", "± training", "")
    rows = [(record["model"], record["probability"], "")]
    for one in record["elsewhere"]:
        note = one["probability"].get("note") or ""
        worst = f"; worst from {', '.join(one['windows'][:3])}" if one["windows"] else ""
        rows.append((one["name"], one["probability"], note + worst))
    for name, found, note in rows:
        cells = (found["estimate"], found["mc_se"], found["model_se"])
        table.add_row(name, *map(number, cells), note)
    table.columns[-1].justify = "left"
    return table


def _modes(record: Record, word: str) -> Table:
    table = table_of(word, "share", "loss", "common", "worst step", "half by", "noise")
    table.columns[0].no_wrap = False
    for place, mode in enumerate(record["modes"], start=1):
        common, noise = mode["common"], mode["noise_percentile"]
        table.add_row(
            f"{place} {mode['name']}",
            with_error(mode["share"]),
            with_error(mode["loss"]),
            "n/a" if common is None else with_error(common),
            with_error(mode["worst_step"]),
            f"{mode['half_by']['estimate']:.1f}",
            "n/a" if noise is None else f"{100 * noise:.0f}",
        )
    return table


def _drivers(record: Record, word: str) -> Table:
    """Each mode's largest contributions, and what the asset makes on its most central path."""
    table = table_of("adds to the loss")
    found = [list(mode["contributions"]) for mode in record["modes"]]
    named = list(dict.fromkeys(name for names in found for name in names[:MOST_DRIVERS]))
    for place in range(1, len(found) + 1):
        table.add_column(f"{word} {place}", justify="right")
        table.add_column("central path", justify="right")
    for name in named:
        cells = []
        for mode in record["modes"]:
            cells += [with_error(mode["contributions"][name]), number(mode["path"]["assets"][name])]
        table.add_row(name, *cells)
    return table
