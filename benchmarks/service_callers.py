"""Callers of the service in a process of their own: as fast as they can, or at a given rate.

At a rate (open loop) requests begin when they are due, whether or not earlier ones have ended, and
their seconds count from then on: a slow service cannot slow those who judge it.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from queue import SimpleQueue
from typing import Any

from benchmarks.service_wire import Call, Reply, Wire

AHEAD = 0.3  # seconds until the first request, so that all callers stand ready


@dataclass(frozen=True)
class Plan:
    """What callers do.

    Args:
        port: Of the service.
        calls: Made one after another, again from the first when all were made.
        seconds: For which requests begin.
        n_callers: At once; at a rate, at most.
        rate: Requests begun a second; None for as many as the callers can make.
        reuse: Whether a connection carries more than one request.
        sown: Whether ``SEED`` in a body stands for a number that no request had before.
    """

    port: int
    calls: tuple[Call, ...]
    seconds: float
    n_callers: int
    rate: float | None = None
    reuse: bool = True
    sown: int | None = None

    def call(self, index: int) -> Call:
        """The call of a number."""
        call = self.calls[index % len(self.calls)]
        if self.sown is None:
            return call
        return replace(call, body=call.body.replace("SEED", str(self.sown + index)))


class Callers:
    """Callers at work in another process."""

    def __init__(self, plan: Plan) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.service_callers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(plan)))
        self._process.stdin.close()

    def replies(self) -> list[Reply]:
        """What came back, when all callers are done."""
        assert self._process.stdout is not None
        replies = [Reply(**json.loads(line)) for line in self._process.stdout]
        if self._process.wait() != 0:
            raise RuntimeError("callers failed")
        return replies


def called(plan: Plan) -> list[Reply]:
    """Carry out a plan in another process."""
    return Callers(plan).replies()


def carried_out(plan: Plan) -> list[Reply]:
    """Carry out a plan in threads of this process."""
    due: SimpleQueue[tuple[int, float | None] | None] = SimpleQueue()
    began = time.monotonic() + AHEAD
    replies: list[Reply] = []
    ask = _as_due if plan.rate is not None else _as_fast
    numbers = count()
    threads = [
        threading.Thread(target=ask, args=(plan, due, numbers, began + plan.seconds, replies))
        for _ in range(plan.n_callers)
    ]
    for thread in threads:
        thread.start()
    if plan.rate is not None:
        for index in range(round(plan.seconds * plan.rate)):
            at = began + index / plan.rate
            time.sleep(max(0.0, at - time.monotonic()))
            due.put((index, at))
        for _ in threads:
            due.put(None)
    for thread in threads:
        thread.join()
    return replies


def _as_due(
    plan: Plan,
    due: "SimpleQueue[tuple[int, float] | None]",
    numbers: Iterator[int],  # noqa: ARG001
    end: float,  # noqa: ARG001
    replies: list[Reply],
) -> None:
    wire = Wire(plan.port)
    while (entry := due.get()) is not None:
        index, at = entry
        reply = wire.ask(plan.call(index))
        late = reply.began - at
        replies.append(
            replace(
                reply,
                index=index,
                began=at,
                first_byte=reply.first_byte + late,
                seconds=reply.seconds + late,
            )
        )
        if not plan.reuse:
            wire.close()
    wire.close()


def _as_fast(
    plan: Plan,
    due: Any,  # noqa: ARG001
    numbers: Iterator[int],
    end: float,
    replies: list[Reply],
) -> None:
    wire = Wire(plan.port)
    while time.monotonic() < end:
        index = next(numbers)
        replies.append(replace(wire.ask(plan.call(index)), index=index))
        if not plan.reuse:
            wire.close()
    wire.close()


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value that a share of all do not exceed; in the unit given."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    """Read a plan, carry it out, write replies one a line."""
    given = json.load(sys.stdin)
    calls = tuple(Call(**call) for call in given.pop("calls"))
    for reply in carried_out(Plan(calls=calls, **given)):
        sys.stdout.write(json.dumps(reply.record()) + "\n")


if __name__ == "__main__":
    main()
