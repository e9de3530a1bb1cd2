"""What a conditional shock costs: -10 % over 5 days on one of 20 assets, on a calm and a wild day.

On a wild day the model's own paths meet such a shock often; on a calm one it is searched in the
noise. Each is asked for with the Gaussian and historical comparators, whose cost is small, and with
filtered historical simulation as well, which is fitted anew and draws a pool of its own.

    python -m benchmarks.stress_cost --model demo --store models
"""

import argparse
import time
from collections.abc import Sequence

from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.pipeline import load_model
from fingan.risk.portfolio import equal_weights
from fingan.stress.conditional import conditional_stress
from fingan.stress.conditions import parse_shock
from fingan.stress.request import StressRequest

COMMAND = "python -m benchmarks.stress_cost"
DAYS = {"calm": "2017-06-30", "wild": "2022-12-28"}
N_THREADS = 2
GOAL_SECONDS, GOAL_ESS = 10, 200
COLUMNS = ("day", "beside it", "how", "paths", "effective", "constraint error", "wall s", "CPU s")


def measure(options: argparse.Namespace) -> list[Table]:
    """Every day without and with the costly comparator."""
    model, prices = load_model(options.model, options.store), prices_of(options)
    portfolio = equal_weights(model.assets)
    goals, costs = Table("Conditional stress: goals", GOALS), Table("Conditional stress", COLUMNS)
    shock = parse_shock(f"{options.asset}={options.move}", options.over)
    for name, as_of in DAYS.items():
        for comparators in ((), ("fhs-gjr",)):
            request = StressRequest(shocks=(shock,), as_of=as_of, comparators=comparators)
            wall, cpu = time.perf_counter(), time.process_time()
            found = conditional_stress(model, prices, portfolio, request, n_threads=N_THREADS)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            (constraint,) = found.constraints
            beside = "FHS as well" if comparators else "closed forms, history"
            costs.add(
                f"{name}, {as_of}",
                beside,
                found.method,
                found.n_drawn,
                found.ess,
                constraint.error,
                wall,
                cpu,
            )
            goals.add(
                f"{constraint.label}, {name} day, beside it {beside}",
                f"effective paths >= {GOAL_ESS}, error <= {constraint.tolerance:.2g}, at most"
                f" {GOAL_SECONDS} s on {N_THREADS} threads",
                f"{found.ess:,.0f}; {constraint.error:.1g}; {wall:.1f} s ({cpu:.1f} s of CPU)",
                options.command,
            )
    return [goals, costs]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, parents=[market_options(), output_options()]
    )
    parser.add_argument("--model", default="demo", help="published (default: %(default)s)")
    parser.add_argument("--store", default="models", help="of the model (default: %(default)s)")
    parser.add_argument("--asset", default="AAPL", help="default: %(default)s")
    parser.add_argument("--move", type=float, default=-0.10, help="default: %(default)s")
    parser.add_argument("--over", type=int, default=5, help="days (default: %(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
