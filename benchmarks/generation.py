"""Generation throughput: paths of a ready model per CPU-second, beside the physical limit.

The limit is torch's `normal_` into a reused cube of the same size, in the same run, in turns. The
model is an untrained generator of the default size whose network is switched on by random
weights: as fast as a trained one, since speed does not depend on the weights' values; `--model`
takes a published one.
"""

import argparse
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import pandas as pd
import torch

from benchmarks import rivals
from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from benchmarks.timing import Contestant, Timings, in_turns
from benchmarks.yardsticks import DoppelGanger, QuantGan
from fingan.pipeline import baseline, fit, load_model
from fingan.scenarios.samplers import TrainedSampler
from fingan.scenarios.scenario_set import ScenarioStream
from fingan.training.config import TrainConfig

COMMAND = "python -m benchmarks.generation"
GOAL, STRETCH = 4.0, 1.5  # times the limit
GOAL_SECONDS = 2.0  # on two threads
FLOOR = "torch normal_ into a reused cube (limit)"
BLOCKS, CUBE = "fingan, block by block", "fingan, sample() into a new cube"
FHS = "fingan baseline fhs-gjr, block by block"
SAMPLE_LEN = 4  # of the LSTM yardstick; divides the horizon
N_THREADS = 2


def measure(options: argparse.Namespace) -> list[Table]:
    """Time all contestants, then the model on two threads."""
    prices = prices_of(options)
    sampler = _ready_model(options, prices)
    contestants, fits = _contestants(options, prices, sampler)
    timings = in_turns(contestants, options.turns)
    walls = _two_threads(sampler, prices, options)
    return [_goals(timings, walls, options, prices.shape[1]), _beside(timings, fits, options)]


def _ready_model(options: argparse.Namespace, prices: pd.DataFrame) -> TrainedSampler:
    if options.model is not None:
        return load_model(options.model, options.store)
    brief = {
        "ensemble": 1,
        "steps": 1,
        "batch_size": 2,
        "selection": {"n_starts": 1, "n_paths": 16},
    }
    sampler = fit(prices, TrainConfig.model_validate(brief))
    random = torch.Generator().manual_seed(0)
    for parameter in sampler.model.generators[0].parameters():
        if not parameter.any():  # silent at the start
            parameter.data.normal_(std=0.05, generator=random)
    return sampler


def _contestants(
    options: argparse.Namespace, prices: pd.DataFrame, sampler: TrainedSampler
) -> tuple[dict[str, Contestant], dict[str, float]]:
    """Contestants, and the CPU-seconds that fitting a rival took."""
    n_paths, horizon, n_assets = options.paths, options.horizon, prices.shape[1]
    cube = torch.empty(n_paths, horizon, n_assets)
    stream = sampler.stream(prices, horizon, n_paths)
    past = baseline("fhs-gjr", prices).stream(prices, horizon, n_paths)
    contestants = {
        FLOOR: Contestant(cube.normal_, n_paths),
        BLOCKS: Contestant(partial(_exhaust, stream), n_paths),
        CUBE: Contestant(partial(sampler.sample, prices, horizon, n_paths), n_paths),
        FHS: Contestant(partial(_exhaust, past), n_paths),
    }
    fits: dict[str, float] = {}
    for name, share, make in _rivals(n_assets, horizon, prices):
        began = time.process_time()
        draw = make()
        fits[name] = time.process_time() - began
        if draw is not None:
            amount = max(round(share * n_paths), 2)
            contestants[name] = Contestant(partial(draw, amount), amount)
    return contestants, fits


def _rivals(
    n_assets: int, horizon: int, prices: pd.DataFrame
) -> list[tuple[str, float, Callable[[], rivals.Draw | None]]]:
    """Name, share of the paths that takes about a second at most, and how to make it ready."""
    lstm, tcn = DoppelGanger(n_assets, horizon, SAMPLE_LEN), QuantGan(n_assets)
    return [
        ("numpy GBM, float64", 0.2, partial(rivals.numpy_gbm, prices, horizon)),
        ("QuantLib GBM from Python", 0.005, partial(rivals.quantlib_gbm, prices, horizon)),
        ("arch GJR-t, each asset alone", 0.05, partial(rivals.arch_forecast, prices, horizon)),
        ("skfolio vine, independent days", 0.002, partial(rivals.vine_copula, prices, horizon)),
        (
            f"DoppelGANger-like LSTM, sample_len {SAMPLE_LEN}, network alone",
            0.05,
            partial(rivals.network, lstm, horizon),
        ),
        ("Quant GANs TCN 80, network alone", 0.005, partial(rivals.network, tcn, horizon)),
    ]


def _exhaust(stream: ScenarioStream) -> None:
    deque(stream.blocks(), maxlen=0)


def _two_threads(
    sampler: TrainedSampler, prices: pd.DataFrame, options: argparse.Namespace
) -> list[float]:
    """Seconds on the wall of the whole call, history and all, on two threads."""
    walls = []
    for _ in range(options.turns):
        began = time.perf_counter()
        sampler.sample(prices, options.horizon, options.paths, n_threads=N_THREADS)
        walls.append(time.perf_counter() - began)
    return walls


def _goals(
    timings: Timings, walls: list[float], options: argparse.Namespace, n_assets: int
) -> Table:
    size = f"{options.paths:,} paths x {options.horizon} days x {n_assets} assets"
    table = Table("Generation: goals", GOALS)
    for name in (BLOCKS, CUBE):
        table.add(
            f"{size}, 1 thread, CPU time over normal_ into a reused cube: {name}",
            f"at most {GOAL:g} x; stretch {STRETCH:g} x",
            f"{timings.ratio(FLOOR, name):.2f} x",
            options.command,
        )
    table.add(
        f"{size}, sample() on {N_THREADS} threads, wall",
        f"at most {GOAL_SECONDS:g} s",
        f"{median(walls):.2f} s (best {min(walls):.2f} s)",
        options.command,
    )
    return table


def _beside(timings: Timings, fits: dict[str, float], options: argparse.Namespace) -> Table:
    columns = (
        "generator",
        "paths/CPU-s",
        "time over the limit",
        "fingan is x times",
        "to make ready, CPU-s",
    )
    table = Table(f"Generation, {options.horizon} days, 1 thread, in turns", columns)
    for name in timings.seconds:
        ratio = None if name == BLOCKS else timings.ratio(BLOCKS, name)
        fit_seconds = fits.get(name)
        table.add(
            name,
            timings.rate(name),
            timings.ratio(FLOOR, name),
            ratio,
            fit_seconds and round(fit_seconds, 2),
        )
    table.notes = [f"medians of {options.turns} turns; rivals draw fewer paths a turn"]
    skipped = [name for name in fits if name not in timings.seconds]
    if skipped:
        table.notes.append(f"not installed, left out: {', '.join(skipped)}")
    return table


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, parents=[market_options(), output_options()]
    )
    parser.add_argument("--turns", type=int, default=5, help="turns that count (default: 5)")
    parser.add_argument("--paths", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--horizon", type=int, default=20, help="days (default: %(default)s)")
    parser.add_argument("--model", help="a published model instead of an untrained one")
    parser.add_argument("--store", default="models", help="of --model (default: %(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
