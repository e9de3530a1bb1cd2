"""The OpenAPI document: what FastAPI finds, with bodies, answers and problems described."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serve.answers import ANSWERS
from serve.endpoints import POSTED
from serve.negotiation import ARROW, JSON, MEDIA_TYPES
from serve.problems import MEDIA_TYPE
from serve.schemas import JobQuery, ScenarioQuery

REFUSALS = {
    "400": "The request is no HTTP or no JSON.",
    "401": "A key is needed.",
    "403": "The key, host or origin may not do this.",
    "404": "There is no such thing.",
    "405": "Another method is meant.",
    "406": "No form of the answer is taken.",
    "408": "The body did not arrive in time.",
    "409": "The key of idempotency was used for another request.",
    "413": "The body is too large.",
    "415": "The body has another media type.",
    "416": "The range lies outside the file.",
    "422": "The request does not fit; the document says where.",
    "429": "Too much was asked for; Retry-After says when to come again.",
    "431": "The head is too large.",
    "500": "Our fault; the document has the request's id.",
    "503": "Too busy or not ready; Retry-After says when to come again.",
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "errors", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "request_id": {"type": "string"},
    },
}


def described(api: FastAPI, *, has_jobs: bool) -> None:
    """Let an application tell the whole of its interface, made when first asked for."""

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api, has_jobs)
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]


def _document(api: FastAPI, has_jobs: bool) -> dict[str, Any]:
    document = get_openapi(
        title=api.title, version=api.version, summary=api.summary, routes=api.routes
    )
    bodies: dict[str, type[BaseModel]] = {path: ANSWERS[kind].schema for path, kind, _ in POSTED}
    bodies["/v1/scenarios"] = ScenarioQuery
    if has_jobs:
        bodies["/v1/jobs"] = JobQuery
    references, definitions = models_json_schema(
        [(schema, "validation") for schema in bodies.values()],
        ref_template="#/components/schemas/{model}",
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}, {}]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "post" and path in bodies:
                operation["requestBody"] = _body(references[bodies[path], "validation"])
            _describe(operation, path)
    return document


def _body(reference: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            JSON: {"schema": reference},
            ARROW: {"schema": {"type": "string", "format": "binary"}},
        },
    }


def _describe(operation: dict[str, Any], path: str) -> None:
    """What an operation answers with, refusals included."""
    responses = operation["responses"]
    if path == "/v1/scenarios":
        binary = {"schema": {"type": "string", "format": "binary"}}
        responses["200"]["content"] = {
            name: {"schema": {"type": "object"}} if name == JSON else binary
            for name in MEDIA_TYPES.values()
        }
    elif path.startswith("/v1/") and not path.endswith("/result"):
        for status, answer in responses.items():
            if status.startswith("2"):
                answer["content"] = {JSON: {"schema": {"type": "object"}}}
    for status, text in REFUSALS.items():
        problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
        responses[status] = {"description": text, "content": {MEDIA_TYPE: problem}}
    responses["304"] = {"description": "What the caller has is what it would get."}
