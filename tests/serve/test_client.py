"""The Python client against the interface in-process: the same numbers as the library."""

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

import fingan
from fingan.client import Client


class InProcess(httpx.BaseTransport):
    """Hands requests to an application in this process."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._client.request(
            request.method, str(request.url), content=request.read(), headers=request.headers
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture(scope="module")
def remote(client):
    with Client("http://localhost", transport=InProcess(client)) as remote:
        yield remote


def test_scenarios_are_those_of_the_library(remote, store, tmp_path):
    own = fingan.load_model("tiny", str(store)).sample(None, 3, 600, seed=2)
    asked = remote.scenarios("tiny", horizon=3, n_paths=600, seed=2)
    found = asked.to_scenario_set()
    np.testing.assert_array_equal(found.log_returns.numpy(), own.log_returns.numpy())
    assert found.assets == own.assets
    assert asked.to_frame().equals(own.to_frame())
    told = asked.save(tmp_path / "cube.parquet")
    assert told["model"] == "tiny@2"
    own.save(tmp_path / "own.parquet")
    assert (tmp_path / "cube.parquet").read_bytes() == (tmp_path / "own.parquet").read_bytes()


def test_a_page_has_the_numbers_of_its_paths(remote):
    frame = remote.scenarios("tiny", horizon=2, n_paths=100, offset=40, limit=5).to_frame()
    assert frame["scenario"].tolist() == [40, 40, 41, 41, 42, 42, 43, 43, 44, 44]


def test_a_history_travels_with_the_question(remote, garch_prices):
    answer = remote.risk("tiny", history=garch_prices.iloc[:750], n_paths=300, baselines=[])
    assert answer["as_of"] == "2017-11-16"


def test_questions_are_answered(remote):
    assert remote.models()[0]["model"] == "tiny@1"
    assert remote.model("tiny@1")["model"] == "tiny@1"
    assert remote.limits()["needs_keys"] is False
    assert remote.summary("tiny", n_paths=200, horizon=2)["kind"] == "summary"
    stress = remote.stress(
        "tiny", "ABLE<=-0.01", n_paths=2_000, horizon=3, min_ess=20, comparators=[]
    )
    assert stress["model"] == "tiny@2"


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda c: c.risk("nobody"), "ModelNotFoundError", "is not in the store"),
        (lambda c: c.risk("tiny", portfolio={"CAT": 1.0}), "UnknownAssetError", "'CAT'"),
        (lambda c: c.risk("tiny", horizon=0), "RequestError", "/horizon"),
        (
            lambda c: c.stress("tiny", "ABLE=-0.99", n_paths=1_000, search=False, comparators=[]),
            "InsufficientSupportError",
            "effective paths",
        ),
        (lambda c: c.scenarios("tiny").save("cube.xls"), "RequestError", "the suffix must be"),
    ],
)
def test_refusals_are_the_library_s_errors_with_the_same_words(remote, ask, error, words):
    with pytest.raises(fingan.FinganError, match=words) as refused:
        ask(remote)
    assert type(refused.value).__name__ == error
