"""``fingan stress``: a shock, a crisis once more, a view, or the ways to lose so much."""

import os
from typing import Annotated, Any

import typer

from fingan.cli.console import emit, emit_rows, note, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, AsOf, Prices, Reference, Seed, Store
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = (
    "Examples: fingan stress demo --prices sp500-20 --shock AAPL=-0.10 --over 5"
    "   |   fingan stress demo --prices sp500-20 --replay 2020-covid"
    "   |   fingan stress demo --prices sp500-20 --view 'mean AAPL=-0.05'"
    "   |   fingan stress demo --prices sp500-20 --reverse --loss 0.15"
)
THREADS = min(2, os.cpu_count() or 1)


def _list_windows(wanted: bool) -> bool:
    if wanted:
        from fingan.stress.windows import NAMED

        rows = [
            {"window": one.name, "first": one.first, "last": one.last, "title": one.title}
            for one in NAMED.values()
        ]
        emit_rows("windows", rows, as_json=False)
        raise typer.Exit
    return wanted


def _panel(title: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=title, **settings)


@reads_prices("--layout", "--prices-layout")
def stress(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    shock: Annotated[
        list[str] | None,
        _panel(
            "What happens",
            metavar="SHOCK",
            help="AAPL=-0.10, 'JPM<=-5%', 'XOM>=0.05', KO=-0.10..-0.05; may be repeated.",
        ),
    ] = None,
    over: Annotated[
        int | None,
        _panel("What happens", min=1, help="Steps of a shock; the whole horizon if not given."),
    ] = None,
    replay: Annotated[
        str | None,
        _panel(
            "What happens",
            metavar="WINDOW",
            help="A window once more: a name of --list-windows, or 2008-09-12..2008-10-10.",
        ),
    ] = None,
    view: Annotated[
        list[str] | None,
        _panel(
            "What happens",
            metavar="VIEW",
            help="'mean AAPL=0.05', 'volatility KO>=0.08', 'correlation JPM,BAC=0.9',"
            " 'es XOM=0.2'; over the horizon; may be repeated.",
        ),
    ] = None,
    reverse: Annotated[
        bool, _panel("What happens", "--reverse", help="The ways to lose at least --loss.")
    ] = False,
    loss: Annotated[
        float | None,
        _panel("What happens", metavar="SHARE", help="Share of the value, 0.15 for 15 %."),
    ] = None,
    list_windows: Annotated[  # noqa: ARG001 - answered before the command begins
        bool,
        _panel(
            "What happens",
            "--list-windows",
            callback=_list_windows,
            is_eager=True,
            help="Print the named windows.",
        ),
    ] = False,
    portfolio: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="CSV asset,weight; equal weights if not given."),
    ] = None,
    allow_leverage: Annotated[
        bool, typer.Option("--allow-leverage", help="Weights need not sum to 1.")
    ] = False,
    horizon: Annotated[int | None, typer.Option(min=1, help="Steps; 20 if not given.")] = None,
    paths: Annotated[
        int | None,
        typer.Option(min=1000, max=200_000, help="Paths drawn at most."),
    ] = None,
    min_ess: Annotated[
        int | None,
        typer.Option(min=1, help="Effective paths that an answer needs; 200 if not given."),
    ] = None,
    comparators: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Baselines beside it; 'none' for none; else fhs-gjr."),
    ] = None,
    no_search: Annotated[
        bool, typer.Option("--no-search", help="Only the model's own paths, no moved noise.")
    ] = False,
    max_modes: Annotated[
        int | None, typer.Option(min=1, max=8, help="Distinct ways to lose at most; else 4.")
    ] = None,
    parts: Annotated[
        int | None,
        typer.Option(min=1, max=8, help="Parts of a cloud of losses that is one; else 3."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Also write the weighted paths: Parquet, Arrow or CSV."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Changes the speed, not the result.")] = (
        THREADS
    ),
    seed: Seed = 0,
    as_of: AsOf = None,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """What a shock, a crisis or a view does to a portfolio; or how it may lose so much."""
    from fingan import pipeline
    from fingan.cli.inputs import read_table
    from fingan.cli.stress_requests import asked
    from fingan.cli.stress_tables import print_stress
    from fingan.risk.portfolio import equal_weights, read_portfolio
    from fingan.stress.replay import Replay

    used = {
        "--shock": shock,
        "--replay": replay,
        "--view": view,
        "--reverse": reverse or None,
        "--over": over,
        "--loss": loss,
        "--horizon": horizon,
        "--paths": paths,
        "--min-ess": min_ess,
        "--comparators": comparators,
        "--no-search": no_search or None,
        "--max-modes": max_modes,
        "--parts": parts,
        "--as-of": as_of,
        "--out": out,
    }
    given = {name: value for name, value in used.items() if value is not None}
    ask = asked(given, seed, threads)
    sampler = pipeline.load_model(model, store)
    held = equal_weights(sampler.assets)
    if portfolio is not None:
        subject = f"model '{sampler.reference}'"
        held = read_portfolio(portfolio, sampler.assets, allow_leverage, subject)
    table = read_table(prices, reading)
    with waiting("drawing paths and weighting them"):
        found = ask(sampler, table, held)
    if out is not None and not isinstance(found, Replay):
        found.scenarios.save(out)
        note(f"wrote {found.scenarios.n_paths:,} weighted paths to {out}")
    if as_json:
        emit(found.record(), as_json=True)
    else:
        print_stress(found.record(), dict(zip(held.assets, held.weights.tolist(), strict=True)))
