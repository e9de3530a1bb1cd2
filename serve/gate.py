"""The gate: so many requests at once, so many that wait; the rest is told to come again."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from serve.meters import Meters
from serve.problems import Problem
from serve.settings import Limits

BACK_IN = 1  # seconds, for one that is refused


class Gate:
    """Lets requests that compute through, a few at a time.

    Args:
        app: What stands behind.
        limits: How many run and wait.
        meters: Show both.
    """

    def __init__(self, app: ASGIApp, limits: Limits, meters: Meters) -> None:
        self._app, self._limits, self._meters = app, limits, meters
        self._free = asyncio.Semaphore(limits.max_running)
        self._n_waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through when its turn comes."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        await self._enter()
        self._meters.running.inc()
        try:
            await self._app(scope, receive, send)
        finally:
            self._meters.running.dec()
            self._free.release()

    async def _enter(self) -> None:
        if self._free.locked() and self._n_waiting >= self._limits.max_waiting:
            raise self._busy(f"{self._n_waiting} wait already")
        self._n_waiting += 1
        self._meters.waiting.set(self._n_waiting)
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            seconds = self._limits.wait_seconds
            raise self._busy(f"none of them ended within {seconds:g} seconds") from None
        finally:
            self._n_waiting -= 1
            self._meters.waiting.set(self._n_waiting)

    def _busy(self, why: str) -> Problem:
        running = f"{self._limits.max_running} requests run and {why}; ask again later"
        return Problem(503, "too-busy", running, retry_after=BACK_IN)
