"""What a training step costs, measured here, and what it would cost on many workers, on paper.

Measured: CPU time of a step at several batch sizes on one worker, which a line in the batch
explains; the time of an all-reduce between two processes on loopback; bytes and seconds of a
checkpoint. On paper: a ring of N workers with the bandwidth and latency that are named, each step
as long as its computation and its all-reduce one after the other, as the loop does them.

Source: Thakur, Rabenseifner & Gropp (2005), Optimization of collective communication operations in
MPICH, section 3: the cost of a ring all-reduce.
"""

import argparse
import math
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from benchmarks.machine import use_one_thread
from benchmarks.market import REPORT_EVERY, endless_run, market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from benchmarks.workers import gradient_bytes
from fingan.data.returns import ReturnTable, log_returns
from fingan.training.config import TrainConfig
from fingan.training.loop import Progress, fit

COMMAND = "python -m benchmarks.scaling"
BATCHES = (16, 32, 64, 128)
SIZES = tuple(4**k * 1024 for k in range(7))  # bytes of an all-reduce, to 4 MiB
WORKERS = (1, 2, 4, 8, 16, 32, 64)
PER_WORKER = 64  # windows, where the batch grows with the workers
N_TIMES = 30
HALF = 0.5  # of the ideal speed: below it more workers are not worth their price


@dataclass(frozen=True)
class Cost:
    """Of a step."""

    fixed: float
    """Seconds that no smaller batch saves."""
    per_window: float
    """Seconds."""
    gradient_bytes: int
    checkpoint_bytes: int
    checkpoint_seconds: float

    def computing(self, windows: float) -> float:
        """Seconds of one worker for so many windows."""
        return self.fixed + self.per_window * windows


@dataclass(frozen=True)
class Network:
    """Between any two workers."""

    latency: float
    """Seconds of a message."""
    bandwidth: float
    """Bytes a second."""

    def all_reduce(self, n_workers: int, n_bytes: int) -> float:
        """Seconds of a ring: each worker sends all but its own share, twice."""
        if n_workers == 1:
            return 0.0
        hops = 2 * (n_workers - 1)
        return hops * self.latency + hops / n_workers * n_bytes / self.bandwidth


def measure(options: argparse.Namespace) -> list[Table]:
    """Measure the cost of a step here, then extrapolate."""
    use_one_thread()
    table = log_returns(prices_of(options))
    cost = cost_of(table, options.turns)
    here = loopback(options.turns)
    paper = Network(options.latency * 1e-6, options.gbit * 1e9 / 8)
    return [_measured(cost, here, options), _strong(cost, paper, options), _weak(cost, paper)]


def cost_of(table: ReturnTable, n_turns: int) -> Cost:
    """Train at several batch sizes in turns; a line through the medians."""
    runs = {batch: fit(table, endless_run(batch)) for batch in BATCHES}
    seconds: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    progress: Progress | None = None
    for turn in range(n_turns + 1):
        for batch, reports in runs.items():
            began = time.process_time()
            progress = next(reports)
            if turn > 0:  # the first one prepares the market
                seconds[batch].append((time.process_time() - began) / REPORT_EVERY)
    assert progress is not None
    slope, fixed = np.polyfit(BATCHES, [median(seconds[batch]) for batch in BATCHES], 1)
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        path = progress.state.save(Path(name), {})
        took, size = time.perf_counter() - began, path.stat().st_size
    return Cost(float(fixed), float(slope), gradient_bytes(progress), size, took)


def loopback(n_turns: int) -> Network:
    """Latency and bandwidth of gloo between two processes of this machine."""
    context = mp.get_context("spawn")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        rendezvous = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    pipes, processes = [], []
    for rank in range(2):
        own, theirs = context.Pipe()
        process = context.Process(target=_reduce, args=(theirs, rank, rendezvous, n_turns))
        process.start()
        pipes.append(own)
        processes.append(process)
    seconds = pipes[0].recv()
    for process in processes:
        process.join()
    slope, fixed = np.polyfit(SIZES, [median(seconds[size]) for size in SIZES], 1)
    return Network(max(float(fixed), 1e-7) / 2, 1 / max(float(slope), 1e-13))


