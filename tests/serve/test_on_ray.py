"""One service on a Ray of its own, in a process of its own: asked, broken, drained."""

import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import grpc
import psutil
import pytest

from fingan.scenarios.store import ModelStore
from serve.backend import Asked, Part
from serve.desk import Desk
from serve.schemas import ScenarioQuery
from serve.settings import ServiceSettings

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
WAIT = 120.0  # seconds for something to happen
HEAD_SECONDS = 2
ARROW = "application/vnd.apache.arrow.stream"
SMALL = {"model": "tiny@1", "horizon": 5, "n_paths": 100}
LARGE = {"model": "tiny@1", "horizon": 250, "n_paths": 40_000}
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
LATE = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")  # they give up after a minute
GENERATOR = "ServeReplica:fingan:Generator"


@dataclass(frozen=True)
class Service:
    """``python -m serve`` in a process of its own."""

    process: psutil.Popen
    port: int
    store: Path

    def ask(self, query: dict, seed: int = 0) -> HTTPResponse:
        """Ask for scenarios; the answer is yet to be read."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        head = {"Accept": ARROW, "Content-Type": "application/json", "Connection": "close"}
        connection.request("POST", "/v1/scenarios", json.dumps(query | {"seed": seed}), head)
        return connection.getresponse()

    def status(self) -> int:
        """Of ``/readyz``; 0 while nobody listens."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=WAIT)) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status
            except (OSError, HTTPException):
                return 0

    def model(self, query: dict, seed: int = 0) -> str:
        """Which version answers."""
        with self.ask(query, seed) as answer:
            assert answer.status == 200
            answer.read()
            return answer.headers["X-Fingan-Model"]

    def family(self) -> list[psutil.Process]:
        """The process and all that it started."""
        return [self.process, *self.process.children(recursive=True)]

    def generators(self) -> list[psutil.Process]:
        """Replicas that live."""
        return [child for child in self.family() if GENERATOR in title(child)]


@pytest.fixture(scope="module")
def service(store, tmp_path_factory) -> Iterator[Service]:
    place = tmp_path_factory.mktemp("served") / "store"
    shutil.copytree(store, place)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "serve", "--store", str(place), "--port", str(port)),
        *("--set", f"limits.body_seconds={HEAD_SECONDS}"),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment["OMP_NUM_THREADS"] = "1"
    with (place.parent / "log").open("wb") as log:
        process = psutil.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    served = Service(process, port, place)
    try:
        until(lambda: served.status() == 200)
        yield served
    finally:
        family = served.family() if process.is_running() else []
        for one in family:
            one.kill() if one.is_running() else None
        process.wait(WAIT)


@pytest.fixture(scope="module")
def right(service) -> Iterator[Desk]:
    """What answers should be."""
    desk = Desk(ServiceSettings(store=str(service.store)))
    yield desk
    desk.close()


def test_nothing_listens_beyond_loopback_without_a_token(service):
    listening = [address for one in service.family() for address in listened_on(one)]
    open_ports = [port for host, port in listening if host not in LOOPBACK]
    assert len(listening) > 10
    assert service.port not in open_ports
    for port in open_ports:  # Ray Serve binds these to every address, whatever it is told
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        call = channel.unary_unary("/ray.serve.ASGIService/HandleRequest")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=20)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_an_answer_has_the_bytes_of_the_library(service, right):
    for query in (SMALL, SMALL | {"n_paths": 3_000}):
        answer = service.ask(query, seed=7)
        assert answer.status == 200
        assert answer.headers["X-Fingan-Model"] == "tiny@1"
        assert digest(answer.read()) == digest(*drawn(right, query, seed=7))


def test_a_request_that_is_never_finished_is_cut(service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=WAIT) as slow:
        began = time.monotonic()
        slow.sendall(b"POST /v1/scenarios HTTP/1.1\r\nHost: local")
        heard = slow.recv(1_000)
        assert heard[9:12] in (b"408", b"")
        assert time.monotonic() - began < HEAD_SECONDS + 5


