"""The service while its parts die, models change and four times too much is asked.

All callers are open loop, in a process of their own, each request on a connection of its own, and
send nothing twice: whatever is retried is retried inside the service. Processes are killed by ids
that this program looked up among its own children.
"""

import argparse
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.program import output_options, parsed, run
from benchmarks.service_callers import Callers, Plan, called, percentile
from benchmarks.service_host import (
    ARROW,
    GENERATOR,
    INGRESS,
    Host,
    hosted,
    published,
    service_options,
)
from benchmarks.service_wire import LOST, Call, Reply, Wire
from benchmarks.tables import GOALS, Table
from fingan.scenarios.store import ModelStore

COMMAND = "python -m benchmarks.service_faults"
OK, REFUSALS = 200, (429, 503)
N_CALLERS = 300
N_SEEDS = 8  # of requests whose bytes are compared
VISIBLE, BACK = 2.0, 5.0  # seconds
NEAR = 2.0  # times the usual p95 counts as usual
FAULTS = ("kills", "publishes", "overload", "front")


def measure(options: argparse.Namespace) -> list[Table]:
    """One fault after another on one service."""
    with hosted(options) as host:
        load = Load(host, options)
        goals = Table("Service under faults: goals", GOALS)
        details = Table("Service under faults", ("fault", "answers", "requests/s", "p99, ms"))
        steps = {
            "kills": killed,
            "publishes": publishing,
            "overload": overloaded,
            "front": beheaded,
        }
        for name in options.only or FAULTS:
            steps[name](load, goals, details)
        details.notes = [
            f"capacity: {load.capacity:.1f} new requests/s (100 paths x 20 steps, Arrow), closed"
            f" loop; alone {1_000 * load.alone:.0f} ms",
            "answers: how many of each status; 0 is an answer that did not come, or not whole",
        ]
    return [goals, details]


class Load:
    """What the service can do when nothing is wrong."""

    def __init__(self, host: Host, options: argparse.Namespace) -> None:
        self.host, self.options = host, options
        self._sown = 10**6
        called(self.plan(3.0, n_callers=8))
        self.alone = percentile([r.seconds for r in called(self.plan(2.0, n_callers=1))], 0.5)
        seconds = 3.0 if options.quick else 8.0
        self.capacity = len(called(self.plan(seconds, n_callers=8))) / seconds

    def plan(
        self, seconds: float, *, rate: float | None = None, n_callers: int = N_CALLERS
    ) -> Plan:
        """Small requests that nobody made before."""
        self._sown += 10**5
        calls = (self.call("SEED"),)
        return Plan(self.host.port, calls, seconds, n_callers, rate, reuse=False, sown=self._sown)

    def call(self, seed: int | str, model: str | None = None) -> Call:
        """A small request."""
        asked = {"model": model or self.options.model, "n_paths": 100, "seed": "S"}
        return Call("/v1/scenarios", json.dumps(asked).replace('"S"', str(seed)), ARROW)

    @property
    def seconds(self) -> float:
        """Of a fault that lasts a minute."""
        return 12.0 if self.options.quick else 60.0


def killed(load: Load, goals: Table, details: Table) -> None:
    """A generator is killed now and then, at half capacity."""
    every = 4.0 if load.options.quick else 10.0
    callers = Callers(load.plan(load.seconds, rate=load.capacity / 2))
    n_killed = 0
    for _ in ticks(every, load.seconds - every / 2):
        for pid in load.host.pids(GENERATOR)[:1]:  # none, if all are yet to start again
            os.kill(pid, signal.SIGKILL)
            n_killed += 1
    replies = callers.replies()
    _detail(details, f"{n_killed} generators killed, one each {every:g} s", replies, load.seconds)
    goals.add(
        f"a generator killed every {every:g} s for {load.seconds:g} s at half capacity: failed"
        f" of {len(replies)}",
        "0",
        str(sum(reply.status != OK for reply in replies)),
        load.options.command,
    )
    load.host.wait_for(3)


def publishing(load: Load, goals: Table, details: Table) -> None:
    """Ten versions of the model appear, at half capacity."""
    n_versions = 4 if load.options.quick else 10
    every = load.seconds / (n_versions + 1)
    calls = tuple(load.call(seed) for seed in range(N_SEEDS))
    rate = load.capacity / 2
    callers = Callers(Plan(load.host.port, calls, load.seconds, N_CALLERS, rate, reuse=False))
    store = ModelStore(load.host.settings.store)
    appeared: list[tuple[str, float]] = [(f"{load.options.model}@1", 0.0)]
    for number in ticks(every, load.seconds - every / 2):
        nudge = 1.0 + 1e-3 * (number + 1)
        reference = published(store, load.options.model, store, nudge)
        appeared.append((reference, time.monotonic()))
    replies = callers.replies()
    _detail(details, f"{len(appeared) - 1} versions published", replies, load.seconds)
    command, when = load.options.command, f"{len(appeared) - 1} publishes in {load.seconds:g} s"
    n_failed = sum(reply.status != OK for reply in replies)
    goals.add(f"{when}: failed of {len(replies)}", "0", str(n_failed), command)
    mixed = sum(1 for _ in _mixed(load, [reply for reply in replies if reply.status == OK]))
    goals.add(f"{when}: answers not wholly of the version they name", "0", str(mixed), command)
    stale = staleness(appeared, replies)
    goals.add(
        f"{when}: seconds until no request is answered by the old version",
        f"at most {VISIBLE:g}",
        f"{stale:.2f}",
        command,
    )


