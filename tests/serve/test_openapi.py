"""The OpenAPI document: what it promises is what is answered, for any request."""

import json
import re
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from fingan.keys import KeyRing
from serve.api import create_api
from serve.backend import Answer, Readiness, Streamed
from serve.job_processes import ProcessRunner
from serve.jobs import JobDesk
from serve.problems import Problem
from serve.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
SERVE = ROOT / "serve"
pytestmark = pytest.mark.filterwarnings("ignore")  # of schemathesis and what it stands on


class Refusing:
    """A backend that knows no model: whatever reaches it was taken for a question."""

    async def answer(self, kind, asked):
        if kind == "prices":
            return Answer(b'{"prices":[]}', {})
        if kind == "models":
            return Answer(b'{"models":[],"baselines":[],"store_problem":null}', {})
        assert json.loads(asked.body)
        raise Problem(404, "model-not-found", "there is none")

    async def scenarios(self, asked, part):  # noqa: ARG002 - of the protocol
        async def chunks():
            yield b'{"fingan":{},"columns":{}}'

        return Streamed({"ETag": '"1"'}, chunks())

    async def readiness(self):
        return Readiness(True, "of course")


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    desk = JobDesk(tmp_path_factory.mktemp("jobs"), ServiceSettings(), ProcessRunner())
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def document(jobs):
    return create_api(Refusing(), jobs=jobs).openapi()


def operations(document):
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


CALLED = ServiceSettings(allow_hosts=("testserver",))
interface = schemathesis.openapi.from_asgi("/openapi.json", create_api(Refusing(), CALLED))


@interface.parametrize()
@hypothesis_settings(max_examples=10, suppress_health_check=list(HealthCheck), database=None)
def test_any_request_is_answered_as_documented(case):
    case.call_and_validate(excluded_checks=[positive_data_acceptance])  # limits are no schema


def test_the_check_sees_what_is_not_documented():
    api = create_api(Refusing(), CALLED)
    del api.openapi()["paths"]["/v1/risk"]["post"]["responses"]["404"]
    broken = schemathesis.openapi.from_asgi("/openapi.json", api)
    case = broken["/v1/risk"]["POST"].Case(body={"model": "nobody"}, media_type="application/json")
    with pytest.raises(FailureGroup) as found:
        case.call_and_validate()
    assert any(isinstance(one, UndefinedStatusCode) for one in found.value.exceptions)


def test_each_operation_has_a_name_of_its_own_and_says_how_it_refuses(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert "application/problem+json" in response["content"], (method, path, status)
        assert {"429", "503"} <= operation["responses"].keys()


def test_every_reference_within_the_document_leads_somewhere(document):
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        place = document
        for part in reference.split("/"):
            assert part in place, reference
            place = place[part]


def test_keys_are_asked_for_in_the_document_where_the_service_asks_for_them(tmp_path):
    settings = ServiceSettings(require_keys=True)
    document = create_api(Refusing(), settings, keys=KeyRing(tmp_path)).openapi()
    needing = {path for _, path, operation in operations(document) if "security" in operation}
    assert "/v1/risk" in needing
    assert "/healthz" not in needing
    assert "security" not in json.dumps(create_api(Refusing()).openapi())


def test_every_problem_stands_in_the_catalogue():
    catalogue = (ROOT / "docs" / "http.md").read_text()
    source = "".join(path.read_text() for path in SERVE.rglob("*.py"))
    codes = set(re.findall(r'Problem\(\s*\d{3},\s*"([a-z-]+)"', source))
    assert {"too-large", "not-acceptable"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in catalogue] == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/jobs/job_0123456789abcdef", "GET, DELETE"),
        ("DELETE", "/v1/jobs", "GET, POST"),
        ("GET", "/v1/risk", "POST"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_for_a_path_is_told_which_are(jobs, method, path, allowed):
    with TestClient(create_api(Refusing(), jobs=jobs), base_url="http://localhost") as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
