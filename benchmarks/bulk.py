"""Bulk scenarios as a Ray job: two workers beside one, and whether they write the same bytes.

Both sides are the job itself on one local Ray, in turns, into fresh directories; worker processes
are warm, as they are in a job that is worth a cluster.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.pipeline import default_store
from ray_jobs.bulk import GenerateJob
from ray_jobs.cluster import connect
from ray_jobs.generate import generate

COMMAND = "python -m benchmarks.bulk"
WORKERS = (1, 2)
GOAL = 1.7


def measure(options: argparse.Namespace) -> list[Table]:
    """Turns of one worker and of two; the first one warms up."""
    connect(n_cpus=max(WORKERS))
    seconds: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    digests: dict[int, set[tuple[str, ...]]] = {workers: set() for workers in WORKERS}
    n_bytes = 0
    for turn in range(options.turns + 1):
        for workers in (2, 1) if turn % 2 else (1, 2):
            with tempfile.TemporaryDirectory(prefix="fingan-bulk-") as name:
                job = _job(options, name, workers)
                began = time.perf_counter()
                n_bytes = generate(job)["bytes"]
                took = time.perf_counter() - began
                digests[workers].add(_digests(Path(name)))
            if turn > 0:
                seconds[workers].append(took)
    return [_goals(options, seconds, digests), _details(options, seconds, n_bytes)]


def _job(options: argparse.Namespace, directory: str, workers: int) -> GenerateJob:
    return GenerateJob(
        model=options.model,
        store=options.store or default_store(),
        out=directory,
        n_paths=options.paths,
        seed=7,
        workers=workers,
    )


def _digests(directory: Path) -> tuple[str, ...]:
    manifest = json.loads((directory / "manifest.json").read_text())
    return tuple(one["sha256"] for one in manifest["files"])


def _goals(
    options: argparse.Namespace,
    seconds: dict[int, list[float]],
    digests: dict[int, set[tuple[str, ...]]],
) -> Table:
    table = Table("Bulk scenarios: goals", GOALS)
    gains = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    what = "2 workers over 1, paths a second, wall"
    table.add(what, f"at least {GOAL:g} x", f"{median(gains):.2f} x", options.command)
    n_different = len(digests[1] | digests[2])
    same = "the same" if n_different == 1 else f"{n_different} different sets"
    table.add("files of 1 and 2 workers, every turn", "the same bytes", same, options.command)
    return table


def _details(options: argparse.Namespace, seconds: dict[int, list[float]], n_bytes: int) -> Table:
    table = Table("Bulk scenarios, in turns", ("workers", "s", "paths/s", "MB/s"))
    for workers in WORKERS:
        took = median(seconds[workers])
        table.add(workers, took, options.paths / took, n_bytes / took / 1e6)
    table.notes = [
        f"medians of {options.turns} turns; {options.paths:,} paths x 20 steps, Parquet,"
        " zstd; driver, Ray and workers share the cores"
    ]
    return table


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    add: Any = parser.add_argument
    add("--store", help="model store (default: FINGAN_STORE, else ./models)")
    add("--model", default="demo", help="in the store (default: demo)")
    add("--paths", type=int, default=204_800, help="in all (default: %(default)s)")
    add("--turns", type=int, default=3, help="that count (default: %(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
