"""What Ray costs a training loop: one Ray worker beside a plain process, in turns.

Both train the same configuration to its end, checks and checkpoints included, and publish; the
seconds are those of the model's card, which begin when the loop does. How long Ray takes to start
stands apart.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import use_one_thread
from benchmarks.market import market_options
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.data.prices import read_prices
from fingan.pipeline import TrainingRun
from fingan.pipeline import train as plain_run
from fingan.scenarios.store import ModelStore
from fingan.training.config import TrainConfig
from ray_jobs.job import TrainJob
from ray_jobs.train import train as ray_train

COMMAND = "python -m benchmarks.ray_overhead"
MOST = 0.05


def measure(options: argparse.Namespace) -> list[Table]:
    """Turns of both; the first one warms up."""
    seconds: dict[str, list[float]] = {"plain": [], "Ray": []}
    walls: dict[str, list[float]] = {"plain": [], "Ray": []}
    for turn in range(options.turns + 1):
        for name, trained in (("plain", _plain), ("Ray", _with_ray)):
            with tempfile.TemporaryDirectory(prefix="fingan-overhead-") as store:
                began = time.perf_counter()
                trained(options, store)
                wall = time.perf_counter() - began
                card = ModelStore(store).resolve("job@1").card
            if turn > 0:
                seconds[name].append(card["training"]["seconds"])
                walls[name].append(wall)
    ratios = [ray / plain for ray, plain in zip(seconds["Ray"], seconds["plain"], strict=True)]
    goals = Table("Ray's loop: goals", GOALS)
    goals.add(
        "one Ray worker over a plain process, seconds of the training loop",
        f"at most {1 + MOST:g} x",
        f"{median(ratios):.3f} x ({min(ratios):.3f} to {max(ratios):.3f})",
        options.command,
    )
    details = Table("Ray's loop, in turns", ("loop", "s", "s, with start and publishing"))
    for name in seconds:
        details.add(name, median(seconds[name]), median(walls[name]))
    details.notes = [
        f"medians of {options.turns} turns of {options.steps} steps at the default batch"
    ]
    return [goals, details]


def _config(options: argparse.Namespace) -> dict[str, Any]:
    return {"steps": options.steps, "ensemble": 1}


def _plain(options: argparse.Namespace, store: str) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(_train_plainly, (options.prices, _config(options), store))


def _train_plainly(prices: str, config: dict[str, Any], store: str) -> None:
    use_one_thread()
    trained: TrainingRun = plain_run(
        read_prices(prices), TrainConfig.model_validate(config), name="job", store=store
    )
    for _ in trained:
        pass


def _with_ray(options: argparse.Namespace, store: str) -> None:
    document = {"prices": _path(options.prices), "name": "job", "store": store, "workers": 1}
    ray_train(TrainJob.model_validate(document | {"train": _config(options)}))


def _path(prices: str) -> str:
    path = Path(prices)
    return str(path.absolute()) if path.exists() else prices


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), output_options()],
    )
    add: Any = parser.add_argument
    add("--turns", type=int, default=3, help="that count (default: %(default)s)")
    add("--steps", type=int, default=400, help="of training (default: %(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
