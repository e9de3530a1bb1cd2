"""The client against services that fail on purpose."""

import datetime as dt
import json

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fingan.client import Client, RemoteJob, ServiceError
from fingan.errors import RequestError


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


class Recorder:
    """A client whose service takes everything; what it was sent."""

    def __init__(self, answer=b"{}"):
        self.sent = []

        def handle(request):
            self.sent.append(request)
            return httpx.Response(200, content=answer)

        self.client = Client("http://localhost", transport=httpx.MockTransport(handle))

    @property
    def asked(self):
        return json.loads(self.sent[-1].content)


def test_numbers_of_numpy_and_pandas_are_numbers():
    service = Recorder()
    service.client.risk(
        "demo",
        n_paths=np.int64(1_000),
        levels=np.array([0.95, 0.99]),
        portfolio=pd.Series({"AAPL": 0.6, "KO": 0.4}),
        loss_over=[np.float32(0.5)],
        as_of=dt.date(2020, 1, 2),
        baselines=pd.Index(["historical"]),
    )
    assert service.asked == {
        "model": "demo",
        "n_paths": 1_000,
        "levels": [0.95, 0.99],
        "portfolio": {"AAPL": 0.6, "KO": 0.4},
        "loss_over": [0.5],
        "as_of": "2020-01-02",
        "baselines": ["historical"],
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"portfolio": object}, "a request must be made of numbers, .*got type"),
        ({"levels": {0.95}}, "a request must be made of numbers, .*got set"),
        ({"history": [1.0]}, "history must be a table or columns, got list"),
    ],
)
def test_what_is_no_json_is_refused_in_words(asked, words):
    service = Recorder()
    with pytest.raises(TypeError, match=words):
        service.client.risk("demo", **asked)
    assert service.sent == []


def test_columns_travel_in_the_request_and_tables_with_their_kind():
    service = Recorder(b'{"id": "job_0"}')
    columns = {"dates": ["2020-01-02"], "prices": {"AAPL": [1.0]}}
    service.client.risk("demo", history=columns)
    assert service.asked["history"] == columns
    service.client.submit("backtest", "demo", history=columns)
    assert service.asked["request"]["history"] == columns
    returns = pd.DataFrame({"AAPL": [0.01]}, index=pd.DatetimeIndex(["2020-01-02"]))
    returns.attrs["kind"] = "simple_return"
    service.client.risk("demo", history=returns)
    schema = pa.ipc.open_stream(service.sent[-1].content).schema
    assert schema.metadata[b"kind"] == b"simple_return"
    assert "history" not in json.loads(schema.metadata[b"fingan"])


def test_a_reference_stays_one_part_of_the_path():
    service = Recorder()
    service.client.model("demo@2")
    assert service.sent[-1].url.raw_path == b"/v1/models/demo@2"
    service.client.model("a/../b?c")
    assert service.sent[-1].url.raw_path == b"/v1/models/a%2F..%2Fb%3Fc"


def test_a_result_streams_into_its_file(tmp_path):
    place = tmp_path / "result.csv"
    job = RemoteJob(Recorder(b"1,2\n").client, "job_0")
    job.save(place)
    assert place.read_bytes() == b"1,2\n"
    broken = flaky(httpx.Response(404, json={"type": "x:job-not-found", "detail": "there is none"}))
    with pytest.raises(RequestError, match="there is none"):
        RemoteJob(Client("http://localhost", transport=broken), "job_0").save(place)
    assert place.read_bytes() == b"1,2\n"
    assert list(tmp_path.iterdir()) == [place]
