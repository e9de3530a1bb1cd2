"""Training throughput: windows per CPU-second at one thread of the whole step.

The library's own loop, with the default configuration on `sp500-20`: batch, generator, all
critics, exact penalties, both optimizers, average of the weights. In the same run, in turns, one
step of yardstick networks of published sizes, and a matrix product as the physical limit.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import repeat

import torch

from benchmarks.machine import use_one_thread
from benchmarks.market import REPORT_EVERY, endless_run, market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from benchmarks.timing import Contestant, Timings, in_turns, matrix_product
from benchmarks.yardsticks import DoppelGanger, QuantGan
from fingan.data.returns import log_returns
from fingan.training.config import TrainConfig
from fingan.training.loop import fit

GOAL, STRETCH = 3_000, 6_000
COMMAND = "python -m benchmarks.training"
OWN, LIMIT = "fingan, default step", "matrix product 512^3"
RIVALS = {
    "DoppelGANger-like LSTM 100, sample_len 8": "WGAN-GP, exact",
    "DoppelGANger-like LSTM 100, sample_len 1": "WGAN-GP, exact",
    "Quant GANs TCN 80": "none",
}
RIVAL_STEPS = (8, 4, 1)  # a turn: about a second each


def measure(options: argparse.Namespace) -> list[Table]:
    """Time all contestants."""
    table = log_returns(prices_of(options))
    config = endless_run(options.batch, options.window)
    reports = iter(fit(table, config))
    n_assets = len(table.assets)
    contestants = {OWN: Contestant(lambda: next(reports), REPORT_EVERY * config.batch_size)}
    contestants |= _rivals(n_assets, config)
    contestants[LIMIT] = matrix_product()
    timings = in_turns(contestants, options.turns)
    return [_goal(timings, config, n_assets, options), _beside_rivals(timings, config)]


def _rivals(n_assets: int, config: TrainConfig) -> dict[str, Contestant]:
    real = torch.randn(config.batch_size, config.window, n_assets)
    networks: tuple[DoppelGanger | QuantGan, ...] = (
        DoppelGanger(n_assets, config.window, 8),
        DoppelGanger(n_assets, config.window, 1),
        QuantGan(n_assets),
    )

    def steps(network: DoppelGanger | QuantGan, n_steps: int) -> None:
        for _ in repeat(None, n_steps):
            network.step(real)

    return {
        name: Contestant(partial(steps, network, n_steps), n_steps * config.batch_size)
        for name, network, n_steps in zip(RIVALS, networks, RIVAL_STEPS, strict=True)
    }


def _goal(
    timings: Timings, config: TrainConfig, n_assets: int, options: argparse.Namespace
) -> Table:
    table = Table("Training throughput: goal", GOALS)
    table.add(
        f"windows per CPU-second, {n_assets} assets, window {config.window}, batch"
        f" {config.batch_size}, 1 thread, whole step",
        f"at least {GOAL:,}; stretch {STRETCH:,}",
        timings.rate(OWN),
        options.command,
    )
    return table


def _beside_rivals(timings: Timings, config: TrainConfig) -> Table:
    columns = ("step", "penalty", "average", "windows/CPU-s", "ms a step", "fingan is x times")
    table = Table("Training throughput, in turns", columns)
    penalties = {OWN: "R1 + R2, exact"} | RIVALS
    for name, penalty in penalties.items():
        rate = timings.rate(name)
        average = "yes" if name == OWN else "no"
        ratio = None if name == OWN else timings.ratio(OWN, name)
        table.add(name, penalty, average, rate, 1000 * config.batch_size / rate, ratio)
    table.notes = [
        f"medians of {len(timings.seconds[OWN])} turns; one critic and one generator update a step",
        f"physical limit in the same turns: {timings.rate(LIMIT) / 1e9:.0f} GFLOP/s in a float32"
        " matrix product of 512 x 512",
        "rivals: networks of published sizes written here; no batch normalisation in the"
        " convolutions, no data loader, fused Adam, which favours them",
    ]
    return table


def profile(options: argparse.Namespace) -> str:
    """Where a step spends its CPU time, by operation."""
    reports = iter(fit(log_returns(prices_of(options)), endless_run(options.batch, options.window)))
    next(reports)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as record:
        next(reports)
    return record.key_averages().table(sort_by="self_cpu_time_total", row_limit=20)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, parents=[market_options(), output_options()]
    )
    parser.add_argument("--turns", type=int, default=5, help="turns that count (default: 5)")
    parser.add_argument("--batch", type=int, help="windows a step (default: the library's)")
    parser.add_argument("--window", type=int, help="steps of a window (default: the library's)")
    parser.add_argument("--profile", action="store_true", help="time by operation instead")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = parse(arguments)
    if options.profile:
        use_one_thread()
        print(profile(options))
        return
    run(measure, options)


if __name__ == "__main__":
    main()
