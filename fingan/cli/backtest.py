"""``fingan backtest``: VaR and ES of every day against what happened, beside the baselines."""

import os
from typing import Annotated

import typer

from fingan.cli.console import emit
from fingan.cli.options import DEFAULT_STORE, AsJson, Prices, Reference, Seed, Store, date_option
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = (
    "Example: fingan backtest equities@3 --prices prices.csv --portfolio weights.csv"
    " --from 2015-01-01 --levels 0.975,0.99"
)


def numbers_option(text: str | None) -> str | None:
    """A callback that refuses what is no list of numbers."""
    try:
        [float(part) for part in (text or "").split(",") if text]
    except ValueError:
        raise typer.BadParameter(f"must be numbers such as 0.95,0.99, got {text!r}") from None
    return text


@reads_prices("--layout", "--prices-layout")
def backtest(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    portfolio: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="CSV asset,weight; equal weights if not given."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            callback=date_option,
            help="First day; the first after training if not given.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", callback=date_option, help="Last day."),
    ] = None,
    levels: Annotated[
        str, typer.Option(metavar="A,B", callback=numbers_option, help="Confidence levels.")
    ] = "0.95,0.975,0.99",
    horizon: Annotated[int, typer.Option(min=1, help="Days over which a loss is counted.")] = 1,
    baselines: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Baselines beside it; five if not given, 'none' for none."
        ),
    ] = None,
    paths: Annotated[int, typer.Option(min=100, help="Scenarios a day.")] = 10_000,
    refit: Annotated[int, typer.Option(min=1, help="Rows until baselines are refitted.")] = 63,
    window: Annotated[int, typer.Option(min=100, help="Rows they are fitted on.")] = 1_500,
    in_sample: Annotated[
        bool, typer.Option("--in-sample", help="Allow days that the model was trained on.")
    ] = False,
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
    """Forecast VaR and ES of every day from the rows before it, and test them."""
    from fingan import pipeline
    from fingan.assessment.var_backtest import OPPONENTS, Design
    from fingan.assessment.var_backtest import backtest as run_backtest
    from fingan.cli.backtest_tables import print_backtest
    from fingan.cli.day_progress import day_progress
    from fingan.cli.inputs import read_table
    from fingan.risk.portfolio import read_portfolio

    opponents = OPPONENTS if baselines is None else tuple(baselines.split(","))
    design = Design(
        levels=tuple(float(level) for level in levels.split(",")),
        horizon=horizon,
        baselines=() if opponents == ("none",) else opponents,
        n_paths=paths,
        refit=refit,
        window=window,
        seed=seed,
    )
    sampler = pipeline.load_model(model, store)
    weights = None
    if portfolio is not None:
        subject = f"model '{sampler.reference}'"
        weights = read_portfolio(portfolio, sampler.assets, allow_leverage, subject)
    table = read_table(prices, reading)
    with day_progress() as progress:
        found = run_backtest(
            sampler,
            table,
            weights,
            first=from_,
            last=to,
            design=design,
            in_sample=in_sample,
            n_processes=processes,
            progress=progress,
        )
    record = found.record()
    if as_json:
        emit(record, as_json=True)
    else:
        print_backtest(record)
