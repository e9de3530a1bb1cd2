"""The service under load: small requests beside Ray Serve's limit, large ones beside the library's.

Small requests are 100 paths x 20 steps x all assets as Arrow. They are compared with a deployment
that returns the same bytes and does nothing else, behind the same ingress, in turns. A request is
*new* if nobody has asked for its seed before, and *asked before* if somebody has.
"""

import argparse
import json
import threading
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.program import output_options, parsed, run
from benchmarks.service_callers import Plan, called, percentile
from benchmarks.service_host import ARROW, Host, Memory, hosted, service_options
from benchmarks.service_wire import Call, Reply, Wire
from benchmarks.tables import GOALS, Table
from fingan.pipeline import load_model
from fingan.scenarios.formats import encoded_chunks

COMMAND = "python -m benchmarks.service_load"
HORIZON, FEW, MANY = 20, 100, 100_000
TRIVIAL, AGAIN, NEW = "nothing but the bytes", "asked before", "new"
COLUMNS = ("turn", "MB", "library, s", "service, s", "first byte, ms", "memory, MiB")
SHARE = 0.7  # of the rate of what limits it
SLOWER = 1.5  # times its p99
GROWTH = 64 * 2**20  # bytes
FIRST = 3.0  # times a small request
WATCH = 0.1  # seconds between two looks at memory


def measure(options: argparse.Namespace) -> list[Table]:
    """Small requests, then a large one."""
    with hosted(options) as host:
        small = Call("/v1/scenarios", _body(options.model, FEW, 1), ARROW)
        first = Wire(host.port).ask(small)
        assert first.status == 200, first
        deploy_trivial(first)
        calls = {
            TRIVIAL: Call("/trivial", small.body, ARROW),
            AGAIN: small,
            NEW: Call("/v1/scenarios", _body(options.model, FEW, "SEED"), ARROW),
        }
        rates = Rates(host, calls, options)
        large = Large(host, options)
    goals = Table("Service under load: goals", GOALS)
    rates.judge(goals)
    large.judge(goals)
    return [goals, rates.table(), large.table()]


class Rates:
    """Requests a second, closed loop, and seconds at one rate, open loop; in turns."""

    def __init__(self, host: Host, calls: dict[str, Call], options: argparse.Namespace) -> None:
        self._options = options
        self._rates: dict[str, list[float]] = {name: [] for name in calls}
        self._waits: dict[str, list[float]] = {name: [] for name in calls}
        self._alone: dict[str, float] = {}
        self._failed = 0
        self._sown = 10**6
        for name, call in calls.items():
            self._alone[name] = median(r.seconds for r in self._ask(host, call, 1, None, 2.0))
        for _ in range(options.turns):
            for name, call in calls.items():
                replies = self._ask(host, call, options.callers, None, options.seconds)
                self._rates[name].append(len(replies) / options.seconds)
        self._rate = {name: median(self._rates[name]) / 2 for name in calls}
        self._rate[TRIVIAL] = self._rate[AGAIN]
        for _ in range(options.turns):
            for name, call in calls.items():
                rate = self._rate[name]
                replies = self._ask(host, call, options.callers, rate, options.seconds)
                self._waits[name].append(percentile([r.seconds for r in replies], 0.99))

    def _ask(
        self, host: Host, call: Call, n_callers: int, rate: float | None, seconds: float
    ) -> list[Reply]:
        self._sown += 10**5
        replies = called(Plan(host.port, (call,), seconds, n_callers, rate, sown=self._sown))
        self._failed += sum(reply.status != 200 for reply in replies)
        return replies

    def judge(self, goals: Table) -> None:
        """The goals that these figures answer."""
        for name in (AGAIN, NEW):
            goals.add(
                f"small request, {name}: requests/s over '{TRIVIAL}'",
                f"at least {SHARE:g} x",
                f"{self._ratio(name, self._rates):.2f} x",
                self._options.command,
            )
        goals.add(
            f"small request, {AGAIN}: p99 over '{TRIVIAL}', both at the same rate",
            f"at most {SLOWER:g} x",
            f"{self._ratio(AGAIN, self._waits):.2f} x",
            self._options.command,
        )
        goals.add("answers but 200", "0", str(self._failed), self._options.command)

    def table(self) -> Table:
        """All figures."""
        columns = ("small request", "requests/s", "alone, ms", "rate of p99", "p99, ms")
        table = Table("Small requests", columns)
        for name, rates in self._rates.items():
            wait = 1_000 * median(self._waits[name])
            table.add(name, median(rates), 1_000 * self._alone[name], self._rate[name], wait)
        front = "Serve's own proxy" if self._options.proxy else "HAProxy, closed to loopback"
        table.notes = [
            f"{front}; medians of {self._options.turns} turns of {self._options.seconds:g} s;"
            f" {self._options.callers} callers of one process share the cores with the service",
            "requests/s: closed loop; p99: open loop, from when a request was due, at half of the"
            " rate (both of the first two: of the second's)",
        ]
        return table

    def _ratio(self, name: str, figures: dict[str, list[float]]) -> float:
        pairs = zip(figures[name], figures[TRIVIAL], strict=True)
        return median(own / theirs for own, theirs in pairs)


