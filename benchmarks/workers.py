"""Two workers of one thread each beside one: speed, and whether they learn the same weights.

Both sides run the library's own loop with the same configuration; the workers are processes that
share each batch and average their gradients through gloo. The two sides take turns, so that one
waits, idle, while the other works.
"""

import argparse
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import torch.distributed as dist
import torch.multiprocessing as mp

from benchmarks.machine import use_one_thread
from benchmarks.market import REPORT_EVERY, endless_run, market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.data.returns import ReturnTable, log_returns
from fingan.training.config import TrainConfig
from fingan.training.loop import Progress, fit

COMMAND = "python -m benchmarks.workers"
GOAL, MAX_DIFFERENCE = 1.7, 1e-5
N_WORKERS, MORE_WORKERS = 2, 4  # timed; compared with one alone
NEXT, STOP = "next", "stop"


@dataclass(frozen=True)
class Stretch:
    """``REPORT_EVERY`` steps of one worker."""

    wall: float
    cpu: float
    weights: dict[str, Any]
    """Arrays by name; after the first stretch only."""
    gradient_bytes: int


class Team:
    """Workers that train together, a stretch at a time, when told to."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def stretch(self) -> list[Stretch]:
        """Train ``REPORT_EVERY`` steps; what each worker measured."""
        for pipe in self._pipes:
            pipe.send(NEXT)
        return [pipe.recv() for pipe in self._pipes]


@contextmanager
def team(n_workers: int, table: ReturnTable, config: TrainConfig) -> Iterator[Team]:
    """Start workers, each in a process of its own; stop them at the end."""
    context = mp.get_context("spawn")
    rendezvous = f"tcp://127.0.0.1:{_free_port()}" if n_workers > 1 else None
    pipes, processes = [], []
    for rank in range(n_workers):
        own, theirs = context.Pipe()
        arguments = (theirs, rank, n_workers, rendezvous, table, config)
        process = context.Process(target=work, args=arguments, daemon=True)
        process.start()
        theirs.close()
        pipes.append(own)
        processes.append(process)
    try:
        yield Team(pipes)
        for pipe in pipes:
            pipe.send(STOP)
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.kill()


def work(
    pipe: Connection,
    rank: int,
    n_workers: int,
    rendezvous: str | None,
    table: ReturnTable,
    config: TrainConfig,
) -> None:
    """Train in this process, a stretch whenever the pipe asks for one."""
    use_one_thread()
    if rendezvous is not None:
        dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=n_workers)
    reports = fit(table, config)
    while pipe.recv() == NEXT:
        wall, cpu = time.perf_counter(), time.process_time()
        progress = next(reports)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        weights = _weights(progress) if progress.step == REPORT_EVERY else {}
        pipe.send(Stretch(wall, cpu, weights, gradient_bytes(progress)))
    if rendezvous is not None:
        dist.destroy_process_group()


def measure(options: argparse.Namespace) -> list[Table]:
    """Both sides in turns; the first stretch warms up and is where weights are compared."""
    table = log_returns(prices_of(options))
    config = endless_run(options.batch, options.window)
    alone: list[list[Stretch]] = []
    together: list[list[Stretch]] = []
    with team(1, table, config) as one, team(N_WORKERS, table, config) as two:
        for _ in range(options.turns + 1):
            alone.append(one.stretch())
            together.append(two.stretch())
    fine = config.model_copy(
        update={"adversarial": config.adversarial.model_copy(update={"precision": "float64"})}
    )
    differences = {
        f"{n_workers} workers against 1, {precision}": _worst(
            _weights_of(1, table, learnt)[0], _weights_of(n_workers, table, learnt)
        )
        for precision, learnt in (("float64", fine), ("float32", config))
        for n_workers in (N_WORKERS, MORE_WORKERS)
    }
    return [
        _goals(alone[1:], together[1:], differences, options),
        _details(alone[1:], together[1:], config),
    ]


def _goals(
    alone: list[list[Stretch]],
    together: list[list[Stretch]],
    differences: dict[str, tuple[float, str]],
    options: argparse.Namespace,
) -> Table:
    walls = [_longest(one, "wall") / _longest(two, "wall") for one, two in _pairs(alone, together)]
    cpus = [_longest(one, "cpu") / _longest(two, "cpu") for one, two in _pairs(alone, together)]
    table = Table("Workers: goals", GOALS)
    what = f"{N_WORKERS} workers x 1 thread over 1 x 1, samples a second"
    table.add(f"{what}, wall", f"at least {GOAL:g} x", f"{median(walls):.2f} x", options.command)
    table.add(
        f"{what}, CPU time of the slower worker (what a quiet machine's wall would be, waiting"
        " left out)",
        f"at least {GOAL:g} x",
        f"{median(cpus):.2f} x",
        options.command,
    )
    for which, (difference, weight) in differences.items():
        table.add(
            f"largest difference of a weight after {REPORT_EVERY} steps, same batch, {which}",
            f"at most {MAX_DIFFERENCE:g}",
            f"{difference:.1e} ({weight})",
            options.command,
        )
    return table


def _details(
    alone: list[list[Stretch]], together: list[list[Stretch]], config: TrainConfig
) -> Table:
    columns = ("workers", "samples/s, wall", "CPU ms a step and worker", "all-reduce bytes a step")
    table = Table("Workers, in turns", columns)
    samples = REPORT_EVERY * config.batch_size
    for n_workers, turns in ((1, alone), (N_WORKERS, together)):
        wall = median(_longest(turn, "wall") for turn in turns)
        cpu = median(_longest(turn, "cpu") for turn in turns)
        sent = turns[0][0].gradient_bytes if n_workers > 1 else 0
        table.add(n_workers, samples / wall, 1000 * cpu / REPORT_EVERY, sent)
    table.notes = [
        f"medians of {len(alone)} turns of {REPORT_EVERY} steps; global batch"
        f" {config.batch_size}, window {config.window}; gloo, one all-reduce a step",
        f"load of the machine while measuring: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores;"
        " the wall ratio is worth reading below 2.5 only",
    ]
    return table


def _pairs(
    alone: list[list[Stretch]], together: list[list[Stretch]]
) -> Iterator[tuple[list[Stretch], list[Stretch]]]:
    return zip(alone, together, strict=True)


def _longest(turn: list[Stretch], clock: str) -> float:
    return float(max(getattr(stretch, clock) for stretch in turn))


def _weights(progress: Progress) -> dict[str, Any]:
    state = progress.state
    networks = {"generator": state.generator, "critic": state.critic, "average": state.average}
    return {
        f"{name}.{key}": value.numpy()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }


def gradient_bytes(progress: Progress) -> int:
    """Bytes that a step averages over the workers."""
    networks = (progress.state.generator, progress.state.critic)
    parameters = [p for network in networks for p in network.parameters() if p.grad is not None]
    return sum(p.numel() * p.element_size() for p in parameters)


def _weights_of(n_workers: int, table: ReturnTable, config: TrainConfig) -> list[dict[str, Any]]:
    """What each worker has learnt in the first stretch."""
    with team(n_workers, table, config) as workers:
        return [stretch.weights for stretch in workers.stretch()]


def _worst(one: dict[str, Any], others: list[dict[str, Any]]) -> tuple[float, str]:
    """The largest difference, and the weight that shows it."""
    return max(
        (float(abs(one[name] - other[name]).max()), name) for other in others for name in one
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, parents=[market_options(), output_options()]
    )
    parser.add_argument("--turns", type=int, default=5, help="turns that count (default: 5)")
    parser.add_argument("--batch", type=int, help="windows a step (default: the library's)")
    parser.add_argument("--window", type=int, help="steps of a window (default: the library's)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
