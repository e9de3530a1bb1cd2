"""The out-of-sample record of a screen as people read it: answers first, then figures."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fingan.cli.day_progress import day_progress

if TYPE_CHECKING:
    import pandas as pd

    from fingan.scenarios.samplers import TrainedSampler
    from fingan.screening.walk_forward import Rule, WalkForwardDesign

Record = Mapping[str, Any]

WIDTH = 110  # where no terminal says how wide it is
STYLES = {"yes": "bold green", "no": "bold red", "cannot tell": "yellow"}
NOTHING = Text("n/a", style="dim")

Cell = str | Text


def run_validation(
    model: "TrainedSampler",
    prices: "pd.DataFrame",
    rule: "Rule",
    design: "WalkForwardDesign",
    store: str,
    *,
    screen_digest: str,
    references: tuple[str, ...] = ("block-bootstrap", "fhs-gjr"),
    n_trials: int = 1,
    in_sample: bool = False,
) -> dict[str, Any]:
    """Walk a screen forward with a published model, and keep the record in its store.

    The model's filter is fitted anew on the rows before each quarter; its networks stay as they
    were trained, so that the first date must lie after their training.

    Args:
        model: From ``load_model``.
        prices: The checked table.
        rule: The screen.
        design: Dates, refits, purge, lag.
        store: Of the model.
        screen_digest: Of the screen's definition.
        references: Baselines that stand beside it, fitted on the same rows.
        n_trials: Screens tried so far in this store, this one included.
        in_sample: Allow dates of the training; the record says so and is no evidence.

    Returns:
        The record.
    """
    from fingan import pipeline
    from fingan.screening.records import save_validation
    from fingan.screening.validation import Subject, validate

    subject = Subject(model.reference, model.digest, screen_digest, model.fitted_until)
    with day_progress("dates walked") as tell:

        def progress(name: str, done: int, total: int) -> None:
            order = [model.reference, *references]
            tell(order.index(name) * total + done, len(order) * total)

        found = validate(
            partial(pipeline.refit, model),
            prices,
            rule,
            design,
            subject,
            references={name: partial(pipeline.baseline, name) for name in references},
            n_trials=n_trials,
            in_sample=in_sample,
            progress=progress,
        )
    record = found.record()
    save_validation(store, record)
    return record


def print_validation(record: Record) -> None:
    """Print tables and what a reader must know, on stdout.

    Args:
        record: Of ``ScreenValidation.record()``.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    for line in _head(record):
        typer.echo(line)
    console.print(_questions(record))
    typer.echo("Rank IC: how scores ordered what followed, and the model's increment over each")
    console.print(_coefficients(record))
    typer.echo("Probabilities and distributions")
    console.print(_probabilities(record))
    for line in _foot(record):
        typer.echo(line)


def _head(record: Record) -> list[str]:
    design = record["design"]
    sample = "IN-SAMPLE, no evidence" if design["in_sample"] else "out of sample"
    every = "every month" if design["every"] == "month" else f"every {design['every']} rows"
    refit = "quarter" if design["refit"] == "quarter" else f"{design['refit']} rows"
    return [
        f"{design['model']}: the screen on {design['n_dates']} dates, {design['first']} to"
        f" {design['last']}, {every}; {sample}",
        f"{design['n_candidates']} candidates, {design['horizon']} rows held, fitted anew every"
        f" {refit}, lag {design['lag']}, {design['n_paths']:,} paths, seed"
        f" {design['seed']}",
    ]


def _questions(record: Record) -> Table:
    table = _table("question")
    table.add_column("answer")
    table.add_column("because")
    for question in record["questions"]:
        answer = Text(question["answer"], style=STYLES[question["answer"]])
        table.add_row(question["asked"], answer, question["because"])
    return table


def _coefficients(record: Record) -> Table:
    table = _table("")
    for name in ("mean", "± s.e.", "t", "p", "95 %", "model less it", "95 %"):
        table.add_column(name, justify="right")
    nothing: tuple[Cell, Cell] = ("", "")
    table.add_row(record["design"]["model"], *_mean(record["rank_ic"]), *nothing)
    for name, mean in record["references"].items():
        over = record["increments"][name]
        table.add_row(name, *_mean(mean), _number(over["estimate"], "+.3f"), _interval(over))
    table.add_section()
    for number, mean in enumerate(record["decay"][1:], start=2):
        table.add_row(f"model, window {number} after", *_mean(mean), *nothing)
    for name, mean in record["sub_periods"].items():
        table.add_row(f"model, {name}", *_mean(mean), *nothing)
    return table


def _probabilities(record: Record) -> Table:
    table = _table("")
    for name in ("figure", "± s.e.", "95 %", "should be"):
        table.add_column(name, justify="right")
    found = record["reliability"]
    if found is not None:
        bounds = {"ci": found["slope_ci"]}
        error = _number(found["slope_se"], ".3f")
        table.add_row("slope", _number(found["slope"], ".3f"), error, _interval(bounds), "1")
        base = f"below {found['brier_of_base_rate']:.4f}"
        table.add_row("Brier score", _number(found["brier"], ".4f"), "", "", base)
    for level, mean in record["spread"]["coverage"].items():
        error = _number(mean["se"], ".3f")
        figure = _number(mean["estimate"], ".3f")
        table.add_row(f"within {float(level):.0%}", figure, error, _interval(mean), level)
    picked = record["hits"]
    base = f"above {_plain(picked['base_rate'], '.3f')}"
    share = _number(picked["share"], ".3f")
    table.add_row("hit rate of the picks", share, "", _interval(picked), base)
    return table


def _foot(record: Record) -> list[str]:
    traded, least = record["top_minus_bottom"], record["minimum_detectable_ic"]
    even = traded["break_even_bps"]
    lines = [
        f"smallest mean rank IC that these dates show: {_plain(least['t2'], '.3f')} at t = 2,"
        f" {_plain(least['t3'], '.3f')} at t = 3; ICIR {_plain(record['icir'], '.2f')}",
        f"top minus bottom a date: {_plain(traded['gross']['estimate'], '+.2%')} gross,"
        f" {_plain(traded['net']['estimate'], '+.2%')} net of {traded['costs_bps']:g} bp;"
        f" turnover {traded['turnover']:.2f}, breaks even at"
        f" {'no cost' if even is None else f'{even:.0f} bp'}, deflated Sharpe"
        f" {_plain(traded['deflated_sharpe'], '.2f')} of {traded['n_trials']} trials",
    ]
    density = record["crps"]
    if density is not None:
        lines.append(
            f"CRPS skill beside fhs-gjr {density['skill']:+.2%}, Diebold-Mariano p"
            f" {_plain(density['dm_p'], '.3f')}"
        )
    return lines + [f"note: {note}" for note in record["notes"]]


def _mean(mean: Record) -> tuple[Cell, ...]:
    return (
        _number(mean["estimate"], "+.3f"),
        _number(mean["se"], ".3f"),
        _number(mean["t"], "+.2f"),
        _number(mean["p"], ".3f"),
        _interval(mean),
    )


def _table(first: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    return table


def _interval(record: Record) -> Cell:
    if record["ci"] is None:
        return NOTHING
    lower, upper = record["ci"]
    return f"{lower:+.3f} to {upper:+.3f}"


def _number(value: float | None, form: str) -> Cell:
    return NOTHING if value is None else format(value, form)


def _plain(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(value, form)
