"""Hostile callers: generated requests, raw bytes, half-open sockets, huge and trickled bodies.

The service runs in a process of its own over a store that may be empty, for the baselines answer.
Schemathesis makes requests from the OpenAPI document, right ones and wrong ones; raw requests are
cut, repeated and garbled copies of real ones. What counts: answers of 5xx other than 503, by the
service's own log, silence of more than ten seconds, and whether the process is still the same.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.program import output_options, parsed, run
from benchmarks.tables import Table

COMMAND = "python -m benchmarks.service_fuzz"
SILENCE = 10.0  # seconds
AT_ONCE = 16  # raw connections
HALF_OPEN = 200
HUGE = 300 * 2**20  # bytes
TRICKLED = 1_000_000  # chunks of one byte
JSON = b"Content-Type: application/json\r\n"
ASKED = b'{"model":"historical","horizon":2,"n_paths":3,"seed":0,"assets":null}'
WELL = (
    b"POST /v1/scenarios HTTP/1.1\r\nHost: localhost\r\n"
    + JSON
    + b"Content-Length: %d\r\n\r\n%s" % (len(ASKED), ASKED),
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    b"GET /v1/models/demo@1/history?rows=3 HTTP/1.1\r\nHost: localhost\r\n\r\n",
)
ODD = (b"\0", b"\r\n", b"\r\n\r\n", b"\xff\xfe", b"%00", b"../", b"{" * 50, b"9" * 400, b": ")


@dataclass(frozen=True)
class Service:
    """A service in a process of its own."""

    port: int
    process: psutil.Process
    log: Path
    """What it wrote to stderr: a line of JSON for each answer, and tracebacks, if any."""


def measure(options: argparse.Namespace) -> list[Table]:
    """Every kind of hostility, one after another."""
    table = Table("Hostile callers", ("what", "goal", "figure", "command"))
    with service(options) as served:
        port, process = served.port, served.process
        began = process.create_time()
        for what, goal, figure in (
            ("generated requests", "no 5xx but 503", generated(served, options)),
            ("raw malformed requests", "no 5xx but 503, no silence", raw(port, options)),
            ("200 half-open sockets", "cut in 15 s, others unharmed", half_open(port)),
            ("body of 300 MB", "413 in 1 s", huge(port)),
            ("a million chunks of one byte", "refused in 15 s", trickled(port)),
        ):
            table.add(what, goal, figure, options.command)
        is_same = process.is_running() and process.create_time() == began
        table.add("process afterwards", "the same", "the same" if is_same else "another", "")
        n_tracebacks = served.log.read_text(errors="replace").count("Traceback")
        table.add("tracebacks in its log", "0", str(n_tracebacks), "")
    return [table]


@contextmanager
def service(options: argparse.Namespace) -> Iterator[Service]:
    """The service in one process."""
    with tempfile.TemporaryDirectory(prefix="fingan-fuzz-") as name:
        words = (
            f"-m serve --plain --port 0 --store {options.store or name} --set state={name}/state"
            " --set rates.requests_per_minute=1000000000 --set limits.max_values=2000000"
            " --set limits.max_held_values=2000000"
        )
        log = Path(name) / "service.log"
        with log.open("w") as written:
            child = subprocess.Popen([sys.executable, *words.split()], stderr=written)
        try:
            yield Service(_port(child, log), psutil.Process(child.pid), log)
        finally:
            child.terminate()
            child.wait(30)


def _port(child: subprocess.Popen[bytes], log: Path) -> int:
    """Where the service listens, once it says so."""
    while (found := re.search(r"fingan serves on .*:(\d+)\n", log.read_text())) is None:
        if child.poll() is not None:
            raise RuntimeError(f"the service did not start: {log.read_text()[-500:]}")
        time.sleep(0.1)
    return int(found[1])


def generated(served: Service, options: argparse.Namespace) -> str:
    """What schemathesis finds, and what the service says that it answered."""
    n_operations = 23
    words = (
        f"run http://127.0.0.1:{served.port}/openapi.json --checks not_a_server_error"
        f" --max-examples {-(-options.cases // n_operations)} --phases examples,coverage,fuzzing"
        f" --workers 2 --seed {options.seed} --request-timeout {SILENCE} --continue-on-failure"
        " --no-color"
    )
    program = Path(sys.executable).with_name("schemathesis")
    told = subprocess.run(
        [program, *words.split()], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"([\d,]+) generated", told)
    if found is None:
        return f"schemathesis did not end: {told[-200:]}"
    silent = len(re.findall(r"[Rr]ead timed out", told))
    answers = f"{found[1]} requests: {_counted(_statuses(served.log))}"
    return f"{answers}; silent for {SILENCE:g} s: {silent}"


def _statuses(log: Path) -> Counter[str]:
    """How often the service answered with which status."""
    lines = (line for line in log.read_text(errors="replace").splitlines() if line[:1] == "{")
    records = (json.loads(line) for line in lines)
    return Counter(str(one["status"]) for one in records if one.get("event") == "request")


def _counted(found: Counter[str]) -> str:
    shown = ", ".join(f"{status} {count:,}" for status, count in sorted(found.items()))
    bad = sum(count for status, count in found.items() if status[0] == "5" and status != "503")
    return f"{shown}; 5xx but 503: {bad}"


def raw(port: int, options: argparse.Namespace) -> str:
    """What garbled requests are answered with."""
    found = asyncio.run(_raw(port, options.raw, options.seed))
    return f"{sum(found.values()):,} requests: {_counted(found)}"


async def _raw(port: int, n: int, seed: int) -> Counter[str]:
    found: Counter[str] = Counter()
    numbers = iter(range(n))

    async def work() -> None:
        for number in numbers:
            found[await _answer(port, garbled(random.Random(f"{seed}/{number}")))] += 1

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return found


def garbled(source: random.Random) -> bytes:
    """A real request with some of it cut, doubled, replaced or added."""
    content = bytearray(source.choice(WELL))
    for _ in range(source.randint(1, 4)):
        place = source.randrange(len(content) + 1)
        end = min(len(content), place + source.randint(1, 30))
        match source.randrange(4):
            case 0:
                del content[place:end]
            case 1:
                content[place:place] = content[place:end]
            case 2:
                content[place:end] = source.randbytes(end - place)
            case 3:
                content[place:place] = source.choice(ODD)
    return bytes(content)


async def _answer(port: int, content: bytes) -> str:
    """A status; ``closed`` without one; ``silent`` after too long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(SILENCE + 2):
            writer.write(content)
            writer.write_eof()
            line = await reader.readline()
    except TimeoutError:
        return "silent"
    except OSError:
        return "closed"
    finally:
        writer.close()
    words = line.split()
    return words[1].decode() if len(words) > 1 and words[1].isdigit() else "closed"


