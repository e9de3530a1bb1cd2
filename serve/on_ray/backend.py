"""Asking generators on Ray: whatever one that dies leaves undone, another does again.

An answer is a pure function of the request and the model's version, so that asking twice is safe,
also in the middle of a stream: chunk k has the same bytes on every replica.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
from ray.exceptions import RayActorError, TaskCancelledError
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    ReplicaUnavailableError,
)
from ray.serve.handle import DeploymentHandle

from serve.backend import Answer, Asked, Begun, Kind, Part, Readiness, Streamed
from serve.on_ray.generator import Refused
from serve.patience import Patience
from serve.problems import Problem
from serve.settings import ServiceSettings

PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds before each further try; together longer than a dead replica goes unnoticed."""
LOST = (RayActorError, ReplicaUnavailableError, TaskCancelledError, grpc.aio.AioRpcError)

Reply = TypeVar("Reply")
_log = logging.getLogger("fingan.service")


class RayBackend:
    """Answers through the generators of one application.

    Args:
        generators: Handle of their deployment.
        settings: Of the service.
    """

    def __init__(self, generators: DeploymentHandle, settings: ServiceSettings) -> None:
        self._generators = generators
        self._streams = generators.options(stream=True)
        self._patience = Patience(settings.limits)
        self._seconds = settings.limits.answer_seconds

    async def answer(self, kind: Kind, asked: Asked) -> Answer:
        """A JSON answer.

        Raises:
            Problem: If it cannot be answered, or nobody is there to answer it.
        """
        found: Answer = await self._patience.answer(
            (kind, asked), lambda: self._asked(lambda: self._generators.answer.remote(kind, asked))
        )
        return found

    async def scenarios(self, asked: Asked, part: Part) -> Streamed:
        """A cube, whose first bytes are there when this returns.

        Raises:
            Problem: If it cannot be answered, or nobody is there to answer it.
        """
        begun: Begun = await self._patience.answer(
            (part, asked), lambda: self._asked(lambda: self._generators.begin.remote(asked, part))
        )
        return Streamed(begun.head, self._chunks(asked, part, begun), begun.is_known)

    async def readiness(self) -> Readiness:
        """Whether a generator runs and has a model."""
        try:
            async with asyncio.timeout(self._seconds):
                found: Readiness = await self._asked(lambda: self._generators.readiness.remote())
                return found
        except Problem as problem:
            return Readiness(False, problem.detail)
        except TimeoutError:
            return Readiness(False, f"no generator has answered within {self._seconds:g} seconds")

    async def _chunks(self, asked: Asked, part: Part, begun: Begun) -> AsyncIterator[bytes]:
        """All chunks in order; those that a dead replica owes come from another."""
        if begun.chunk:
            yield begun.chunk
        number, n_sent, tries = 1, 0, iter(PAUSES)
        while not begun.is_whole:
            rest = self._streams.rest.remote(asked, part, begun.pinned, number)
            n_again = n_sent  # bytes of the chunk that the lost generator had sent
            try:
                async for reply in rest:
                    of, piece = _unless_refused(reply)
                    if of != number:
                        number, n_sent, n_again = of, 0, 0
                    if new := piece[n_again:]:
                        yield new
                        n_sent, tries = n_sent + len(new), iter(PAUSES)
                    n_again = max(0, n_again - len(piece))
                return
            except (*LOST, BackPressureError) as lost:
                await asyncio.sleep(_pause(tries, lost))
            finally:
                rest.cancel()

    async def _asked(self, ask: Callable[[], Any]) -> Any:
        """What a generator replied; another is asked when one is lost."""
        tries = iter(PAUSES)
        try:
            while True:
                try:
                    return _unless_refused(await _reply(ask()))
                except LOST as lost:
                    await asyncio.sleep(_pause(tries, lost))
        except BackPressureError:
            raise Problem(
                503, "overloaded", "all generators are busy; ask again", retry_after=1
            ) from None
        except DeploymentUnavailableError as missing:
            raise _nobody(missing) from None


async def _reply(response: Awaitable[Reply]) -> Reply:
    """Wait for a reply; who stops waiting stops the work."""
    try:
        return await response
    except asyncio.CancelledError:
        response.cancel()  # type: ignore[attr-defined]
        raise


def _pause(tries: Any, lost: Exception) -> float:
    """Seconds until the next try."""
    _log.warning(json.dumps({"event": "generator-lost", "cause": _cause(lost)}))
    pause: float | None = next(tries, None)
    if pause is None:
        raise _nobody(lost) from None
    return pause


def _cause(lost: Exception) -> str:
    code = f" {lost.code().name}" if isinstance(lost, grpc.aio.AioRpcError) else ""
    return f"{type(lost).__name__}{code}"


def _nobody(lost: Exception) -> Problem:
    return Problem(
        503,
        "no-generator",
        f"a generator must run, and none stays alive ({type(lost).__name__}); ask again",
        retry_after=5,
    )


def _unless_refused(reply: Any) -> Any:
    if isinstance(reply, Refused):
        raise Problem.from_record(reply.record)
    return reply
