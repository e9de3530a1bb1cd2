"""``fingan screen``: candidates ranked by what scenarios say of them, with verdicts; its record."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingan.cli.console import emit, waiting
from fingan.cli.options import (
    DEFAULT_STORE,
    AsJson,
    AsOf,
    Prices,
    Reference,
    Settings,
    Store,
    date_option,
)
from fingan.cli.reading import ReadKeywords, reads_prices

if TYPE_CHECKING:
    import pandas as pd

    from fingan.scenarios.samplers import TrainedSampler
    from fingan.screening.specification import ScreenSpec

EXAMPLE = (
    "Example: fingan screen demo --prices sp500-20 --spec docs/examples/screen.toml"
    "   (and again with --validate)"
)
THREADS = min(2, os.cpu_count() or 1)
_EVIDENCE = "Walking the screen forward"


def _evidence(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=_EVIDENCE, **settings)


@reads_prices("--layout", "--prices-layout")
def screen(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    spec: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The screen, TOML; all assets and defaults if not given."
        ),
    ] = None,
    settings: Settings = None,
    as_of: AsOf = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Same seed, same result; the screen's if not given.")
    ] = None,
    paths: Annotated[
        int | None, typer.Option(min=500, help="Scenarios; the screen's if not given.")
    ] = None,
    validate: Annotated[
        bool,
        _evidence("--validate", help="Try the screen on past dates and keep the record."),
    ] = False,
    first: Annotated[
        str | None,
        _evidence(
            metavar="DATE", callback=date_option, help="First date; after training if not given."
        ),
    ] = None,
    last: Annotated[
        str | None,
        _evidence(
            metavar="DATE", callback=date_option, help="Last date; the last with an outcome."
        ),
    ] = None,
    every: Annotated[
        str, _evidence(metavar="month|ROWS", help="Each month's last row, or every so many rows.")
    ] = "month",
    refit: Annotated[int, _evidence(min=1, help="Rows until generators are fitted anew.")] = 63,
    lag: Annotated[int, _evidence(min=1, help="Rows from a date to the first that counts.")] = 1,
    date_paths: Annotated[int, _evidence(min=100, help="Scenarios a date.")] = 2_000,
    in_sample: Annotated[
        bool, _evidence("--in-sample", help="Allow dates of the training: no evidence.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Changes the speed, not the result.")] = (
        THREADS
    ),
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Rank candidates by what the model's scenarios say of them, and judge each by criteria."""
    from fingan import pipeline
    from fingan.cli.inputs import read_table
    from fingan.config import load_config
    from fingan.screening.candidates import check_assets
    from fingan.screening.specification import ScreenSpec

    given = {"as_of": as_of, "seed": seed, "n_scenarios": paths}
    asked = load_config(ScreenSpec, spec, settings or ())
    asked = asked.model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    design = {"every": _every(every), "last": last, "refit": refit, "lag": lag}
    sampler = pipeline.load_model(model, store)
    check_assets(asked, sampler.assets)
    table = read_table(prices, reading)
    if validate:
        from fingan.cli.screen_validation import print_validation

        design |= {"first": first, "n_paths": date_paths, "seed": asked.seed}
        record, show = _validated(sampler, table, asked, design, store, in_sample), print_validation
    else:
        from fingan.cli.screen_tables import print_screen

        record, show = _screened(sampler, table, asked, store, threads), print_screen
    if as_json:
        emit(record, as_json=True)
    else:
        show(record)


def _screened(
    sampler: "TrainedSampler", table: "pd.DataFrame", spec: "ScreenSpec", store: str, threads: int
) -> dict[str, Any]:
    """Run the screen and log it; its validation goes with it."""
    from dataclasses import replace

    from fingan.screening.records import find_validation
    from fingan.screening.screen import run_screen
    from fingan.screening.trials import log_trial

    with waiting(f"screening on {spec.n_scenarios:,} paths of {spec.horizon} steps"):
        found = run_screen(sampler, table, spec, n_threads=threads)
    run = {
        "screen_run": found.run,
        "model": found.model,
        "model_digest": found.model_digest,
        "as_of": found.metadata["as_of"],
        "seed": spec.seed,
        "listed": [one.candidate.label for one in found.listed],
    }
    trials = log_trial(store, spec.digest(), run)
    standing = find_validation(store, spec.digest(), sampler.digest)
    return replace(found, validation=standing, trials=trials).record()


def _validated(
    sampler: "TrainedSampler",
    table: "pd.DataFrame",
    spec: "ScreenSpec",
    design: dict[str, Any],
    store: str,
    in_sample: bool,
) -> dict[str, Any]:
    """Walk the screen forward; the walk is a trial as well."""
    from fingan.cli.screen_validation import run_validation
    from fingan.screening.rule import rule_of
    from fingan.screening.trials import log_trial
    from fingan.screening.walk_forward import WalkForwardDesign, first_unseen

    rule = rule_of(spec, sampler.assets)
    if design["first"] is None:
        design["first"] = first_unseen(table.index, sampler.fitted_until, sampler.reference)
    walk = WalkForwardDesign.model_validate(design)
    run = {"validation": True, "model": sampler.reference, "model_digest": sampler.digest}
    trials = log_trial(store, spec.digest(), run)
    return run_validation(
        sampler,
        table,
        rule,
        walk,
        store,
        screen_digest=spec.digest(),
        references=spec.references,
        n_trials=trials.with_those_of(sampler.card),
        in_sample=in_sample,
    )


def _every(text: str) -> str | int:
    if text == "month":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"--every must be month or a number of rows, got {text!r}")
    return int(text)
