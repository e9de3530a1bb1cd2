"""``fingan optimize``: weights from scenarios through skfolio, with their errors; or compared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingan.cli.console import emit, note, waiting
from fingan.cli.options import (
    DEFAULT_STORE,
    AsJson,
    AsOf,
    Prices,
    Reference,
    Seed,
    Store,
    date_option,
)
from fingan.cli.reading import ReadKeywords, reads_prices
from fingan.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from fingan.portfolios.objectives import OptimizeRequest
    from fingan.portfolios.walk_forward import Comparison
    from fingan.risk.portfolio import Portfolio
    from fingan.scenarios.samplers import TrainedSampler

EXAMPLE = (
    "Example: fingan optimize demo --prices sp500-20 --objective min-cvar --horizon 21"
    " --max-weight 0.2 --out weights.csv"
)
DRIFTS = ("model", "neutral", "shrunk", "equilibrium")
_COMPARE = "Comparing with simpler strategies"


@reads_prices("--layout", "--prices-layout")
def optimize(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    objective: Annotated[
        str,
        typer.Option(help="min-cvar, mean-cvar, risk-budgeting, max-sharpe or min-variance."),
    ] = "min-cvar",
    horizon: Annotated[int, typer.Option(min=1, help="Steps that the weights are held.")] = 21,
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Level of the expected shortfall.")
    ] = 0.95,
    paths: Annotated[int, typer.Option(min=200, help="Scenarios.")] = 10_000,
    drift: Annotated[
        str, typer.Option(help="Expected returns: neutral, shrunk, equilibrium or model.")
    ] = "neutral",
    rate: Annotated[float, typer.Option(help="Simple return of cash per step.")] = 0.0,
    max_weight: Annotated[float, typer.Option(min=0, help="Largest weight.")] = 1.0,
    min_weight: Annotated[float, typer.Option(help="Least weight; below 0 allows shorts.")] = 0.0,
    max_short: Annotated[
        float | None, typer.Option(min=0, help="Largest sum of the short positions.")
    ] = None,
    max_turnover: Annotated[
        float | None, typer.Option(min=0, help="Largest change of one weight.")
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=A,B", help="Assets under one name, for constraints."),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="As 'AAPL >= 0.05' or 'energy <= 0.2'; repeatable."),
    ] = None,
    risk_aversion: Annotated[
        float, typer.Option(help="What ES costs in mean return, of mean-cvar.")
    ] = 1.0,
    risk_budget: Annotated[
        list[str] | None,
        typer.Option(metavar="ASSET=SHARE", help="Of risk-budgeting; equal if none is given."),
    ] = None,
    previous: Annotated[
        str | None, typer.Option(metavar="FILE", help="Weights now, CSV asset,weight; else cash.")
    ] = None,
    costs_bps: Annotated[float, typer.Option(min=0, help="Cost of trading.")] = 10.0,
    frontier: Annotated[
        int, typer.Option(min=0, max=100, help="Portfolios along the frontier.")
    ] = 0,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the weights, CSV asset,weight.")
    ] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Walk forward against 1/N and others, net of costs.",
            rich_help_panel=_COMPARE,
        ),
    ] = False,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            callback=date_option,
            help="First decision; after training if not given.",
            rich_help_panel=_COMPARE,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="DATE", callback=date_option, help="Last day.", rich_help_panel=_COMPARE
        ),
    ] = None,
    strategies: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="model, fhs-gjr, empirical, vine, min-variance, hrp; all if not given.",
            rich_help_panel=_COMPARE,
        ),
    ] = None,
    refit: Annotated[
        int,
        typer.Option(min=1, help="Rows until generators are refitted.", rich_help_panel=_COMPARE),
    ] = 252,
    in_sample: Annotated[
        bool,
        typer.Option(
            "--in-sample",
            help="Allow days that the model was trained on.",
            rich_help_panel=_COMPARE,
        ),
    ] = False,
    as_of: AsOf = None,
    seed: Seed = 0,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Find weights that are best on scenarios, and say how well they are known."""
    from fingan import pipeline
    from fingan.cli.inputs import read_table
    from fingan.cli.optimize_tables import print_comparison, print_optimum
    from fingan.portfolios.optimisation import optimise

    request = _request(
        objective=objective,
        horizon=horizon,
        level=level,
        n_paths=paths,
        drift=drift,
        rate=rate,
        max_weight=max_weight,
        min_weight=min_weight,
        max_short=max_short,
        max_turnover=max_turnover,
        groups={name: tuple(held.split(",")) for name, held in _pairs("group", group)},
        constraints=tuple(constraint or ()),
        risk_aversion=risk_aversion,
        risk_budget=_shares("risk-budget", risk_budget),
        costs_bps=costs_bps,
        frontier=frontier,
        as_of=as_of,
        seed=seed,
    )
    sampler = pipeline.load_model(model, store)
    table = read_table(prices, reading)
    if compare:
        if out is not None:
            raise RequestError("--out must not be given with --compare, which finds no weights")
        walk = {"first": from_, "last": to, "refit": refit, "every": horizon}
        found = _compared(sampler, table, request, walk, strategies, in_sample)
        emit(found.record(), as_json=True) if as_json else print_comparison(found.record())
        return
    now = _previous(previous, sampler)
    with waiting("optimising"):
        optimum = optimise(sampler, table, request, now)
    if out is not None:
        _write(out, optimum.portfolio)
    emit(optimum.record(), as_json=True) if as_json else print_optimum(optimum.record())


