"""Hosts, origins, keys, rates, bodies, the gate: who is refused, with which words."""

import asyncio
import json
import logging
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from fingan.audit import AuditTrail
from fingan.keys import KeyRing
from serve.guards import add_guards
from serve.meters import Meters
from serve.refusals import Refusals
from serve.settings import Limits, Rates, ServiceSettings
from serve.slow_clients import uvicorn_options

FEW = Limits(max_running=1, max_waiting=1, max_body_bytes=1_000, body_seconds=0.5)


def guarded(settings: ServiceSettings, keys=None, audit=None) -> FastAPI:
    """Guards before two small endpoints."""
    api = FastAPI()

    @api.get("/v1/models")
    async def models():
        return {"models": []}

    @api.post("/v1/risk")
    async def risk(slow: float = 0):
        await asyncio.sleep(slow)
        return {"risk": 1}

    @api.post("/v1/fault")
    async def fault():
        raise RuntimeError("secret of the inside")

    add_guards(api, settings, keys=keys, meters=Meters(), audit=audit)
    return api


def client_of(api: FastAPI, host: str = "localhost") -> TestClient:
    return TestClient(api, base_url=f"http://{host}", raise_server_exceptions=False)


def refusal(answer, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["detail"]


def test_another_host_or_origin_is_refused():
    api = guarded(ServiceSettings())
    assert "got 'evil.example'" in refusal(client_of(api, "evil.example").get("/v1/models"), 403)
    client = client_of(api)
    evil = {"Origin": "http://evil.example"}
    assert "Origin must be allowed" in refusal(client.post("/v1/risk", headers=evil), 403)
    own = {"Origin": "http://localhost"}
    assert client.post("/v1/risk", headers=own).status_code == 200
    allowed = guarded(ServiceSettings(allow_origins=("http://desk.example",)))
    answer = client_of(allowed).post("/v1/risk", headers={"Origin": "http://desk.example"})
    assert answer.headers["access-control-allow-origin"] == "http://desk.example"


def test_a_page_of_an_allowed_origin_can_read_why_it_is_refused():
    settings = ServiceSettings(
        allow_origins=("http://desk.example",), rates=Rates(requests_per_minute=1)
    )
    client, origin = client_of(guarded(settings)), {"Origin": "http://desk.example"}
    assert client.post("/v1/risk", headers=origin).status_code == 200
    answer = client.post("/v1/risk", headers=origin)
    refusal(answer, 429)
    assert answer.headers["access-control-allow-origin"] == "http://desk.example"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    other = client.get("/v1/models", headers={"Origin": "http://evil.example"})
    refusal(other, 429)
    assert "access-control-allow-origin" not in other.headers


def test_a_host_is_known_in_any_letters():
    api = guarded(ServiceSettings(allow_hosts=("Risk.Example.com",)))
    assert client_of(api, "risk.example.com").get("/v1/models").status_code == 200


def test_a_service_beyond_loopback_asks_for_keys_with_scopes(tmp_path):
    keys, audit = KeyRing(tmp_path), AuditTrail(tmp_path)
    reader, _ = keys.create("reader", ("read",))
    maker, made = keys.create("maker", ("read", "generate"))
    settings = ServiceSettings(host="0.0.0.0", allow_hosts=("risk.example",))
    client = client_of(guarded(settings, keys, audit), "risk.example")
    first = client.get("/v1/models")
    assert "Authorization: Bearer" in refusal(first, 401)
    bad = {"Authorization": f"Bearer {reader[:-1]}_"}
    assert refusal(client.get("/v1/models", headers=bad), 401)
    read = {"Authorization": f"Bearer {reader}"}
    assert client.get("/v1/models", headers=read).status_code == 200
    assert "scope 'generate'" in refusal(client.post("/v1/risk", headers=read), 403)
    make = {"Authorization": f"Bearer {maker}"}
    assert client.post("/v1/risk", headers=make).status_code == 200
    keys.revoke(made.id)
    assert refusal(client.post("/v1/risk", headers=make), 401)
    trail = audit.path.read_text()
    (line,) = map(json.loads, trail.splitlines())  # the others of its minute are counted
    assert (line["event"], line["code"], line["count"]) == ("refused", "key-needed", 1)
    assert line["address"] == "testclient"
    assert line["request_id"] == first.headers["x-request-id"]
    assert reader not in trail
    assert audit.broken_at() is None


def test_a_service_that_needs_keys_is_not_built_without_them():
    client = client_of(guarded(ServiceSettings(require_keys=True)))
    with pytest.raises(ValueError, match="must be given a key ring"), client:
        pass


def test_a_caller_that_asks_too_often_is_told_when_to_come_again():
    client = client_of(guarded(ServiceSettings(rates=Rates(requests_per_minute=3))))
    assert [client.get("/v1/models").status_code for _ in range(3)] == [200] * 3
    answer = client.get("/v1/models")
    assert "3 times a minute" in refusal(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1


def test_wrong_keys_are_slowed_down_and_right_ones_are_not(tmp_path):
    keys, audit = KeyRing(tmp_path), AuditTrail(tmp_path)
    secret, _ = keys.create("reader", ("read",))
    settings = ServiceSettings(require_keys=True, rates=Rates(requests_per_minute=3))
    with client_of(guarded(settings, keys, audit)) as client:
        wrong = {"Authorization": f"Bearer {secret[:-1]}_"}
        for _ in range(3):
            refusal(client.get("/v1/models", headers=wrong), 401)
        answer = client.get("/v1/models", headers=wrong)
        assert "3 times a minute" in refusal(answer, 429)
        assert int(answer.headers["retry-after"]) >= 1
        right = {"Authorization": f"Bearer {secret}"}
        assert client.get("/v1/models", headers=right).status_code == 200
    lines = [json.loads(line) for line in audit.path.read_text().splitlines()]
    assert [line["count"] for line in lines] == [1, 2]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_refusals_are_one_line_an_address_and_minute():
    lines, clock = [], Clock()
    refusals = Refusals(lambda event, details: lines.append((event, details)), clock)
    for number in range(5):
        refusals.add("a", {"request_id": str(number)})
    refusals.add("b", {"request_id": "5"})
    assert lines == [
        ("refused", {"address": "a", "count": 1, "request_id": "0"}),
        ("refused", {"address": "b", "count": 1, "request_id": "5"}),
    ]
    assert not refusals.is_due
    clock.now = 60.0
    assert refusals.is_due
    refusals.add("a", {"request_id": "6"})
    assert lines[2:] == [("refused", {"address": "a", "count": 4, "request_id": "4"})]
    refusals.write(all_of_them=True)
    assert lines[3:] == [("refused", {"address": "a", "count": 1, "request_id": "6"})]
    clock.now = 200.0
    refusals.write()
    assert len(lines) == 4
    assert not refusals.is_due


def test_many_addresses_share_a_line(monkeypatch):
    monkeypatch.setattr("serve.refusals.MOST_ADDRESSES", 2)
    lines = []
    refusals = Refusals(lambda _, details: lines.append(details))
    for address in "abcda":
        refusals.add(address, {})
    refusals.write(all_of_them=True)
    counts = [(line["address"], line["count"]) for line in lines]
    assert counts == [("a", 1), ("b", 1), ("others", 1), ("a", 1), ("others", 1)]


def test_a_request_whose_turn_does_not_come_is_told_to_come_again():
    limits = Limits(max_running=1, max_waiting=9, wait_seconds=0.05)
    api = guarded(ServiceSettings(limits=limits))

    async def ask():
        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            running = asyncio.ensure_future(client.post("/v1/risk", params={"slow": 0.5}))
            await asyncio.sleep(0.01)
            waiting = await client.post("/v1/risk")
            return await running, waiting, await client.post("/v1/risk")

    running, waiting, after = asyncio.run(ask())
    assert "within 0.05 seconds" in refusal(waiting, 503)
    assert waiting.headers["retry-after"] == "1"
    assert (running.status_code, after.status_code) == (200, 200)


def test_a_large_body_is_refused_before_it_is_read():
    client = client_of(guarded(ServiceSettings(limits=FEW)))
    assert "at most 1,000 bytes" in refusal(client.post("/v1/risk", content=b"x" * 1_001), 413)
    assert client.post("/v1/risk", content=b"x" * 1_000).status_code == 200
    chunks = (b"x" for _ in range(2_000))
    assert "at most 1,000 bytes" in refusal(client.post("/v1/risk", content=chunks), 413)
    packed = {"Content-Encoding": "gzip"}
    assert "must not be compressed" in refusal(
        client.post("/v1/risk", content=b"x", headers=packed), 415
    )


def test_a_fault_of_ours_tells_nothing_of_the_inside(caplog):
    client = client_of(guarded(ServiceSettings()))
    with caplog.at_level(logging.ERROR, "fingan.service"):
        answer = client.post("/v1/fault", headers={"X-Request-Id": "abc-1"})
    assert "secret" not in answer.text
    assert refusal(answer, 500).startswith("an error of ours")
    assert answer.headers["x-request-id"] == "abc-1"
    assert "abc-1" in caplog.text


def test_logs_hold_no_keys_and_no_bodies(caplog, tmp_path):
    secret, _ = KeyRing(tmp_path).create("reader", ("read", "generate"))
    client = client_of(guarded(ServiceSettings(require_keys=True), KeyRing(tmp_path)))
    with caplog.at_level(logging.INFO, "fingan.service"):
        client.post(
            "/v1/risk?canary=sparrow",
            content=b'{"canary":"finch"}',
            headers={"Authorization": f"Bearer {secret}"},
        )
    (line,) = [record.message for record in caplog.records if record.name == "fingan.service"]
    assert json.loads(line)["status"] == 200
    assert not any(word in line for word in ("sparrow", "finch", secret))


@pytest.fixture
def listening():
    """A server with little patience on a free port."""
    settings = ServiceSettings(limits=FEW)
    config = uvicorn.Config(guarded(settings), port=0, **uvicorn_options(settings))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join()


def answer_to(address, content: bytes, *more: bytes) -> bytes:
    """What a server sends until it hangs up."""
    with socket.create_connection(address, timeout=10) as connection:
        for part in (content, *more):
            connection.sendall(part)
        found = b""
        while part := connection.recv(65_536):
            found += part
    return found


def test_clients_that_never_finish_are_cut_and_others_unharmed(listening):
    began = time.monotonic()
    halves = [socket.create_connection(listening, timeout=10) for _ in range(40)]
    for number, half in enumerate(halves):
        line = b"POST /v1/risk HTTP/1.1\r\nHost: localhost\r\n"
        body = b"Content-Length: 10\r\n\r\nhalf"
        half.sendall(line if number % 2 else line + body)
    good = answer_to(
        listening, b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert good.startswith(b"HTTP/1.1 200")
    for half in halves:
        while half.recv(65_536):
            pass
        half.close()
    assert time.monotonic() - began < 8


def test_a_full_gate_says_so_and_lets_go_again(listening):
    host, port = listening[:2]
    answers: list[bytes] = []

    def ask() -> None:
        request = b"POST /v1/risk?slow=0.4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        answers.append(answer_to((host, port), request + b"Content-Length: 0\r\n\r\n"))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = sorted(answer.split()[1] for answer in answers)
    assert set(states) == {b"200", b"503"}
    assert states.count(b"200") >= 2
    assert all(b"retry-after: 1" in one.lower() for one in answers if b" 503 " in one[:20])
    ask()
    assert answers[-1].split()[1] == b"200"


RAW = [
    b"GARBAGE\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /v1/risk HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


@pytest.mark.parametrize("content", RAW)
def test_what_is_no_http_gets_400_or_a_closed_door(listening, content):
    answer = answer_to(listening, content)
    assert answer == b"" or answer.split()[1] in (b"400", b"403", b"404", b"408")
