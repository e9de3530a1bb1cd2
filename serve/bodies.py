"""Bodies of requests: so large at most, there in time, and read before anything else happens."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.problems import Problem
from serve.settings import Limits


class Bodies:
    """Reads the body of each request within its limits, and hands it on whole.

    Args:
        app: What stands behind.
        limits: Bytes and seconds.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, then ask."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._check_head(scope)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._read(receive)
        except TimeoutError:
            raise Problem(
                408,
                "too-slow",
                f"the body must arrive within {self._limits.body_seconds:g} seconds",
            ) from None
        if body is None:
            return  # the caller has left
        whole = {"type": "http.request", "body": body, "more_body": False}
        await self._app(scope, handed_on(whole, receive), send)

    def _check_head(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        size += len(scope.get("raw_path", b"")) + len(scope.get("query_string", b""))
        if size > self._limits.max_header_bytes:
            raise Problem(
                431,
                "head-too-large",
                f"line and headers must have at most {self._limits.max_header_bytes:,} bytes",
            )
        if headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "media-type", "the body must not be compressed")
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise Problem(400, "malformed", "Content-Length must be a number")
        self._check_size(int(length[:20]))

    async def _read(self, receive: Receive) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            size += len(part)
            self._check_size(size)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_body_bytes:
            raise Problem(
                413,
                "too-large",
                f"the body must have at most {self._limits.max_body_bytes:,} bytes",
            )


def handed_on(message: Message, receive: Receive) -> Receive:
    """The message that was read, then what the caller does next."""
    is_read = False

    async def next_message() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return message

    return next_message
