"""A generator: one replica that answers from the models in its memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from fingan.audit import AuditTrail
from serve.backend import Answer, Asked, Begun, Kind, Part, Readiness
from serve.desk import Desk
from serve.on_ray.sizes import GENERATOR_REQUESTS
from serve.problems import Problem
from serve.settings import ServiceSettings
from serve.state import state_directory
from serve.workers import Workers

STARTING = 45.0  # seconds in which the generators of a service start
PIECE = 2**20  # bytes of a message; gRPC takes 4 MiB, and several are on their way at once


@dataclass(frozen=True)
class Refused:
    """A problem on its way to the ingress; an exception would be wrapped and logged by Ray."""

    record: dict[str, Any]


class Generator:
    """Answers with a desk of its own, each request in a thread; Ray Serve runs several.

    Args:
        settings: Of the service, as plain data.
        begun: When the service was, in seconds of the epoch. Who starts with it has the reference
            fitted before it takes requests; who takes a dead one's place comes sooner without, but
            has models loaded: requests would wait for them in the places of others.
    """

    def __init__(self, settings: dict[str, Any], begun: float) -> None:
        given = ServiceSettings.model_validate(settings)
        self._desk = Desk(given, AuditTrail(state_directory(given)).note)
        self._desk.warm(reference=time.time() - begun < STARTING)
        self._workers = Workers(GENERATOR_REQUESTS)

    async def answer(self, kind: Kind, asked: Asked) -> Answer | Refused:
        """A whole answer."""
        return await self._run(self._desk.answer, kind, asked)

    async def begin(self, asked: Asked, part: Part) -> Begun | Refused:
        """The head and first bytes of a cube."""
        return await self._run(self._desk.begin, asked, part)

    async def rest(
        self, asked: Asked, part: Part, pinned: tuple[str, str], first_chunk: int
    ) -> AsyncIterator[tuple[int, bytes] | Refused]:
        """A cube from a chunk on, in pieces, each with the number of the chunk that it is of.

        One chunk is drawn while the one before is on its way; if that waits, drawing waits.
        """
        chunks = self._desk.rest(asked, part, pinned, first_chunk)
        drawing = asyncio.ensure_future(self._run(_next, chunks))
        try:
            for number in count(first_chunk):
                chunk: bytes | Refused | None = await asyncio.shield(drawing)
                if chunk is None:
                    return
                if isinstance(chunk, Refused):
                    yield chunk
                    return
                drawing = asyncio.ensure_future(self._run(_next, chunks))
                for start in range(0, len(chunk), PIECE):
                    yield number, chunk[start : start + PIECE]
        finally:
            await self._end(chunks, drawing)

    async def readiness(self) -> Readiness:
        """Whether a model can answer."""
        return await self._run(self._desk.readiness)

    async def _run(self, work: Any, *arguments: Any) -> Any:
        try:
            return await self._workers.run(work, *arguments)
        except Problem as problem:
            return Refused(problem.record())

    async def _end(self, chunks: Iterator[bytes], drawing: asyncio.Future[Any]) -> None:
        """Stop drawing: a running iterator cannot be closed before it has drawn its chunk."""
        if not drawing.done():
            await asyncio.wait([drawing])
        if (close := getattr(chunks, "close", None)) is not None:
            close()

    def __del__(self) -> None:
        """Serve calls it before a replica ends."""
        self._workers.close(wait=False)
        self._desk.close()


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)
