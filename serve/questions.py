"""From the body of an HTTP request to a question, and from an answer to a response."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from fingan.config import Config
from fingan.errors import RequestError
from serve.arrow_bodies import request_in
from serve.backend import Answer, Asked, Streamed
from serve.negotiation import ARROW, JSON
from serve.problems import Problem, mistakes

Query = TypeVar("Query", bound=Config)

DEEPEST = 64  # levels of a JSON document


async def asked(request: Request, schema: type[Query]) -> tuple[Query, Asked]:
    """The question in a body: JSON, or an Arrow stream with the JSON in its schema.

    Raises:
        Problem: If it is no such question.
    """
    body = await request.body()
    media_type = request.headers.get("content-type", JSON).split(";")[0].strip().lower()
    table = None
    if media_type == ARROW:
        table = body
        try:
            body = request_in(table)
        except RequestError as wrong:
            raise Problem.of(wrong) from None
    elif media_type != JSON:
        raise Problem(
            415, "media-type", f"the body must be {JSON} or {ARROW}, got '{media_type[:100]}'"
        )
    query = read(schema, body)
    known = request.headers.get("if-none-match")
    return query, Asked(query.model_dump_json().encode(), table, known)


def read(schema: type[Query], body: bytes) -> Query:
    """A question as JSON.

    Raises:
        Problem: If it does not fit the schema.
    """
    _check_depth(body)
    try:
        return schema.model_validate_json(body)
    except ValidationError as invalid:
        detail, errors = mistakes(invalid)
        raise Problem(422, "request-invalid", detail, errors) from None


def read_plain(schema: type[Query], document: Any) -> Query:
    """A question as plain data.

    Raises:
        Problem: If it does not fit the schema.
    """
    return read(schema, json.dumps(document).encode())


def response(answer: Answer) -> Response:
    """A JSON answer; 304 where the caller has it."""
    head = dict(answer.head)
    if answer.is_known:
        return Response(status_code=304, headers=head)
    return Response(answer.body, media_type=JSON, headers=head)


class CubeResponse(Response):
    """A cube on its way; when the caller leaves, the work ends.

    Args:
        streamed: The cube.
        media_type: Of its bytes.
        headers: Beside those that say what it is made from.
    """

    def __init__(self, streamed: Streamed, media_type: str, headers: Mapping[str, str]) -> None:
        status = 304 if streamed.is_known else 200
        super().__init__(None, status, {**streamed.head, **headers}, media_type)
        del self.headers["content-length"]
        self._streamed = streamed

    async def __call__(
        self,
        scope: Scope,  # noqa: ARG002 - of the protocol
        receive: Receive,
        send: Send,
    ) -> None:
        """Send chunk after chunk."""
        import anyio

        chunks = self._streamed.chunks
        try:
            async with anyio.create_task_group() as group:

                async def leave_with_caller() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(leave_with_caller)
                await self._send(send)
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                close = getattr(chunks, "aclose", None)
                if close is not None:
                    await close()

    async def _send(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        if not self._streamed.is_known:
            async for chunk in self._streamed.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check_depth(body: bytes) -> None:
    """Refuse what no question looks like before a parser descends into it."""
    depth, deepest = 0, 0
    for sign in body.translate(None, delete=_PLAIN):
        depth += 1 if sign in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            raise Problem(
                422, "request-invalid", f"the body must be nested at most {DEEPEST} levels deep"
            )


_PLAIN = bytes(sign for sign in range(256) if sign not in b"[]{}")
