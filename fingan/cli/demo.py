"""``fingan demo``: the whole way on the bundled data, from prices to risk, a screen, a report."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingan.cli.console import duration, emit, note, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, Seed, Store

if TYPE_CHECKING:
    import pandas as pd

    from fingan.scenarios.samplers import TrainedSampler

EXAMPLE = "Example: fingan demo --quick"

DATA, UNTIL, NAME = "sp500-20", "2014-12-31", "demo"
SCENARIOS, HORIZON, N_PATHS = "demo-scenarios.parquet", 20, 10_000
REPORT, REPORT_DATA = "demo-report.html", "demo-report.json"
RISK, SCREEN = "demo-risk.json", "demo-screen.json"
RISK_HORIZON, RISK_LEVEL = 10, 0.975
BASELINES = ("fhs-gjr", "block-bootstrap", "historical")
REPORT_PATHS, BACKTEST_PATHS = 256, 2_000  # a day; fewer than the command takes
FULL = ("ensemble=1",)  # one generator, for time; ``fingan train`` takes several
QUICK = ("steps=100", "ensemble=2")  # enough to see every part at work, too few to learn a market
QUICK_LAST = "2015-12-31"  # of the days reported on, where time is short


def demo(
    quick: Annotated[
        bool, typer.Option("--quick", help="A minute instead of minutes; a poorer model.")
    ] = False,
    seed: Seed = 0,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Train on 20 US stocks, publish, draw scenarios, measure risk, screen, report."""
    from fingan import pipeline
    from fingan.cli.configuration import read_train_config
    from fingan.cli.inputs import read_table
    from fingan.cli.scores import score_line
    from fingan.cli.training_progress import follow

    began = time.monotonic()
    prices = read_table(DATA, {})
    note(f"{DATA}: {prices.shape[1]} stocks, {prices.index[0]:%Y-%m-%d} to {UNTIL} to learn from")
    config = read_train_config(None, QUICK if quick else FULL, seed)
    training = pipeline.train(prices, config, name=NAME, store=store, until=UNTIL)
    follow(training)
    model = str(training.reference)
    note(score_line(training.card))

    sampler = pipeline.load_model(model, store)
    with waiting(f"drawing {N_PATHS:,} scenarios of {HORIZON} days"):
        sampler.stream(prices, HORIZON, N_PATHS, seed=seed).save(SCENARIOS)
    note(_risk(sampler, prices, seed))
    note(_screen(sampler, prices, seed))
    headline = _report(sampler, prices, store, seed, quick=quick)

    spent = time.monotonic() - began
    emit(
        {
            "model": model,
            "store": store,
            "card": f"{store}/{model.replace('@', '/')}/card.json",
            "scenarios": SCENARIOS,
            "risk": RISK,
            "screen": SCREEN,
            "report": REPORT,
            "report_data": REPORT_DATA,
            "verdict": headline,
            "seconds": round(spent, 1),
        },
        as_json=as_json,
    )
    note(f"done in {duration(spent)}; next, with prices of your own:")
    note("  fingan prices check prices.csv")
    note("  fingan train --prices prices.csv --name mine")
    note("  fingan generate mine --prices prices.csv --out scenarios.parquet")
    note("  fingan train --prices prices.csv --name test --until 2019-12-31")
    note("  fingan report test --prices prices.csv --out report.html")


def _risk(sampler: "TrainedSampler", prices: "pd.DataFrame", seed: int) -> str:
    """What equal weights may lose, written to a file; its headline."""
    from fingan.portfolios.risk_statement import RiskRequest, risk_statement

    request = RiskRequest(horizon=RISK_HORIZON, n_paths=N_PATHS, seed=seed, baselines=("fhs-gjr",))
    with waiting("measuring risk"):
        record = risk_statement(sampler, prices, request=request).record()
    _write(record, RISK)
    figures = [
        next(
            figure
            for figure in one["measures"]
            if (figure["measure"], figure.get("level")) == ("expected_shortfall", RISK_LEVEL)
        )
        for one in record["results"]
    ]
    own, other = (100 * figure["estimate"] for figure in figures)
    return (
        f"equal weights, {RISK_HORIZON} days: expected shortfall at {RISK_LEVEL:.1%} is {own:.1f} %"
        f" +- {100 * figures[0]['mc_se']:.1f} (fhs-gjr: {other:.1f} %)"
    )


def _screen(sampler: "TrainedSampler", prices: "pd.DataFrame", seed: int) -> str:
    """Which stocks promise a bearable month, written to a file; its headline."""
    from fingan.screening.screen import run_screen
    from fingan.screening.specification import ScreenSpec

    spec = ScreenSpec(n_scenarios=N_PATHS, seed=seed, references=("fhs-gjr",))
    with waiting("screening"):
        record = run_screen(sampler, prices, spec).record()
    _write(record, SCREEN)
    passed = [one["id"] for one in record["results"] if one["verdict"] == "pass"]
    return (
        f"screen of {record['n_candidates']} stocks by the tail of a month,"
        f" {record['validation']['status']}: {len(passed)} pass"
        + (f", {', '.join(passed[:3])} first" if passed else "")
    )


def _write(record: dict[str, Any], path: str) -> None:
    from pydantic_core import to_json

    from fingan.files import whole_file

    with whole_file(path) as file:
        file.write(to_json(record, indent=1, inf_nan_mode="null"))


def _report(
    sampler: "TrainedSampler", prices: "pd.DataFrame", store: str, seed: int, *, quick: bool
) -> str:
    """Test the model on the days that it has not seen, write the page, give its headline."""
    from fingan.assessment.report import report
    from fingan.assessment.report_span import compared_span, fitting_window
    from fingan.assessment.report_subject import Plan, Subject
    from fingan.cli.inputs import read_report
    from fingan.cli.report_commands import rerun_commands
    from fingan.cli.report_files import write_report
    from fingan.risk.portfolio import equal_weights

    last, baselines = (QUICK_LAST, BASELINES[:1]) if quick else (None, BASELINES)
    span = compared_span(prices, sampler.fitted_until, None, last, in_sample=False)
    given = {
        "--store": store,
        "--prices": DATA,
        "--seed": seed,
        "--baselines": ",".join(baselines),
        "--paths": REPORT_PATHS,
        "--backtest-paths": BACKTEST_PATHS,
        "--out": REPORT,
    }
    window = None if span is None else fitting_window(prices, span)
    subject = Subject(
        sampler=sampler,
        card=sampler.card,
        prices=prices,
        portfolio=equal_weights(sampler.assets),
        quality=read_report(DATA, {}),
        commands=rerun_commands(sampler.reference, span, window, given),
    )
    plan = Plan(baselines, REPORT_PATHS, BACKTEST_PATHS, seed, n_processes=2)
    record = report(subject, span, plan, progress=note)
    write_report(record, REPORT, REPORT_DATA)
    headline: str = record["verdict"]["headline"]
    return headline
