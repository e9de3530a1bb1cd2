"""The OpenAPI document: what FastAPI finds, with bodies, answers, headers and problems."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serve.access import OPEN
from serve.answers import ANSWERS
from serve.endpoints import POSTED
from serve.examples import EXAMPLES
from serve.negotiation import ARROW, JSON, MEDIA_TYPES
from serve.problems import MEDIA_TYPE
from serve.records import ANSWERED, ESTIMATE, JOB, LISTED_JOB, PROBLEM, Schema, record, rows
from serve.schemas import JobQuery, ScenarioQuery

CUBE, JOBS = "/v1/scenarios", "/v1/jobs"
SCHEMAS = "#/components/schemas/"
REFUSALS: Mapping[str, str] = {
    "400": "The request is no HTTP.",
    "401": "A key is needed.",
    "403": "The key, host or origin may not do this.",
    "404": "There is no such thing.",
    "406": "No form of the answer is taken.",
    "408": "The body did not arrive in time.",
    "409": "There is no result, or the key of idempotency was used for another request.",
    "413": "The body is too large.",
    "415": "The body has another media type.",
    "416": "The range lies outside the file.",
    "422": "The request does not fit; the document says where.",
    "429": "Too much was asked for; Retry-After says when to come again.",
    "431": "The head is too large.",
    "500": "Our fault; the log has more under the request's id.",
    "503": "Too busy or not ready; Retry-After says when to come again.",
}
EVERYWHERE = ("400", "401", "403", "408", "413", "415", "429", "431", "500", "503")
WITH_RETRY = ("429", "503")
MADE_FROM: Mapping[str, str] = {
    "X-Fingan-Model": "The version that answered.",
    "X-Fingan-Model-Digest": "Of that version.",
    "X-Fingan-Seed": "Of the paths.",
    "X-Fingan-Version": "Of the software.",
    "X-Fingan-Request-Digest": "Of all that the answer depends on.",
    "ETag": "The request digest, for If-None-Match; a screen has none.",
}
READ: Mapping[str, Schema] = {
    "/healthz": record("Alive.", status={"const": "alive"}),
    "/readyz": record("Ready.", status={"const": "ready"}, detail={"type": "string"}),
    "/version": record("Software.", software={"type": "string"}, version={"type": "string"}),
    "/v1/limits": record(
        "What a request may ask for.",
        limits={"type": "object", "additionalProperties": {"type": "number"}},
        rates={"type": "object", "additionalProperties": {"type": "number"}},
        needs_keys={"type": "boolean"},
        windows=rows({"type": "object"}),
    ),
    "/v1/models": ANSWERED["models"],
    "/v1/prices": ANSWERED["prices"],
    "/v1/models/{ref}": ANSWERED["model"],
    "/v1/models/{ref}/history": ANSWERED["history"],
    **{path: ANSWERED[kind] for path, kind, _ in POSTED},
}


def described(api: FastAPI, *, has_jobs: bool, needs_keys: bool) -> None:
    """Let an application tell the whole of its interface, made when first asked for."""

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api, has_jobs)
            _secure(api.openapi_schema, needs_keys)
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]


def _document(api: FastAPI, has_jobs: bool) -> dict[str, Any]:
    document = get_openapi(
        title=api.title, version=api.version, summary=api.summary, routes=api.routes
    )
    bodies: dict[str, type[BaseModel]] = {path: ANSWERS[kind].schema for path, kind, _ in POSTED}
    bodies[CUBE] = ScenarioQuery
    if has_jobs:
        bodies[JOBS] = JobQuery
    references, definitions = models_json_schema(
        [(schema, "validation") for schema in bodies.values()],
        ref_template=f"{SCHEMAS}{{model}}",
    )
    document["components"] = {
        "schemas": {
            **definitions["$defs"],
            "Problem": PROBLEM,
            "Estimate": ESTIMATE,
            "Job": JOB,
            "ListedJob": LISTED_JOB,
        }
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "post":
                operation["requestBody"] = _body(path, references[bodies[path], "validation"])
            _describe(operation, path, method)
    return document


def _secure(document: Schema, needs_keys: bool) -> None:
    """Say where a key is needed; on loopback nowhere."""
    if not needs_keys:
        return
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, methods in document["paths"].items():
        if path not in OPEN:
            for operation in methods.values():
                operation["security"] = [{"key": []}]


def _body(path: str, reference: Schema) -> Schema:
    return {
        "required": True,
        "content": {
            JSON: {"schema": reference, "examples": {"small": {"value": EXAMPLES[path]}}},
            ARROW: {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "Prices by column; the request as JSON under the schema's"
                    " metadata key 'fingan', what the numbers are under 'kind'.",
                }
            },
        },
    }


def _describe(operation: Schema, path: str, method: str) -> None:
    """What an operation answers with, refusals included."""
    responses = operation["responses"]
    found = responses[next(iter(responses))]  # the one that is no refusal
    found["content"] = _answers(path, method) or found.get("content", {})
    if method == "post" and path != JOBS:
        found["headers"] = _headers(MADE_FROM)
        if path != "/v1/screens":
            responses["304"] = {"description": "What the caller has is what it would get."}
            operation.setdefault("parameters", []).append(
                _header("If-None-Match", "ETag of the answer that the caller has.")
            )
    if path == JOBS and method == "post":
        found["headers"] = _headers({"Location": "Where the job is."})
        operation.setdefault("parameters", []).append(
            _header(
                "Idempotency-Key",
                "The same key and request are one job.",
                minLength=1,
                maxLength=128,
            )
        )
    if path.endswith("/result"):
        responses["206"] = {"description": "A range of it.", "content": _answers(path, method)}
    responses.pop("422", None)  # FastAPI's own form of it
    for status in sorted({*EVERYWHERE, *_own_refusals(path, method)}):
        problem = {"schema": {"$ref": f"{SCHEMAS}Problem"}}
        refused: Schema = {"description": REFUSALS[status], "content": {MEDIA_TYPE: problem}}
        if status in WITH_RETRY:
            refused["headers"] = _headers({"Retry-After": "Seconds."})
        responses[status] = refused


def _answers(path: str, method: str) -> Schema:
    """Content of what is answered, by media type."""
    binary: Schema = {"schema": {"type": "string", "format": "binary"}}
    if path == CUBE:
        of_json: Schema = {"schema": record("Header and columns.", fingan={}, columns={})}
        return {name: of_json if name == JSON else binary for name in MEDIA_TYPES.values()}
    if path.endswith("/result"):
        return dict.fromkeys((*MEDIA_TYPES.values(), "text/html"), binary)
    if path == JOBS and method == "get":
        return {JSON: {"schema": record("Jobs.", jobs=rows({"$ref": f"{SCHEMAS}ListedJob"}))}}
    if path.startswith(JOBS):
        return {JSON: {"schema": {"$ref": f"{SCHEMAS}Job"}}}
    if path == "/metrics":
        return {"text/plain": {"schema": {"type": "string"}}}
    return {JSON: {"schema": READ[path]}}


def _own_refusals(path: str, method: str) -> tuple[str, ...]:
    """What an operation may refuse beside what any may."""
    if path.endswith("/result"):
        return ("404", "409", "416")
    if path == JOBS:
        return ("404", "409", "422") if method == "post" else ("422",)
    if path.startswith(JOBS):
        return ("404",)
    if method == "post":
        return ("404", "406", "422")
    if path.startswith("/v1/models/"):
        return ("404", "406", "422")
    return ("406", "422") if path in ("/v1/models", "/v1/prices") else ()


def _headers(texts: Mapping[str, str]) -> Schema:
    return {
        name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()
    }


def _header(name: str, text: str, **bounds: int) -> Schema:
    of = {"type": "string", **bounds}
    return {"name": name, "in": "header", "required": False, "description": text, "schema": of}
