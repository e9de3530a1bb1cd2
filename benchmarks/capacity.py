"""How large a market one worker can learn from: seconds and memory of an epoch.

A thousand assets over ten years of days, and twenty assets over a year of minutes, both invented
and never traded: what is measured does not depend on what they look like. Each is trained for one
epoch in a process of its own, whose highest memory the system reports.
"""

import argparse
import math
import multiprocessing
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.machine import use_one_thread
from benchmarks.market import REPORT_EVERY, endless_run
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.data.returns import log_returns
from fingan.training.loop import fit

COMMAND = "python -m benchmarks.capacity"
MOST = 2.0  # GiB
N_FACTORS = 8


@dataclass(frozen=True)
class Market:
    """An invented market."""

    name: str
    n_assets: int
    index: pd.DatetimeIndex

    def prices(self) -> pd.DataFrame:
        """Random walks of assets that share factors."""
        random = np.random.default_rng(0)
        loadings = random.normal(0, 1, (N_FACTORS, self.n_assets)) / math.sqrt(N_FACTORS)
        moves = random.standard_t(5, (len(self.index), N_FACTORS)) @ loadings
        moves += random.standard_t(5, (len(self.index), self.n_assets))
        prices = 100 * np.exp(np.cumsum(moves * 0.001, axis=0))
        names = [f"A{number:04d}" for number in range(self.n_assets)]
        table = pd.DataFrame(prices, self.index, names)
        table.attrs = {"kind": "price", "source": self.name}
        return table


def markets(*, quick: bool) -> list[Market]:
    """Those that a worker must be able to hold."""
    n_days, n_sessions = (520, 20) if quick else (2_520, 252)
    minutes = pd.DatetimeIndex(
        np.concatenate(
            [
                pd.date_range(day + pd.Timedelta(hours=9, minutes=30), periods=390, freq="min")
                for day in pd.bdate_range("2020-01-02", periods=n_sessions)
            ]
        ),
        name="date",
    )
    days = pd.bdate_range("2010-01-04", periods=n_days, name="date")
    return [
        Market(f"1,000 assets x {n_days:,} days", 1_000, days),
        Market(f"20 assets x {len(minutes):,} minutes", 20, minutes),
    ]


def measure(options: argparse.Namespace) -> list[Table]:
    """An epoch of each market, each in a process of its own."""
    goals = Table("Capacity: goals", GOALS)
    columns = ("market", "steps", "to prepare, s", "epoch, s", "windows/s", "peak, GiB")
    details = Table("Capacity, one worker of one thread", columns)
    context = multiprocessing.get_context("spawn")
    for market in markets(quick=options.quick):
        with context.Pool(1) as pool:
            found = pool.apply(epoch, (market, options.batch))
        details.add(market.name, *found)
        what = f"{market.name}: peak memory of a worker that trains an epoch"
        goals.add(what, f"under {MOST:g} GiB", f"{found[-1]:.2f} GiB", options.command)
    details.notes = [
        f"batch {options.batch}; an epoch: as many windows as there are rows; the process's whole"
        " memory, torch and pandas included"
    ]
    return [goals, details]


def epoch(market: Market, batch: int) -> tuple[int, float, float, float, float]:
    """Steps, seconds to prepare, seconds of an epoch, windows a second, GiB at most."""
    use_one_thread()
    began = time.perf_counter()
    table = log_returns(market.prices())
    n_steps = math.ceil(len(table.dates) / batch)
    reports = fit(table, endless_run(batch))
    next(reports)
    prepared = time.perf_counter()
    done = REPORT_EVERY
    while done < max(n_steps, 2 * REPORT_EVERY):
        done = next(reports).step
    took = (time.perf_counter() - prepared) * n_steps / (done - REPORT_EVERY)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert torch.get_num_threads() == 1
    return n_steps, prepared - began, took, n_steps * batch / max(took, 1e-9), peak


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    add: Any = parser.add_argument
    add("--batch", type=int, default=64, help="windows a step (default: %(default)s)")
    add("--quick", action="store_true", help="two years of days, twenty sessions of minutes")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