def _reduce(pipe: Connection, rank: int, rendezvous: str, n_turns: int) -> None:
    use_one_thread()
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(n_turns):
        for size in SIZES:
            flat = torch.zeros(size // 4)
            dist.all_reduce(flat)
            began = time.perf_counter()
            for _ in range(N_TIMES):
                dist.all_reduce(flat)
            seconds[size].append((time.perf_counter() - began) / N_TIMES)
    pipe.send(seconds)
    dist.destroy_process_group()


def _measured(cost: Cost, here: Network, options: argparse.Namespace) -> Table:
    table = Table("Cost of a step, measured here", GOALS)
    command = options.command
    rows: list[tuple[str, str]] = [
        ("computation that no smaller batch saves", f"{1e3 * cost.fixed:.1f} ms"),
        ("computation of a window", f"{1e3 * cost.per_window:.3f} ms"),
        ("bytes that a step averages over the workers", f"{cost.gradient_bytes:,}"),
        ("gloo on loopback: latency", f"{1e6 * here.latency:.0f} us"),
        ("gloo on loopback: bandwidth", f"{here.bandwidth / 1e9:.2f} GB/s"),
        (
            "all-reduce of a step between two processes here",
            f"{1e3 * here.all_reduce(2, cost.gradient_bytes):.2f} ms",
        ),
        ("checkpoint", f"{cost.checkpoint_bytes:,} bytes, {1e3 * cost.checkpoint_seconds:.0f} ms"),
    ]
    for what, figure in rows:
        table.add(what, "-", figure, command)
    return table


def _strong(cost: Cost, network: Network, options: argparse.Namespace) -> Table:
    columns = ("workers", "ms of computing", "ms of all-reduce", "speed-up", "of the ideal")
    table = Table(f"On paper: one batch of {options.batch}, shared", columns)
    alone = cost.computing(options.batch)
    for n_workers in WORKERS:
        computing = cost.computing(options.batch / n_workers)
        sending = network.all_reduce(n_workers, cost.gradient_bytes)
        gain = alone / (computing + sending)
        table.add(n_workers, 1e3 * computing, 1e3 * sending, gain, f"{gain / n_workers:.0%}")
    most = math.floor(
        max((n for n in WORKERS if _share(cost, network, options.batch, n) >= HALF), default=1)
    )
    table.notes = [
        _network(network),
        f"more than {most} workers gain less than half of what they cost: the fixed part of a step"
        f" is {cost.fixed / alone:.0%} of it",
    ]
    return table


def _share(cost: Cost, network: Network, batch: int, n_workers: int) -> float:
    sending = network.all_reduce(n_workers, cost.gradient_bytes)
    return cost.computing(batch) / (cost.computing(batch / n_workers) + sending) / n_workers


def _weak(cost: Cost, network: Network) -> Table:
    columns = ("workers", "batch", "ms of computing", "ms of all-reduce", "windows/s", "of ideal")
    table = Table(f"On paper: {PER_WORKER} windows a worker", columns)
    computing = cost.computing(PER_WORKER)
    for n_workers in WORKERS:
        sending = network.all_reduce(n_workers, cost.gradient_bytes)
        rate = n_workers * PER_WORKER / (computing + sending)
        ideal = f"{computing / (computing + sending):.0%}"
        table.add(n_workers, n_workers * PER_WORKER, 1e3 * computing, 1e3 * sending, rate, ideal)
    table.notes = [_network(network), "a larger batch is another optimisation problem"]
    return table


def _network(network: Network) -> str:
    return (
        f"ring of {8 * network.bandwidth / 1e9:.3g} Gbit/s and {1e6 * network.latency:.3g} us a"
        " message; every worker as fast as one processor of this machine"
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), output_options()],
    )
    add: Any = parser.add_argument
    add("--turns", type=int, default=5, help="that count (default: %(default)s)")
    usual = TrainConfig().batch_size
    add("--batch", type=int, default=usual, help="windows, shared (default: %(default)s)")
    add("--gbit", type=float, default=25.0, help="of the network on paper (default: %(default)g)")
    add("--latency", type=float, default=30.0, help="microseconds (default: %(default)g)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
