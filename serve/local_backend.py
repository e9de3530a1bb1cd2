"""Answers from a desk in this process, each request in a thread: no cluster."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from serve.backend import Answer, Asked, Begun, Kind, Part, Readiness, Streamed
from serve.desk import Desk
from serve.problems import Problem

Result = TypeVar("Result")

N_THREADS = 4


class LocalBackend:
    """A backend without Ray.

    Args:
        desk: Who answers.
        n_threads: Requests answered at once.
    """

    def __init__(self, desk: Desk, n_threads: int = N_THREADS) -> None:
        self._desk = desk
        self._seconds = desk.settings.limits.answer_seconds
        self._threads = ThreadPoolExecutor(n_threads, thread_name_prefix="desk")

    def close(self) -> None:
        """Let running answers end, and let go of the models."""
        self._threads.shutdown(cancel_futures=True)
        self._desk.close()

    async def answer(self, kind: Kind, asked: Asked) -> Answer:
        """A JSON answer.

        Raises:
            Problem: If it cannot be answered, or not in time.
        """
        return await self._in_time(self._desk.answer, kind, asked)

    async def scenarios(self, asked: Asked, part: Part) -> Streamed:
        """A cube, whose first bytes are there when this returns.

        Raises:
            Problem: If it cannot be drawn, or not in time.
        """
        begun = await self._in_time(self._desk.begin, asked, part)
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
                drawing = asyncio.ensure_future(self._run(_next, rest))
                chunk = await asyncio.shield(drawing)
                if chunk is None:
                    return
                yield chunk
        finally:
            if drawing is not None and not drawing.done():
                await asyncio.wait([drawing])
            rest.close()

    async def _in_time(self, work: Callable[..., Result], *arguments: Any) -> Result:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._run(work, *arguments)
        except TimeoutError:
            raise Problem.late(self._seconds) from None

    async def _run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)
