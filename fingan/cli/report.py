"""``fingan report``: one self-contained page on how good a model is."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from fingan.cli.console import emit, note
from fingan.cli.options import DEFAULT_STORE, AsJson, Prices, Reference, Seed, Store, date_option
from fingan.cli.reading import ReadKeywords, reads_prices

if TYPE_CHECKING:
    from fingan.risk.portfolio import Portfolio

EXAMPLE = "Example: fingan report demo --prices sp500-20 --out report.html"


@reads_prices("--layout", "--prices-layout")
def report(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    out: Annotated[
        str,
        typer.Option(metavar="FILE", help="Where to write the page: .html; its JSON goes beside."),
    ],
    portfolio: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="CSV asset,weight; equal weights if not given."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", callback=date_option, help="First day compared."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", callback=date_option, help="Last day compared."),
    ] = None,
    baselines: Annotated[
        str | None, typer.Option(metavar="A,B", help="Baselines beside the model.")
    ] = None,
    paths: Annotated[int, typer.Option(min=2, help="Paths per day of the evaluation.")] = 512,
    backtest_paths: Annotated[
        int, typer.Option(min=100, help="Paths per day of the backtest.")
    ] = 10_000,
    in_sample: Annotated[
        bool, typer.Option("--in-sample", help="Allow days that the model was trained on.")
    ] = False,
    audit: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="JSON that fingan privacy --json printed."),
    ] = None,
    allow_leverage: Annotated[
        bool, typer.Option("--allow-leverage", help="Weights need not sum to 1.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="Changes the speed, not the result.")] = min(
        2, os.cpu_count() or 1
    ),
    seed: Seed = 0,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Evaluate, backtest and draw a model on one page that opens without a network."""
    from fingan import pipeline
    from fingan.assessment.report import report as full_report
    from fingan.assessment.report_span import compared_span, fitting_window
    from fingan.assessment.report_subject import BASELINES, Plan, Subject
    from fingan.cli.inputs import read_report, read_table
    from fingan.cli.report_commands import Options, rerun_commands
    from fingan.cli.report_files import json_beside, read_audit, write_report

    beside = json_beside(out)
    sampler = pipeline.load_model(model, store)
    table = read_table(prices, reading)
    span = compared_span(table, sampler.fitted_until, from_, to, in_sample=in_sample)
    names = BASELINES if baselines is None else tuple(baselines.split(","))
    window = None if span is None else fitting_window(table, span)
    called = model if "/" in model else sampler.reference
    given: Options = {
        "--store": store,
        "--prices": prices,
        **{f"--{name.replace('_', '-')}": value for name, value in reading.items()},
        "--seed": seed,
        "--baselines": ",".join(names),
        "--portfolio": portfolio,
        "--allow-leverage": allow_leverage,
        "--paths": paths,
        "--backtest-paths": backtest_paths,
        "--audit": audit,
        "--out": out,
    }
    subject = Subject(
        sampler=sampler,
        card=sampler.card,
        prices=table,
        portfolio=_portfolio(portfolio, sampler.assets, allow_leverage),
        quality=read_report(prices, reading),
        audit=None if audit is None else read_audit(audit, sampler.reference),
        commands=rerun_commands(called, span, window, given),
    )
    plan = Plan(
        baselines=names,
        n_paths=paths,
        n_backtest_paths=backtest_paths,
        seed=seed,
        n_processes=processes,
    )
    record = full_report(subject, span, plan, progress=note)
    write_report(record, out, None if as_json else beside)
    if as_json:
        emit(record, as_json=True)
        return
    note(record["verdict"]["headline"])
    emit({"model": record["model"], "page": out, "json": beside}, as_json=False)


def _portfolio(path: str | None, assets: tuple[str, ...], allow_leverage: bool) -> "Portfolio":
    from fingan.risk.portfolio import equal_weights, read_portfolio

    return equal_weights(assets) if path is None else read_portfolio(path, assets, allow_leverage)
