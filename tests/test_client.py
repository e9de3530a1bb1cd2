"""The client against services that fail on purpose."""

import httpx
import pytest

from fingan.client import Client, ServiceError


def flaky(*answers):
    """A transport that gives one answer after another."""
    left = iter(answers)

    def handle(_):
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handle)


def test_retries_after_lost_connections_and_busy_answers(monkeypatch):
    pauses = []
    monkeypatch.setattr("fingan.client.time.sleep", pauses.append)
    busy = httpx.Response(
        503, json={"type": "x:too-busy", "detail": "busy"}, headers={"Retry-After": "2"}
    )
    client = Client(
        "http://localhost",
        transport=flaky(httpx.ConnectError("gone"), busy, httpx.Response(200, json={"models": []})),
    )
    assert client.models() == []
    assert len(pauses) == 2
    assert pauses[1] >= 2


def test_gives_up_after_so_many_tries(monkeypatch):
    monkeypatch.setattr("fingan.client.time.sleep", lambda _: None)
    client = Client(
        "http://localhost", retries=2, transport=flaky(*[httpx.ConnectError("gone")] * 3)
    )
    with pytest.raises(ServiceError, match="no answer after 3 tries: ConnectError: gone"):
        client.models()


def test_a_fault_of_the_service_is_no_mistake_of_the_caller():
    client = Client("http://localhost", transport=flaky(httpx.Response(500, text="oops")))
    with pytest.raises(ServiceError, match="HTTP 500"):
        client.models()
