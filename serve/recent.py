"""Small answers that were just given: given again, and confirmed by their ETag when they age.

A kept answer stands for as long as a new version of a model may go unseen anyway. Then the question
is asked again with ``If-None-Match``, which costs no computing where the answer still holds.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.bodies import handed_on

KEPT_BYTES = 32 * 2**20
LARGEST = 2**20
"""Bytes of the largest answer that is kept."""
LONGEST = 2**16
"""Bytes of the longest question whose answer is kept."""
JSON = "application/json"

Question = tuple[str, bytes, str, bytes]
"""Path, query string, ``Accept``, body."""


@dataclass
class Kept:
    """An answer, and until when it needs no confirmation."""

    head: list[tuple[bytes, bytes]]
    body: bytes
    etag: bytes
    route: Any
    until: float


class Recent:
    """Answers again what it has just answered; the least recently asked goes first.

    Args:
        app: What stands behind; is handed each body whole.
        seconds: For which an answer needs no confirmation.
        clock: Seconds from any start.
    """

    def __init__(
        self, app: ASGIApp, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._seconds, self._clock = app, seconds, clock
        self._kept: OrderedDict[Question, Kept] = OrderedDict()
        self._n_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, else ask, and keep the answer."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        question = _question(scope, message)
        again = handed_on(message, receive)
        if question is None:
            await self._app(scope, again, send)
            return
        kept = self._kept.get(question)
        if kept is None or self._clock() >= kept.until:
            kept = await self._asked(question, kept, scope, again, send)
        if kept is not None:
            if question in self._kept:
                self._kept.move_to_end(question)
            scope["route"] = kept.route  # meters and logs name it
            await _send(kept, send)

    async def _asked(
        self, question: Question, kept: Kept | None, scope: Scope, receive: Receive, send: Send
    ) -> Kept | None:
        """Ask what stands behind; what is kept, if it still holds and is yet to be sent."""
        asked_at = self._clock()
        heard = _Heard(send, is_asked_again=kept is not None)
        inner = dict(scope)
        if kept is not None:
            kept.until = asked_at + self._seconds  # for others; one asks for all of them
            inner["headers"] = [*scope["headers"], (b"if-none-match", kept.etag)]
        await self._app(inner, receive, heard.send)
        scope["route"] = inner.get("route")
        if heard.holds and kept is not None:
            return kept
        self._forget(question)
        new = heard.kept(inner.get("route"), asked_at + self._seconds)
        if new is not None:
            self._kept[question] = new
            self._n_bytes += len(new.body)
            while self._n_bytes > KEPT_BYTES:
                self._forget(next(iter(self._kept)))
        return None

    def _forget(self, question: Question) -> None:
        if (old := self._kept.pop(question, None)) is not None:
            self._n_bytes -= len(old.body)


class _Heard:
    """Hands an answer on and remembers it; keeps the news to itself that the kept one holds."""

    def __init__(self, send: Send, *, is_asked_again: bool) -> None:
        self._send, self._is_asked_again = send, is_asked_again
        self.holds = False
        self._status = 0
        self._head: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] | None = []
        self._n_bytes = 0

    async def send(self, message: Message) -> None:
        """One message of the answer."""
        if message["type"] == "http.response.start":
            self._status, self._head = message["status"], list(message["headers"])
            self.holds = self._is_asked_again and self._status == 304
        elif self._parts is not None:
            self._n_bytes += len(message.get("body", b""))
            self._parts.append(message.get("body", b""))
            if self._n_bytes > LARGEST:
                self._parts = None
        if not self.holds:
            await self._send(message)

    def kept(self, route: Any, until: float) -> Kept | None:
        """The answer, if it is one to keep."""
        etag = dict(self._head).get(b"etag")
        if self._status != 200 or self._parts is None or etag is None:
            return None
        body = b"".join(self._parts)
        head = [entry for entry in self._head if entry[0] != b"content-length"]
        head.append((b"content-length", str(len(body)).encode()))
        return Kept(head, body, etag, route, until)


def _question(scope: Scope, message: Message) -> Question | None:
    """What is asked, if its answer may be kept."""
    headers = Headers(scope=scope)
    media_type = headers.get("content-type", JSON).split(";")[0].strip().lower()
    body = message.get("body", b"")
    if (
        message["type"] != "http.request"
        or message.get("more_body", False)
        or len(body) > LONGEST
        or "if-none-match" in headers
        or media_type != JSON
    ):
        return None
    return scope["path"], scope["query_string"], headers.get("accept", ""), body


async def _send(kept: Kept, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": kept.head})
    await send({"type": "http.response.body", "body": kept.body})
