"""Answers from a desk in this process, each request in a thread: no cluster."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from serve.backend import Answer, Asked, Begun, Kind, Part, Readiness, Streamed
from serve.desk import Desk
from serve.patience import Patience
from serve.workers import Workers

N_THREADS = 8
"""Four for those who wait, as many for work that nobody waits for and that does not end yet."""


class LocalBackend:
    """A backend without Ray.

    Args:
        desk: Who answers.
        n_threads: Requests answered at once.
    """

    def __init__(self, desk: Desk, n_threads: int = N_THREADS) -> None:
        self._desk = desk
        self._patience = Patience(desk.settings.limits)
        self._workers = Workers(n_threads)

    def close(self) -> None:
        """Let running answers end, and let go of the models."""
        self._workers.close()
        self._desk.close()

    async def answer(self, kind: Kind, asked: Asked) -> Answer:
        """A JSON answer.

        Raises:
            Problem: If it cannot be answered, or not in time.
        """
        run = self._workers.run
        return await self._patience.answer(
            (kind, asked), lambda: run(self._desk.answer, kind, asked)
        )

    async def scenarios(self, asked: Asked, part: Part) -> Streamed:
        """A cube, whose first bytes are there when this returns.

        Raises:
            Problem: If it cannot be drawn, or not in time.
        """
        run = self._workers.run
        begun = await self._patience.answer(
            (part, asked), lambda: run(self._desk.begin, asked, part)
        )
        return Streamed(begun.head, self._chunks(asked, part, begun), begun.is_known)

    async def readiness(self) -> Readiness:
        """Whether a model can answer."""
        return self._desk.readiness()

    async def _chunks(self, asked: Asked, part: Part, begun: Begun) -> AsyncIterator[bytes]:
        if begun.chunk:
            yield begun.chunk
        if begun.is_whole:
            return
        rest = self._desk.rest(asked, part, begun.pinned, 1)
        drawing: asyncio.Future[bytes | None] | None = None
        try:
            while True:
                drawing = asyncio.ensure_future(self._workers.run(_next, rest))
                chunk = await asyncio.shield(drawing)
                if chunk is None:
                    return
                yield chunk
        finally:
            if drawing is not None and not drawing.done():
                await asyncio.wait([drawing])
            rest.close()


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)