def test_a_generator_that_dies_fails_no_request(service, right):
    statuses: dict[int, tuple[int, str]] = {}
    ended = threading.Event()

    def keep_asking() -> None:
        seed = 1_000
        while not ended.is_set():
            answer = service.ask(SMALL, seed)
            statuses[seed] = answer.status, digest(answer.read())
            seed += 1

    thread = threading.Thread(target=keep_asking)
    thread.start()
    until(lambda: len(statuses) > 10)
    victim = service.generators()[0]
    victim.kill()
    n_before = len(statuses)
    until(lambda: len(statuses) > n_before + 20 and len(service.generators()) == 3)
    ended.set()
    thread.join()
    assert {status for status, _ in statuses.values()} == {200}
    for seed in list(statuses)[::10]:
        assert statuses[seed][1] == digest(*drawn(right, SMALL, seed))


@pytest.mark.slow
def test_a_stream_goes_on_where_dead_generators_left_it(service, right):
    until(lambda: len(service.generators()) == 3)
    query = LARGE | {"n_paths": 15_000}
    answer = service.ask(query, seed=3)
    received = hashlib.sha256(answer.read(1_000_000))
    for generator in service.generators():
        generator.kill()
    while piece := answer.read(2**20):
        received.update(piece)
    assert received.hexdigest() == digest(*drawn(right, query, seed=3))


def test_a_caller_who_does_not_read_fills_no_memory(service):
    until(lambda: service.status() == 200 and len(service.generators()) == 3)
    for seed in range(3):  # what a generator's first cube takes is there before
        service.ask(LARGE | {"n_paths": 10_000}, seed=seed).read()
    before = memory(service)
    answer = service.ask(LARGE, seed=4)
    answer.read(1_000)
    n_bytes = 4 * 4 * LARGE["horizon"] * LARGE["n_paths"]  # four assets, float32
    growth = [memory(service) - before for _ in range(20)]
    answer.close()
    assert max(growth) < 0.6 * n_bytes


def test_a_published_version_is_served_without_a_gap(service):
    newest = SMALL | {"model": "tiny"}
    assert service.model(newest) == "tiny@2"
    source = service.store / "tiny" / "1"

    def write(draft: Path) -> None:
        for file in source.iterdir():
            if file.name != "manifest.json":
                shutil.copyfile(file, draft / file.name)

    assert ModelStore(service.store).publish("tiny", write) == "tiny@3"
    began = time.monotonic()
    heads = []
    while not heads or heads[-1] != "tiny@3":
        heads.append(service.model(newest, seed=len(heads)))
        assert time.monotonic() - began < WAIT
    assert set(heads) <= {"tiny@2", "tiny@3"}
    assert time.monotonic() - began < 10  # 2 s on a machine that does nothing else


def test_a_terminated_service_finishes_what_it_has_accepted(service, right):
    query = LARGE | {"n_paths": 4_000}
    answer = service.ask(query, seed=5)
    received = hashlib.sha256(answer.read(1_000))
    family = [one for one in service.family() if not any(late in title(one) for late in LATE)]
    service.process.send_signal(signal.SIGTERM)
    until(lambda: service.status() in (0, 503))
    while piece := answer.read(2**20):
        received.update(piece)
    assert received.hexdigest() == digest(*drawn(right, query, seed=5))
    assert service.process.wait(WAIT) == 0
    _, alive = psutil.wait_procs(family, 30)
    assert alive == []


def drawn(desk: Desk, query: dict, seed: int) -> list[bytes]:
    """The chunks of an answer."""
    whole = ScenarioQuery.model_validate(query | {"seed": seed})
    asked, part = Asked(whole.model_dump_json().encode()), Part("arrow")
    begun = desk.begin(asked, part)
    rest = [] if begun.is_whole else list(desk.rest(asked, part, begun.pinned, 1))
    return [begun.chunk, *rest]


def digest(*chunks: bytes) -> str:
    return hashlib.sha256(b"".join(chunks)).hexdigest()


def memory(service: Service) -> int:
    """Of all processes, shared pages counted once."""
    total = 0
    for one in service.family():
        try:
            total += one.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


def listened_on(process: psutil.Process) -> list[tuple[str, int]]:
    try:
        connections = process.net_connections("inet")
    except psutil.Error:  # it has just ended
        return []
    return [one.laddr for one in connections if one.status == psutil.CONN_LISTEN]


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def until(is_so) -> None:
    """Wait for something that happens; polls, and gives up after ``WAIT``."""
    end = time.monotonic() + WAIT
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