class Large:
    """A large cube through the service and through the library, in turns."""

    def __init__(self, host: Host, options: argparse.Namespace) -> None:
        self._options = options
        sampler = load_model(options.model, store=host.settings.store)
        history = sampler.history()
        self._n_paths = MANY // 10 if options.quick else MANY
        self._service: list[Reply] = []
        self._library: list[float] = []
        self._memory: list[int] = []
        small = Call("/v1/scenarios", _body(options.model, FEW, "SEED"), ARROW)
        warm = Plan(host.port, (small,), 2.0, 2, sown=10**8)
        called(warm)
        alone = called(Plan(host.port, (small,), 2.0, 1, sown=2 * 10**8))
        self._small = median(reply.seconds for reply in alone)
        for turn in range(options.turns + 1):
            began = time.monotonic()
            stream = sampler.stream(history, HORIZON, self._n_paths, seed=turn)
            for _ in encoded_chunks(stream, values="simple_return", layout="wide", format="arrow"):
                pass
            library = time.monotonic() - began
            call = Call("/v1/scenarios", _body(options.model, self._n_paths, turn), ARROW)
            with Watch() as watch:
                reply = Wire(host.port).ask(call)
            assert reply.status == 200, reply
            if turn:
                self._service.append(reply)
                self._library.append(library)
                self._memory.append(watch.growth)

    def judge(self, goals: Table) -> None:
        """The goals that these figures answer."""
        share = median(
            theirs / own.seconds for theirs, own in zip(self._library, self._service, strict=True)
        )
        first = median(reply.first_byte for reply in self._service)
        what = f"{self._n_paths:,} x {HORIZON} cube, Arrow"
        command = self._options.command
        goals.add(
            f"{what}: rate over the library's", f"at least {SHARE:g} x", f"{share:.2f} x", command
        )
        goals.add(
            f"{what}: growth of the service's memory",
            f"at most {GROWTH / 2**20:g} MiB",
            f"{median(self._memory) / 2**20:.0f} MiB; {max(self._memory) / 2**20:.0f} MiB where a"
            " generator draws its first large one",
            command,
        )
        goals.add(
            f"{what}: first byte over a small new request",
            f"at most {FIRST:g} x",
            f"{first / self._small:.2f} x",
            command,
        )

    def table(self) -> Table:
        """All figures."""
        table = Table("Large cube", COLUMNS)
        turns = zip(self._service, self._library, self._memory, strict=True)
        for turn, (reply, library, memory) in enumerate(turns, 1):
            took = library, reply.seconds, 1_000 * reply.first_byte, memory / 2**20
            table.add(turn, reply.n_bytes / 1e6, *took)
        table.notes = [
            "the library draws and encodes in one thread and keeps nothing; first turn left out",
            f"a small new request, alone: {1_000 * self._small:.1f} ms",
            "memory: proportional set sizes of all processes of Ray and HAProxy, highest of looks"
            f" {WATCH:g} s apart, over the one before",
        ]
        return table


class Watch:
    """The growth of the service's memory while a block runs."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.growth = 0

    def __enter__(self) -> "Watch":
        self._before = self._memory.bytes()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(WATCH):
            self.growth = max(self.growth, self._memory.bytes() - self._before)


def deploy_trivial(reply: Reply) -> None:
    """A deployment that returns as many bytes as a small answer has, at ``/trivial``."""
    from ray import serve
    from starlette.requests import Request
    from starlette.responses import Response

    class Trivial:
        def __init__(self, n_bytes: int) -> None:
            self._bytes = bytes(n_bytes)

        async def __call__(self, request: Request) -> Response:
            await request.body()
            return Response(self._bytes, media_type=ARROW["Accept"])

    deployment: Any = serve.deployment(
        Trivial, max_ongoing_requests=200, ray_actor_options={"num_cpus": 0.5}
    )
    serve.run(deployment.bind(reply.n_bytes), name="trivial", route_prefix="/trivial")


def _body(model: str, n_paths: int, seed: int | str) -> str:
    body = json.dumps({"model": model, "horizon": HORIZON, "n_paths": n_paths, "seed": "S"})
    return body.replace('"S"', str(seed))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, parents=[service_options(), output_options()]
    )
    parser.add_argument("--turns", type=int, help="turns that count (default: 5; quick: 2)")
    parser.add_argument("--seconds", type=float, help="of a turn (default: 5; quick: 2)")
    parser.add_argument("--callers", type=int, default=16, help="at once (default: 16)")
    options = parsed(parser, COMMAND, arguments)
    options.turns = options.turns or (2 if options.quick else 5)
    options.seconds = options.seconds or (2.0 if options.quick else 5.0)
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
