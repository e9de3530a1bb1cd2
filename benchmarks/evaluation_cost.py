"""What `fingan evaluate` costs: wall time, CPU-seconds, and the size of its table.

A model with the starting weights of the default configuration stands for a trained one: what a
network has learnt does not change what its scenarios cost. Baselines are fitted as the command
fits them; reading the prices and the model is not counted.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

import pandas as pd

from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.assessment.evaluation import Evaluation
from fingan.assessment.fidelity import REFERENCE, evaluate, fit_baselines
from fingan.pipeline import fit
from fingan.scenarios.baselines import BASELINES
from fingan.scenarios.samplers import Sampler
from fingan.training.config import TrainConfig

COMMAND = "python -m benchmarks.evaluation_cost"
GOAL_MINUTES = 2
UNTIL, FIRST, LAST = "2014-12-31", "2015-01-01", "2022-12-28"


def measure(options: argparse.Namespace) -> list[Table]:
    """Fit the baselines and evaluate once."""
    prices = prices_of(options)
    model = _model(prices, options.until)
    began, cpu = time.monotonic(), time.process_time()
    names = list(dict.fromkeys([*options.baselines.split(","), REFERENCE]))
    baselines, skipped = fit_baselines(names, prices, model)
    fitting = time.monotonic() - began
    samplers: dict[str, Sampler] = {"model": model, **baselines}
    found = evaluate(samplers, prices, first=options.start, last=options.end, n_paths=options.paths)
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    n_rows = len(found.rows) - 1
    table = Table("The evaluation: goal", GOALS, notes=skipped)
    table.add(
        f"fingan evaluate, {len(found.assets)} assets, {n_rows} baselines, {found.first} to"
        f" {found.last}, wall",
        f"at most {GOAL_MINUTES} minutes",
        f"{wall / 60:.1f} min ({cpu:.0f} CPU-s, {fitting:.0f} s of the wall to fit baselines,"
        f" {os.cpu_count()} cores)",
        options.command,
    )
    return [table, _size(found)]


def _model(prices: pd.DataFrame, until: str) -> Sampler:
    past = prices.loc[:until]
    past.attrs = dict(prices.attrs)
    print(f"preparing a model on rows to {until}", file=sys.stderr, flush=True)
    selection = {"every": 1, "n_starts": 1, "n_paths": 16}
    return fit(past, TrainConfig.model_validate({"steps": 1, "selection": selection}))


def _size(found: Evaluation) -> Table:
    """How many cells of the table hold numbers, group by group."""
    groups: dict[str, list[str]] = {}
    record = found.record()
    for metric in record["metrics"]:
        groups.setdefault(metric["group"], []).append(metric["name"])
    table = Table("The evaluation: its table", ("group", "metrics", "samplers", "numbers", "n/a"))
    for group, names in groups.items():
        cells = [row["values"][name]["estimate"] for row in record["rows"] for name in names]
        n_numbers = sum(cell is not None for cell in cells)
        table.add(group, len(names), len(record["rows"]), n_numbers, len(cells) - n_numbers)
    return table


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), output_options()],
    )
    parser.add_argument("--until", default=UNTIL, help="last day of training (%(default)s)")
    parser.add_argument("--from", dest="start", default=FIRST, help="first day (%(default)s)")
    parser.add_argument("--to", dest="end", default=LAST, help="last day (%(default)s)")
    parser.add_argument("--paths", type=int, default=512, help="per starting day (%(default)s)")
    parser.add_argument("--baselines", default=",".join(BASELINES), help="default: all")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
