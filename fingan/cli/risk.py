"""``fingan risk``: what a portfolio may lose over a horizon, beside the baselines."""

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fingan.cli.console import emit, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, AsOf, Prices, Reference, Seed, Store
from fingan.cli.reading import ReadKeywords, reads_prices
from fingan.errors import RequestError

if TYPE_CHECKING:
    from fingan.scenarios.baselines import BaselineName

EXAMPLE = (
    "Example: fingan risk demo --prices sp500-20 --horizon 10 --levels 0.95,0.975,0.99"
    " --loss-over 0.05,0.10"
)
THREADS = min(2, os.cpu_count() or 1)


def levels_option(text: str) -> str:
    """A callback that refuses what is no list of confidence levels."""
    if not all(0 < level < 1 for level in _numbers(text)):
        raise typer.BadParameter(
            f"must lie between 0 and 1, such as 0.975 for 97.5 %, got {text!r}"
        )
    return text


def fractions_option(text: str) -> str:
    """A callback that refuses what is no list of positive shares of a value."""
    if not all(fraction > 0 for fraction in _numbers(text)):
        raise typer.BadParameter(f"must be positive, such as 0.05 for 5 %, got {text!r}")
    return text


def level_option(level: float) -> float:
    """A callback that refuses what is no confidence level."""
    levels_option(str(level))
    return level


@reads_prices("--layout", "--prices-layout")
def risk(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    portfolio: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="CSV asset,weight; equal weights if not given."),
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, help="Steps over which a loss is counted.")] = 10,
    levels: Annotated[
        str, typer.Option(metavar="A,B", callback=levels_option, help="Confidence levels.")
    ] = "0.95,0.975,0.99",
    loss_over: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            callback=fractions_option,
            help="Losses and drawdowns whose probability is asked for.",
        ),
    ] = "0.05,0.10",
    attributed_at: Annotated[
        float,
        typer.Option(
            metavar="LEVEL", callback=level_option, help="Level of the ES that positions share."
        ),
    ] = 0.975,
    drift: Annotated[
        Literal["model", "neutral", "shrunk", "equilibrium"],
        typer.Option(help="Whose expected returns; of the baselines too."),
    ] = "model",
    baselines: Annotated[
        str, typer.Option(metavar="A,B", help="Baselines beside it; 'none' for none.")
    ] = "fhs-gjr,historical",
    paths: Annotated[int, typer.Option(min=100, help="Scenarios.")] = 10_000,
    allow_leverage: Annotated[
        bool, typer.Option("--allow-leverage", help="Weights need not sum to 1.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Changes the speed, not the result.")] = (
        THREADS
    ),
    seed: Seed = 0,
    as_of: AsOf = None,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Measure what a portfolio may lose, each figure with its errors."""
    from fingan import pipeline
    from fingan.cli.inputs import read_table
    from fingan.cli.risk_tables import print_risk
    from fingan.portfolios.risk_statement import RiskRequest, risk_statement
    from fingan.risk.portfolio import read_portfolio

    known = _baselines(baselines)
    request = RiskRequest(
        horizon=horizon,
        levels=_numbers(levels),
        loss_over=_numbers(loss_over),
        attributed_at=attributed_at,
        n_paths=paths,
        seed=seed,
        as_of=as_of,
        drift=drift,
        baselines=known,
    )
    sampler = pipeline.load_model(model, store)
    weights = None
    if portfolio is not None:
        subject = f"model '{sampler.reference}'"
        weights = read_portfolio(portfolio, sampler.assets, allow_leverage, subject)
    table = read_table(prices, reading)
    with waiting(f"measuring {paths:,} paths of {horizon} steps"):
        found = risk_statement(sampler, table, weights, request, n_threads=threads)
    record = found.record()
    if as_json:
        emit(record, as_json=True)
    else:
        print_risk(record)


def _numbers(text: str) -> tuple[float, ...]:
    """Each number once, in the order given."""
    try:
        return tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        raise typer.BadParameter(f"must be numbers such as 0.95,0.99, got {text!r}") from None


def _baselines(text: str) -> "tuple[BaselineName, ...]":
    """Their names, each known."""
    from fingan.scenarios.baselines import BASELINES

    if text == "none":
        return ()
    known: dict[str, BaselineName] = {name: name for name in BASELINES}
    given = [name.strip() for name in text.split(",")]
    for name in given:
        if name not in known:
            raise RequestError(
                f"--baselines must be among {', '.join(BASELINES)} or 'none', got '{name}'"
            )
    return tuple(dict.fromkeys(known[name] for name in given))
