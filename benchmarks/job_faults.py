"""Jobs while their processes die: training workers, a node, and the driver of a sweep.

Jobs are the documented commands in processes of their own. Processes are killed with SIGKILL, at
moments drawn from a seed, by ids that this program looked up among its own children. A killed job's
published weights are compared, byte by byte, with those of a job that nothing disturbed.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.data.prices import read_prices
from fingan.scenarios.store import ModelStore
from ray_jobs.journal import Entry, Journal

COMMAND = "python -m benchmarks.job_faults"
PARTS = ("workers", "node", "sweep")
N_KILLS, N_TRIALS, N_SWEEP_KILLS = 20, 50, 10
N_ASSETS, N_DAYS = 5, 750
EVERY = 100  # steps between checkpoints
PATIENCE = 900.0  # seconds for something to happen
AFTER_A_DEATH, AFTER_A_NODE = 30.0, 120.0  # seconds: goals
WORKER = "ray::RayTrain"
NETWORKS: dict[str, Any] = {
    "ensemble": 1,
    "batch_size": 32,
    "window": 32,
    "generator": {"width": 8, "dilations": [1, 2], "n_latent": 2},
    "critic": {"width": 16, "directions": 3, "patch": 4, "aggregate_width": 8},
    "selection": {"every": EVERY, "horizon": 5, "n_starts": 16, "n_paths": 32},
}
SPACE = {
    "adversarial.learning_rate": {"low": 1e-4, "high": 5e-3, "log": True},
    "adversarial.gamma": {"low": 0.1, "high": 10.0, "log": True},
}


@dataclass
class Place:
    """Where jobs run."""

    directory: Path
    source: random.Random
    environment: dict[str, str] = field(default_factory=lambda: _clean_environment())

    @property
    def prices(self) -> Path:
        """A few assets and years of the bundled stocks."""
        path = self.directory / "prices.csv"
        if not path.exists():
            read_prices("sp500-20").iloc[-N_DAYS:, :N_ASSETS].to_csv(path)
        return path

    def job(self, name: str, steps: int, **more: Any) -> Path:
        """A job's file, with a store of its own beside it."""
        document = {
            "prices": str(self.prices),
            "name": "job",
            "store": str(self.directory / name),
            "train": NETWORKS | {"steps": steps},
        } | more
        path = self.directory / f"{name}.toml"
        path.write_text("\n".join(_toml(document)), encoding="utf-8")
        return path

    def start(self, module: str, job: Path, *options: str) -> psutil.Popen:
        """The documented command, in a process of its own."""
        command = [sys.executable, "-m", f"ray_jobs.{module}", "--config", str(job), *options]
        log = job.with_suffix(".log").open("ab")
        return psutil.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=log)

    def weights(self, name: str) -> bytes:
        """Of what a job has published."""
        store = ModelStore(self.directory / name)
        return store.resolve("job@1").read("generators.safetensors")

    def step(self, name: str) -> int:
        """Of a job's newest checkpoint; what is published has none and counts as the end."""
        store = self.directory / name
        if (store / "job").exists():
            return sys.maxsize
        names = [path.name for path in store.glob(".runs/*/step-*.safetensors")]
        return max((int(name[5:14]) for name in names), default=-1)


def measure(options: argparse.Namespace) -> list[Table]:
    """One kind of death after another."""
    goals = Table("Jobs under faults: goals", GOALS)
    details = Table("Jobs under faults", ("death", "at step", "saved again after, s"))
    with tempfile.TemporaryDirectory(prefix="fingan-faults-") as name:
        place = Place(Path(name), random.Random(options.seed))
        if "workers" in options.only:
            killed_workers(place, options, goals, details)
        if "node" in options.only:
            lost_node(place, options, goals, details)
        if "sweep" in options.only:
            killed_sweep(place, options, goals)
    return [goals, details] if details.rows else [goals]


