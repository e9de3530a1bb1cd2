"""The doors of a service that ends: nobody comes in any more, who is inside is served."""

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serve import problems
from serve.problems import Problem

CLOSING = Problem(503, "ending", "the service ends; ask its successor", retry_after=2)


class Doors:
    """Knows how many requests are inside, and whether more may come in."""

    def __init__(self) -> None:
        self.is_closed = False
        self.n_inside = 0
        self._left = asyncio.Event()

    def leave(self) -> None:
        """A request has been answered."""
        self.n_inside -= 1
        self._left.set()

    async def close(self, seconds: float) -> int:
        """Let nobody in any more; wait for those inside.

        Args:
            seconds: That they have at most.

        Returns:
            How many are left.
        """
        self.is_closed = True
        try:
            async with asyncio.timeout(seconds):
                while self.n_inside:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            pass
        return self.n_inside


class Doorway:
    """What requests come in by.

    Args:
        app: What stands behind.
        doors: Whether they may.
    """

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or tell it to come again."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._doors.is_closed:
            head = {"Retry-After": str(CLOSING.retry_after), "Connection": "close"}
            document = CLOSING.document(scope["path"], "")
            answer = JSONResponse(document, CLOSING.status, head, problems.MEDIA_TYPE)
            await answer(scope, receive, send)
        else:
            self._doors.n_inside += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._doors.leave()
