"""The interface in-process: every endpoint, every form, every refusal."""

import io
import json
import shutil

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from starlette.testclient import TestClient

import fingan
from fingan.scenarios.scenario_set import ScenarioSet
from serve.api import create_api
from serve.desk import Desk
from serve.examples import EXAMPLES
from serve.local_backend import LocalBackend
from serve.negotiation import ARROW, MEDIA_TYPES
from serve.settings import Limits, ServiceSettings

ASKED = {"model": "tiny", "horizon": 3, "n_paths": 700, "seed": 5}


def cube(client, path="/v1/scenarios", accept=ARROW, **changes):
    answer = client.post(path, json=ASKED | changes, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


def table(answer):
    return pa.ipc.open_stream(answer.content).read_all()


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document.keys() == {
        "type", "title", "status", "detail", "instance", "errors", "request_id"
    }  # fmt: skip
    assert document["request_id"] == answer.headers["x-request-id"]
    return document


def test_the_service_says_that_it_lives_and_what_it_is(client):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json()["status"] == "ready"
    for path in ("/healthz", "/readyz"):
        head, body = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == body.headers["content-length"]
    assert client.post("/healthz").headers["allow"] == "GET, HEAD"
    assert client.get("/version").json()["version"] == fingan.__version__
    assert b"fingan_requests_total" in client.get("/metrics").content
    limits = client.get("/v1/limits").json()
    assert limits["limits"]["max_paths"] == Limits().max_paths
    assert "2008-lehman" in {one["name"] for one in limits["windows"]}


def test_models_are_listed_with_their_newest_version_first_in_use(client):
    models = client.get("/v1/models").json()["models"]
    assert [(one["model"], one["is_served"]) for one in models] == [
        ("tiny@1", False),
        ("tiny@2", True),
    ]
    card = client.get("/v1/models/tiny@1").json()
    assert card["card"]["data"]["assets"] == ["ABLE", "BAKER", "CHARLIE", "DOG"]
    history = client.get("/v1/models/tiny/history?rows=2").json()
    assert history["dates"] == ["2017-09-06", "2017-09-07"]


def test_a_cube_is_the_one_that_the_library_draws(client, store):
    drawn = fingan.load_model("tiny", str(store)).sample(None, 3, 700, seed=5)
    answer = cube(client, layout="tensor", values="log_return")
    assert answer.headers["x-fingan-model"] == "tiny@2"
    found = table(answer)["returns"].combine_chunks().to_numpy_ndarray()
    np.testing.assert_array_equal(found, drawn.log_returns.numpy())


@pytest.mark.parametrize("accept", MEDIA_TYPES.values())
def test_each_form_holds_the_same_numbers(client, accept):
    answer = cube(client, accept=accept, n_paths=2, horizon=2, assets=["DOG"])
    assert answer.headers["content-type"].startswith(accept)
    match accept:
        case "application/json":
            values = answer.json()["columns"]["DOG"]
        case "text/csv":
            values = [float(line.split(",")[-1]) for line in answer.text.splitlines()[1:]]
        case "application/vnd.apache.parquet":
            values = pa.parquet.read_table(io.BytesIO(answer.content))["DOG"].to_pylist()
        case _:
            values = table(answer)["DOG"].to_pylist()
    expected = table(cube(client, n_paths=2, horizon=2, assets=["DOG"]))["DOG"].to_pylist()
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_pages_have_the_rows_of_one_call(client):
    whole = table(cube(client)).to_pandas()
    pages = [
        table(cube(client, f"/v1/scenarios?offset={offset}&limit={limit}")).to_pandas()
        for offset, limit in ((0, 10), (10, 600), (610, 90))
    ]
    assert [len(page) for page in pages] == [30, 1800, 270]
    for column in whole.columns:
        joined = np.concatenate([page[column].to_numpy() for page in pages])
        np.testing.assert_array_equal(joined, whole[column].to_numpy())


def test_the_same_request_gives_the_same_bytes_and_tag(client):
    first, second = cube(client), cube(client)
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert cube(client, seed=6).headers["etag"] != first.headers["etag"]
    known = client.post(
        "/v1/scenarios",
        json=ASKED,
        headers={"Accept": ARROW, "If-None-Match": first.headers["etag"]},
    )
    assert (known.status_code, known.content) == (304, b"")


def test_a_history_may_be_sent_as_columns_or_as_arrow(client, garch_prices):
    rows = garch_prices.iloc[:750]
    columns = {
        "dates": [f"{date:%Y-%m-%d}" for date in rows.index],
        "prices": {name: rows[name].tolist() for name in rows},
    }
    as_json = cube(client, history=columns)
    sent = pa.Table.from_pandas(rows.reset_index())
    sent = sent.replace_schema_metadata({b"fingan": json.dumps(ASKED).encode()})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, sent.schema) as writer:
        writer.write_table(sent)
    as_arrow = client.post(
        "/v1/scenarios",
        content=sink.getvalue(),
        headers={"Content-Type": ARROW, "Accept": ARROW},
    )
    assert as_arrow.status_code == 200
    assert as_json.content == as_arrow.content
    assert json.loads(table(as_json).schema.metadata[b"fingan"])["as_of"] == "2017-11-16"