def killed_workers(place: Place, options: argparse.Namespace, goals: Table, details: Table) -> None:
    """Workers die at random moments, some while others start; one job survives all."""
    steps = 8_000 * options.kills // N_KILLS
    limits: dict[str, Any] = {"workers": 2, "max_failures": 2 * options.kills}
    _ended(place.start("train", place.job("unbroken", steps, **limits)))
    process = place.start("train", place.job("killed", steps, **limits))
    waits = []
    with _cleaned(process):
        _saved(place, "killed", 0, process)
        for _ in range(options.kills):
            time.sleep(place.source.uniform(0, 8))
            victim = place.source.choice(_until(lambda: _workers(process), process))
            at, began = place.step("killed"), time.monotonic()
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
            _saved(place, "killed", at, process)
            waits.append(time.monotonic() - began)
            details.add("worker", at, waits[-1])
        _ended(process)
    _add_recovery(goals, options, f"{options.kills} workers, kill -9", waits, AFTER_A_DEATH)
    same = place.weights("killed") == place.weights("unbroken")
    goals.add(
        f"final weights after {options.kills} kills", "those of the unbroken run, every byte",
        "the same" if same else "different", options.command,
    )  # fmt: skip


def lost_node(place: Place, options: argparse.Namespace, goals: Table, details: Table) -> None:
    """One of two nodes dies; then training goes on with the other, or on a new one."""
    for name, more, replaced in (("elastic", {"min_workers": 1}, False), ("moved", {}, True)):
        steps, waited = 4_000, _patience_of_ray(place)
        with _cluster(waited) as cluster:
            lost = cluster.add_node(num_cpus=1)
            process = waited.start("train", waited.job(name, steps, workers=2, **more))
            with _cleaned(process):
                _saved(waited, name, 0, process)
                at, began = waited.step(name), time.monotonic()
                cluster.remove_node(lost, allow_graceful=False)
                if replaced:
                    cluster.add_node(num_cpus=1)
                _saved(waited, name, at, process)
                took = time.monotonic() - began
                _ended(process)
            left = _groups_left(cluster.address)
        what = "a node, replaced" if replaced else "a node, not replaced (min_workers = 1)"
        details.add(what, at, took)
        _add_recovery(goals, options, what, [took], AFTER_A_NODE)
        goals.add(f"placement groups left, {what}", "none", str(left), options.command)
    plain = place.job("two", 4_000, workers=2)
    _ended(place.start("train", plain))
    same = place.weights("moved") == place.weights("two")
    goals.add(
        "final weights after the loss of a node that was replaced",
        "those of the unbroken run, every byte",
        "the same" if same else "different",
        options.command,
    )


def killed_sweep(place: Place, options: argparse.Namespace, goals: Table) -> None:
    """The driver of a sweep dies at random moments and is started again each time."""
    train = NETWORKS | {"steps": 80}
    train["selection"] = NETWORKS["selection"] | {"every": 20}
    job = place.job("swept", 80, train=train, space=SPACE, n_trials=options.trials, concurrent=2)
    seen: list[list[Entry]] = []
    more: tuple[str, ...] = ()
    for _ in range(options.sweep_kills):
        process = place.start("tune", job, *more)
        with _cleaned(process):
            _grown(place, len(seen[-1]) if seen else 0, process)
            time.sleep(place.source.uniform(0, 15))
        seen.append(_journal(place))
        more = ("--resume",)
    _ended(place.start("tune", job, *more))
    last = _journal(place)
    lost = sum(entry not in last for entries in seen for entry in entries)
    n_values = len({json.dumps(entry["values"], sort_keys=True) for entry in last})
    states = ", ".join(
        f"{sum(entry['state'] == state for entry in last)} {state}"
        for state in ("finished", "stopped", "failed")
    )
    published = (place.directory / "swept" / "job" / "1").exists()
    what = f"sweep of {options.trials} trials, ASHA, driver killed {options.sweep_kills} times"
    goals.add(
        what,
        "completes and publishes",
        f"{len(last)} trials ({states}); {'published' if published else 'not published'}",
        options.command,
    )
    counts = ", ".join(str(len(entries)) for entries in seen)
    goals.add(
        f"ended trials lost, or run twice, by kills when {counts} had ended",
        "0",
        f"{lost} lost, {len(last) - n_values} twice",
        options.command,
    )


