"""Weights from scenarios: what they cost to find, and what they earned beside simpler ones.

A trained model's scenarios are put behind skfolio for each objective, timed; then weights are
walked forward from the end of its training, every month, net of costs, beside 1/N, minimum
variance, hierarchical risk parity, the empirical prior, a vine prior and filtered historical
simulation, with intervals from a stationary bootstrap.

    fingan train --prices sp500-20 --name demo --until 2014-12-31
    python -m benchmarks.optimisation --model demo
"""

import argparse
import time
from collections.abc import Callable, Sequence

from benchmarks.program import output_options, parsed, run
from benchmarks.tables import Table
from fingan.data.prices import read_prices
from fingan.pipeline import default_store, load_model, refit
from fingan.portfolios.objectives import OBJECTIVES, RANK_MEANS, OptimizeRequest
from fingan.portfolios.optimisation import optimise
from fingan.portfolios.performance import Interval, Performance
from fingan.portfolios.walk_forward import WalkForwardRequest, walk_forward
from fingan.scenarios.drift_policy import DriftPolicy

COMMAND = "python -m benchmarks.optimisation"
FIGURES = ("return_per_year", "volatility_per_year", "sharpe", "expected_shortfall")


def measure(options: argparse.Namespace) -> list[Table]:
    """Find weights, then walk."""
    model = load_model(options.model, options.store)
    prices = read_prices(options.prices)
    costs = Table(
        f"Weights on {options.paths:,} scenarios of 21 steps",
        ("objective", "CPU-s", "held", "on other paths", "MC error", "on its own paths"),
    )
    for objective in OBJECTIVES:
        drift: DriftPolicy = "shrunk" if objective in RANK_MEANS else "neutral"
        request = OptimizeRequest(objective=objective, n_paths=options.paths, drift=drift)
        began = time.process_time()
        found = optimise(model, prices, request)
        spent = time.process_time() - began
        held = sum(holding.weight.estimate != 0 for holding in found.holdings)
        value = found.objective
        costs.add(objective, spent, held, value.estimate, value.mc_se, found.in_sample)
    walk = WalkForwardRequest(
        first=options.start,
        last=options.last,
        every=options.every,
        n_paths=options.decision_paths,
    )
    compared = walk_forward(
        model, prices, OptimizeRequest(max_weight=0.2), walk, fit=lambda past: refit(model, past)
    )
    earned = Table(
        "Minimum expected shortfall walked forward, net of 10 basis points",
        (
            "strategy",
            "return a year",
            "volatility",
            "Sharpe",
            "ES 95 %",
            "turnover",
            "Sharpe - 1/N",
        ),
    )
    for one in compared.performances:
        earned.add(*_row(one))
    earned.notes = [
        f"{compared.n_days:,} days, {compared.first} to {compared.last}, {compared.n_decisions}"
        " decisions; intervals 95 %, stationary bootstrap of days",
        *compared.notes,
    ]
    return [costs, earned]


def _row(one: Performance) -> list[str]:
    shown = [_cell(one.figures[name]) for name in FIGURES]
    apart = one.differences.get("sharpe")
    verdict = "reference" if apart is None else f"{_cell(apart)}, {one.verdicts['sharpe']}"
    return [one.strategy, *shown, f"{one.turnover_per_year:.1f}", verdict]


def _cell(one: Interval) -> str:
    return f"{one.estimate:.3g} ({one.lower:.3g} to {one.upper:.3g})"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--model", default="demo", help="a published model (%(default)s)")
    add("--store", default=default_store(), help="where it is (%(default)s)")
    add("--prices", default="sp500-20", help="its prices (%(default)s)")
    add("--paths", type=int, default=10_000, help="of an optimisation (%(default)s)")
    add("--from", dest="start", default="2015-01-02", help="first decision (%(default)s)")
    add("--to", dest="last", default="2019-12-31", help="last day (%(default)s)")
    add("--every", type=int, default=21, help="rows between decisions (%(default)s)")
    add("--decision-paths", type=int, default=2_000, help="of a decision (%(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