def test_a_conditioned_cube_has_weights_and_meets_its_condition(client):
    condition = {"shocks": ["ABLE<=-0.01"], "min_ess": 20}
    found = table(cube(client, n_paths=2_000, layout="terminal", condition=condition)).to_pandas()
    assert found["weight"].sum() == pytest.approx(1)
    assert (found["ABLE"] <= -0.01).all()


QUESTIONS = {
    "/v1/scenarios/summary": {"n_paths": 300, "horizon": 3},
    "/v1/risk": {"n_paths": 500, "horizon": 2, "baselines": ["historical"]},
    "/v1/stress": {
        "shocks": ["ABLE<=-0.01"], "n_paths": 2_000, "horizon": 3, "min_ess": 20,
        "comparators": [],
    },
    "/v1/stress/reverse": {
        "loss": 0.02, "n_paths": 4_000, "horizon": 3, "min_ess": 20, "comparators": [],
    },
    "/v1/screens": {"n_scenarios": 500, "horizon": 3, "references": ["historical"]},
    "/v1/optimize": {"n_paths": 300, "horizon": 3, "universe": ["ABLE", "DOG"]},
    "/v1/explain": {"path": 3, "horizon": 5},
}  # fmt: skip


@pytest.mark.parametrize("path", QUESTIONS)
def test_each_question_is_answered_with_the_library_s_record(client, path):
    answer = client.post(path, json={"model": "tiny", **QUESTIONS[path]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "tiny@2"
    assert answer.headers["x-fingan-model"] == "tiny@2"
    check_promise(client, path, answer)


def check_promise(client, path, answer):
    """An answer is the record that the OpenAPI document promises."""
    document = client.get("/openapi.json").json()
    method = answer.request.method.lower()
    promised = document["paths"][path][method]["responses"][str(answer.status_code)]
    schema = promised["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), schema | {"components": document["components"]})


READ = [
    "/healthz", "/readyz", "/version", "/v1/limits", "/v1/prices", "/v1/models", "/v1/models/{ref}",
    "/v1/models/{ref}/history",
]  # fmt: skip


@pytest.mark.parametrize("path", READ)
def test_what_is_read_is_the_record_that_is_promised(client, path):
    check_promise(client, path, client.get(path.replace("{ref}", "tiny")))


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in EXAMPLES if path != "/v1/jobs"])
def test_each_example_of_the_documentation_is_answered(client, path):
    model = {"model": "tiny"} if EXAMPLES[path]["model"] == "demo" else {}
    answer = client.post(path, json=EXAMPLES[path] | model)
    if path == "/v1/anomalies":
        assert "asset" in problem(answer, 422)["detail"]  # the tiny model knows none of them
        return
    assert answer.status_code == 200, answer.text
    check_promise(client, path, answer)


def test_an_optimum_holds_its_universe_alone(client):
    asked = {"model": "tiny", **QUESTIONS["/v1/optimize"]}
    weights = client.post("/v1/optimize", json=asked).json()["weights"]
    held = {one["asset"] for one in weights if abs(one["estimate"]) > 1e-6}
    assert held <= {"ABLE", "DOG"}


def test_anomalies_are_sought_in_the_history_that_is_sent(client, garch_prices):
    columns = {
        "dates": [f"{date:%Y-%m-%d}" for date in garch_prices.index],
        "prices": {name: garch_prices[name].tolist() for name in garch_prices},
    }
    answer = client.post("/v1/anomalies", json={"model": "tiny", "history": columns, "window": 1})
    assert problem(answer, 422)["detail"]  # too few days after training to calibrate with
    answer = client.post("/v1/anomalies", json={"model": "fhs-gjr", "prices": "sp500-index"})
    assert "a trained one" in problem(answer, 422)["detail"]


def test_a_summary_s_errors_are_there_and_small(client):
    record = client.post(
        "/v1/scenarios/summary", json={"model": "tiny", "n_paths": 4_000, "horizon": 3}
    ).json()
    for name, steps in record["fan"].items():
        assert [step["step"] for step in steps] == [1, 2, 3], name
        for step in steps:
            levels = [one["estimate"] for one in step["quantiles"]]
            assert levels == sorted(levels)
            assert 0 < step["mean"]["mc_se"] < 0.01
    assert record["correlations"]["estimate"][0][0] == pytest.approx(1)
    assert len(record["paths"]["values"]["portfolio"]) == 40


REFUSED = [
    ("/v1/scenarios", {"model": "tiny", "n_path": 3}, 422, "/n_path: must not be given"),
    ("/v1/scenarios", {"model": "nobody"}, 404, "model 'nobody' is not in the store"),
    ("/v1/scenarios", {"model": "tiny@9"}, 404, "model 'tiny' has no version 9"),
    ("/v1/scenarios", {"model": "../tiny"}, 404, "a model must be given as"),
    ("/v1/scenarios", {"model": "tiny", "horizon": 0}, 422, "/horizon: must be greater than 0"),
    ("/v1/scenarios", {"model": "tiny", "n_paths": 10**9}, 422, "n_paths must be at most"),
    ("/v1/scenarios", {"model": "tiny", "as_of": "1800-01-01"}, 422, "as_of must lie within"),
    ("/v1/scenarios", {"model": "tiny", "assets": ["CAT"]}, 422, "asset 'CAT' is not in"),
    ("/v1/scenarios?offset=99999", {"model": "tiny"}, 422, "offset must lie in"),
    ("/v1/scenarios?limt=10", {"model": "tiny"}, 422, "parameter 'limt' must not be given"),
    ("/v1/risk?limit=10", {"model": "tiny"}, 422, "parameter 'limit' must not be given"),
    ("/v1/scenarios?limit=0", {"model": "tiny"}, 422, "limit"),
    ("/v1/scenarios", {"model": "tiny", "prices": "file:///etc/passwd"}, 422, "prices must be one"),
    ("/v1/risk", {"model": "tiny", "portfolio": {"ABLE": 2}}, 422, "weights must sum to 1"),
    ("/v1/risk", {"model": "tiny", "portfolio": {"CAT": 1}}, 422, "asset 'CAT' is not in"),
    ("/v1/risk", {"model": "tiny", "measures": ["fun"]}, 422, "measures must be among"),
    ("/v1/anomalies", {"model": "fhs-gjr"}, 422, "must be a trained one here, got the baseline"),
    ("/v1/stress", {"model": "tiny"}, 422, "a stress must be one of"),
    ("/v1/stress", {"model": "tiny", "shocks": ["ABLE"]}, 422, "a shock must be as"),
    ("/v1/risk", {"model": "tiny", "n_paths": 10**6, "horizon": 300}, 422, "must be at most"),
]


@pytest.mark.parametrize(("path", "asked", "status", "detail"), REFUSED)
def test_what_does_not_fit_is_refused_in_words(client, path, asked, status, detail):
    document = problem(client.post(path, json=asked, headers={"Accept": "*/*"}), status)
    assert detail in document["detail"]
    assert document["status"] == status


@pytest.mark.parametrize(
    ("content", "media_type", "status", "detail"),
    [
        (b"[", "application/json", 422, "EOF while parsing"),
        (b"[" * 100_000, "application/json", 422, "nested at most 64 levels"),
        (b'{"model":"tiny","seed":NaN}', "application/json", 422, "/seed: "),
        (b'{"model":"tiny","seed":' + b"9" * 5000 + b"}", "application/json", 422, "out of range"),
        (b"\xff\xfe", "application/json", 422, "expected value"),
        (b"model=tiny", "application/x-www-form-urlencoded", 415, "the body must be application"),
        (b"{}", "application/jsonp", 415, "got 'application/jsonp'"),
        (b"no arrow", ARROW, 422, "must be an Arrow IPC stream"),
    ],
)
def test_bodies_that_are_no_questions_are_refused(client, content, media_type, status, detail):
    headers = {"Content-Type": media_type}
    answer = client.post("/v1/scenarios", content=content, headers=headers)
    assert detail in problem(answer, status)["detail"]


def test_what_nobody_takes_and_nobody_knows_is_refused(client):
    refused = client.post("/v1/scenarios", json=ASKED, headers={"Accept": "image/png"})
    assert "must be one of" in problem(refused, 406)["detail"]
    nothing = problem(client.get("/v1/nothing"), 404)
    assert nothing["detail"].startswith("there is nothing at '/v1/nothing'")
    assert "'GET' is not for '/v1/scenarios'" in problem(client.get("/v1/scenarios"), 405)["detail"]
    wrong = problem(client.get("/v1/models/a..b"), 404)
    assert wrong["type"] == "urn:fingan:problem:model-not-found"
    assert "must be given as 'name' or 'name@version', got 'a..b'" in wrong["detail"]
    assert problem(client.get("/v1/models/..%2F..%2Fetc"), 404)["type"].endswith(":not-found")


def test_without_an_explorer_the_page_says_how_to_build_it(client, tmp_path, monkeypatch):
    monkeypatch.setattr("serve.api.EXPLORER", tmp_path)
    assert "make explorer" in client.get("/").text
    (tmp_path / "index.html").write_text("the page")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "page-1234.js").write_text("1")
    page, script = client.get("/"), client.get("/assets/page-1234.js")
    assert (page.text, page.headers["cache-control"]) == ("the page", "no-cache")
    assert "immutable" in script.headers["cache-control"]
    problem(client.get("/assets/..%2Findex.html"), 404)