def _request(**values: Any) -> "OptimizeRequest":
    """The request, its first mistake as one sentence."""
    from pydantic import ValidationError

    from fingan.portfolios.objectives import OptimizeRequest, check_objective

    check_objective(values["objective"])
    if values["drift"] not in DRIFTS:
        raise RequestError(f"--drift must be one of {', '.join(DRIFTS)}, got '{values['drift']}'")
    try:
        return OptimizeRequest(**values)
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
        if error["type"] == "value_error":
            raise RequestError(str(error["ctx"]["error"])) from None
        name = "--" + "-".join(str(part) for part in error["loc"][:1]).replace("_", "-")
        rule = error["msg"].replace("Input should", "must")
        raise RequestError(f"{name} {rule}, got {error['input']!r}") from None


def _compared(
    sampler: "TrainedSampler",
    table: "pd.DataFrame",
    request: "OptimizeRequest",
    walk: dict[str, Any],
    strategies: str | None,
    in_sample: bool,
) -> "Comparison":
    from fingan import pipeline
    from fingan.cli.day_progress import day_progress
    from fingan.portfolios.walk_forward import STRATEGIES, WalkForwardRequest, walk_forward

    asked = STRATEGIES if strategies is None else tuple(strategies.split(","))
    for name in asked:
        if name not in STRATEGIES:
            raise RequestError(
                f"--strategies must be some of {', '.join(STRATEGIES)}, got '{name}'"
            )
    names = tuple(name for name in STRATEGIES if name in asked)
    with day_progress() as progress:
        return walk_forward(
            sampler,
            table,
            request,
            WalkForwardRequest(strategies=names, **walk),
            fit=lambda past: pipeline.refit(sampler, past),
            in_sample=in_sample,
            progress=progress,
        )


def _previous(path: str | None, sampler: "TrainedSampler") -> "Portfolio | None":
    from fingan.risk.portfolio import read_portfolio

    if path is None:
        return None
    subject = f"model '{sampler.reference}'"
    return read_portfolio(path, sampler.assets, allow_leverage=True, subject=subject)


def _pairs(option: str, texts: Sequence[str] | None) -> list[tuple[str, str]]:
    """``name=value`` each."""
    found = []
    for text in texts or ():
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            raise RequestError(f"--{option} must be NAME=VALUE, got '{text}'")
        found.append((name, value))
    return found


def _shares(option: str, texts: Sequence[str] | None) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in _pairs(option, texts)}
    except ValueError:
        raise RequestError(
            f"--{option} must be numbers such as AAPL=0.2, got {', '.join(texts or ())}"
        ) from None


def _write(path: str, portfolio: "Portfolio") -> None:
    """Weights that are not 0, in one move."""
    from fingan.files import whole_file

    pairs = zip(portfolio.assets, portfolio.weights.tolist(), strict=True)
    rows = ["asset,weight", *(f"{asset},{weight:.10g}" for asset, weight in pairs if weight)]
    with whole_file(path) as file:
        file.write(("\n".join(rows) + "\n").encode())
    note(f"weights: {path}")