def _mixed(load: Load, replies: Sequence[Reply]) -> Iterator[Reply]:
    """Answers whose bytes are not those of the version named, asked for by its number."""
    wire, pinned = Wire(load.host.port), {}
    for reply in replies:
        seed, model = reply.index % N_SEEDS, reply.head["x-fingan-model"]
        if (seed, model) not in pinned:
            pinned[seed, model] = wire.ask(load.call(seed, model))
        right = pinned[seed, model]
        if (reply.digest, reply.head["x-fingan-model-digest"]) != (
            right.digest,
            right.head["x-fingan-model-digest"],
        ):
            yield reply


def staleness(appeared: Sequence[tuple[str, float]], replies: Sequence[Reply]) -> float:
    """Seconds after a publish at which a request began that the version before still answered."""
    latest = 0.0
    for (old, _), (_, at) in pairwise(appeared):
        begun = [r.began for r in replies if r.head.get("x-fingan-model") == old]
        latest = max([latest, *(began - at for began in begun)])
    return latest


def overloaded(load: Load, goals: Table, details: Table) -> None:
    """Four times the capacity, then half of it again."""
    before = called(load.plan(2 * BACK, rate=load.capacity / 2))
    usual = percentile([reply.seconds for reply in before], 0.95)
    seconds = load.seconds / 2
    during = called(load.plan(seconds, rate=4 * load.capacity))
    ended = time.monotonic()
    after = called(load.plan(2 * BACK, rate=load.capacity / 2))
    _detail(details, f"four times the capacity for {seconds:g} s", during, seconds)
    _detail(details, "half of it, thereafter", after, 2 * BACK)
    command, when = load.options.command, f"4 x capacity for {seconds:g} s"
    others = sum(reply.status != OK and not is_refusal(reply) for reply in during)
    goals.add(
        f"{when}: answers but 200, and 429 and 503 with Retry-After, of {len(during)}",
        "0",
        str(others),
        command,
    )
    goals.add(
        f"{when}: seconds until p95 is usual again (at most {NEAR:g} x)",
        f"at most {BACK:g}",
        f"{recovery(after, ended, NEAR * usual):.1f}",
        command,
    )


def is_refusal(reply: Reply) -> bool:
    """Whether a request is told when to come again."""
    return reply.status in REFUSALS and "retry-after" in reply.head


def recovery(replies: Sequence[Reply], since: float, most: float) -> float:
    """End of the last second whose requests were slower than they may be."""
    late = 0.0
    for second in range(int(2 * BACK)):
        inside = [r for r in replies if second <= r.began - since < second + 1]
        if inside and percentile([reply.seconds for reply in inside], 0.95) > most:
            late = second + 1.0
    return late


def beheaded(load: Load, goals: Table, details: Table) -> None:
    """The ingress is killed, then what takes requests in: how long until answers come again."""
    finders = {"ingress": lambda: load.host.pids(INGRESS), "HAProxy": load.host.fronts}
    for what, pids in finders.items():
        rate = min(20.0, load.capacity / 2)
        callers = Callers(load.plan(40.0, rate=rate))
        time.sleep(3.0)
        at = time.monotonic()
        for pid in pids():
            os.kill(pid, signal.SIGKILL)
        replies = callers.replies()
        failed = [reply.began - at for reply in replies if reply.status != OK]
        _detail(details, f"{what} killed", replies, 40.0)
        goals.add(
            f"{what} killed: seconds until the last failed request began",
            "-",
            f"{max(failed, default=0.0):.1f}",
            load.options.command,
        )


def ticks(every: float, until: float) -> Iterator[int]:
    """Number after number, one each so many seconds."""
    began = time.monotonic()
    for number in range(int(until / every)):
        time.sleep(max(0.0, began + (number + 1) * every - time.monotonic()))
        yield number


def _detail(details: Table, fault: str, replies: Sequence[Reply], seconds: float) -> None:
    counts = Counter(reply.status for reply in replies)
    answers = ", ".join(f"{n} x {status}" for status, n in sorted(counts.items()))
    whole = [reply.seconds for reply in replies if reply.status != LOST]
    wait: Any = 1_000 * percentile(whole, 0.99) if whole else None
    details.add(fault, answers, len(replies) / seconds, wait)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, parents=[service_options(), output_options()]
    )
    parser.add_argument("--only", choices=FAULTS, action="append", help="may be repeated")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