def test_the_documentation_needs_no_network(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("HTTP", "")
    assert client.get("/docs/swagger-ui-bundle.js").status_code == 200
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/scenarios", "/v1/risk", "/v1/screens"} <= document["paths"].keys()
    body = document["paths"]["/v1/risk"]["post"]["requestBody"]["content"]["application/json"]
    name = body["schema"]["$ref"].rpartition("/")[2]
    assert "portfolio" in document["components"]["schemas"][name]["properties"]


def test_every_answer_has_security_headers(client):
    headers = client.get("/healthz").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_an_empty_store_answers_with_the_baselines(tmp_path, garch_prices):
    settings = ServiceSettings(store=str(tmp_path))
    desk = Desk(settings)
    backend = LocalBackend(desk)
    rows = garch_prices.iloc[:400]
    history = {
        "dates": [f"{date:%Y-%m-%d}" for date in rows.index],
        "prices": {name: rows[name].tolist() for name in rows},
    }
    try:
        with TestClient(create_api(backend, settings), base_url="http://localhost") as client:
            assert client.get("/readyz").status_code == 200
            answer = client.post(
                "/v1/scenarios",
                json={"model": "historical", "history": history, "n_paths": 2, "horizon": 1},
            )
            assert answer.headers["x-fingan-model"] == "historical"
    finally:
        backend.close()


def test_a_new_version_answers_within_a_second_and_a_bad_one_never(store, tmp_path):
    own = tmp_path / "store"
    shutil.copytree(store / "tiny" / "1", own / "tiny" / "1")
    desk = Desk(ServiceSettings(store=str(own), poll_seconds=0.02))
    try:
        assert desk.shelf.get("tiny").sampler.reference == "tiny@1"
        shutil.copytree(store / "tiny" / "2", own / "draft")
        (own / "draft").rename(own / "tiny" / "2")
        wait_for(lambda: desk.shelf.get("tiny").sampler.reference == "tiny@2")
        shutil.copytree(store / "tiny" / "2", own / "draft")
        weights = own / "draft" / "generators.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(bytes(content))
        (own / "draft").rename(own / "tiny" / "3")
        wait_for(lambda: desk.shelf.listing()["models"][-1]["problem"])
        assert desk.shelf.get("tiny").sampler.reference == "tiny@2"
        listed = desk.shelf.listing()["models"][-1]
        assert (listed["model"], listed["is_served"]) == ("tiny@3", False)
    finally:
        desk.close()


def wait_for(what, seconds=5.0):
    import time

    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_a_cube_read_back_is_a_scenario_set(client, tmp_path):
    path = tmp_path / "cube.arrow"
    path.write_bytes(cube(client, layout="tensor").content)
    assert ScenarioSet.load(path).header.shape == (700, 3, 4)