def _add_recovery(
    goals: Table, options: argparse.Namespace, what: str, waits: list[float], limit: float
) -> None:
    figure = f"{median(waits):.1f} s median, {max(waits):.1f} s at most"
    if len(waits) == 1:
        figure = f"{waits[0]:.1f} s"
    goal = f"at most {limit:g} s each"
    goals.add(f"{what}: until a later checkpoint is saved", goal, figure, options.command)


def _journal(place: Place) -> list[Entry]:
    paths = list((place.directory / "swept").glob(".sweeps/*/journal.jsonl"))
    return Journal(paths[0]).entries() if paths else []


def _workers(process: psutil.Popen) -> list[psutil.Process]:
    """Training workers that a job, or its Ray, has started."""
    found = []
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name().startswith(WORKER):
                found.append(child)
    return found


def _until(what: Any, process: psutil.Popen) -> Any:
    """The first true answer; the job must not end before."""
    end = time.monotonic() + PATIENCE
    while not (answer := what()):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"it did not happen; the job's exit code is {process.poll()}")
        time.sleep(0.02)
    return answer


def _saved(place: Place, name: str, after: int, process: psutil.Popen) -> None:
    _until(lambda: place.step(name) > after, process)


def _grown(place: Place, n_entries: int, process: psutil.Popen) -> None:
    _until(lambda: len(_journal(place)) > n_entries, process)


def _ended(process: psutil.Popen) -> None:
    if process.wait(PATIENCE) != 0:
        raise RuntimeError(f"a job must end well, but its exit code is {process.returncode}")


@contextlib.contextmanager
def _cleaned(process: psutil.Popen) -> Iterator[None]:
    """At the end neither the job nor what it started is alive."""
    try:
        yield
    finally:
        family = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [process, *process.children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=30)


@contextlib.contextmanager
def _cluster(place: Place) -> Iterator[Any]:
    """A Ray of this machine whose head does not compute; a node of one processor at first."""
    os.environ.update(place.environment)
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    place.environment["RAY_ADDRESS"] = cluster.address
    try:
        cluster.add_node(num_cpus=1)
        yield cluster
    finally:
        del place.environment["RAY_ADDRESS"]
        cluster.shutdown()


def _patience_of_ray(place: Place) -> Place:
    """The same place, with what docs/cluster.md sets where nodes come and go."""
    more = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "0" * 64,  # of a cluster on loopback that lives for minutes
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "30",
    }
    return Place(place.directory, place.source, place.environment | more)


def _groups_left(address: str) -> int:
    """Placement groups that hold resources although the job has ended."""
    import ray
    from ray.util import placement_group_table

    ray.init(address=address, logging_level="ERROR")
    try:
        states = [one["state"] for one in placement_group_table().values()]
    finally:
        ray.shutdown()
    return sum(state != "REMOVED" for state in states)


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}


def _toml(document: dict[str, Any], prefix: str = "") -> Iterator[str]:
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    for key, value in document.items():
        if key not in tables:
            yield f"{key} = {json.dumps(value)}"
    for key, table in tables.items():
        name = f"{prefix}{json.dumps(key)}"
        yield f"[{name}]"
        yield from _toml(table, f"{name}.")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    add: Any = parser.add_argument
    add("--only", nargs="+", choices=PARTS, default=PARTS, help="these alone (default: all)")
    add("--kills", type=int, default=N_KILLS, help="of workers (default: %(default)s)")
    add("--trials", type=int, default=N_TRIALS, help="of the sweep (default: %(default)s)")
    add("--sweep-kills", type=int, default=N_SWEEP_KILLS, help="(default: %(default)s)")
    add("--seed", type=int, default=0, help="of the moments (default: 0)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