def half_open(port: int) -> str:
    """How long sockets stay that never finish a request, and how others fare meanwhile."""
    return asyncio.run(_half_open(port))


async def _half_open(port: int) -> str:
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(HALF_OPEN)]
    began = time.monotonic()
    head = b"POST /v1/risk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for number, (_, writer) in enumerate(opened):
        writer.write(head if number % 2 else head + b"Content-Length: 100\r\n\r\n{")
    slowest, failed = 0.0, 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for _ in range(50):
            at = time.monotonic()
            failed += (await client.get("/v1/models")).status_code != 200
            slowest = max(slowest, time.monotonic() - at)
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(reader.read() for reader, _ in opened))
    except TimeoutError:
        return "some were open after 60 s"
    seconds = time.monotonic() - began
    for _, writer in opened:
        writer.close()
    return f"all cut after {seconds:.1f} s; 50 others: {failed} failed, slowest {slowest:.2f} s"


def huge(port: int) -> str:
    """What a body of 300 MB is told."""
    length = f"Content-Length: {HUGE}\r\n\r\n".encode()
    return asyncio.run(_sent(port, length, b"x" * 65_536, HUGE // 65_536))


def trickled(port: int) -> str:
    """What a million chunks of one byte are told."""
    return asyncio.run(_sent(port, b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", TRICKLED))


async def _sent(port: int, head: bytes, part: bytes, n_parts: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(
        b"POST /v1/risk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + head
    )

    async def send() -> None:
        for _ in range(n_parts):
            writer.write(part)
            await writer.drain()

    sending = asyncio.ensure_future(send())
    line = b""
    try:
        async with asyncio.timeout(60):
            line = await reader.readline()
    except (TimeoutError, OSError):
        pass
    seconds = time.monotonic() - began
    sending.cancel()
    writer.close()
    status = line.split()[1].decode() if line.startswith(b"HTTP/1.1 ") else "no answer"
    return f"{status} after {seconds:.2f} s"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, parents=[output_options()])
    add = parser.add_argument
    add("--cases", type=int, default=10_000, help="generated requests (default: 10,000)")
    add("--raw", type=int, default=10_000, help="raw requests (default: 10,000)")
    add("--seed", type=int, default=0, help="of both (default: 0)")
    add("--store", help="model store (default: an empty one, the baselines answer)")
    run(measure, parsed(parser, COMMAND, arguments))


if __name__ == "__main__":
    main()
