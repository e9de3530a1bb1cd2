"""Answers in time: what is late goes on, and is there for who asks the same again.

An answer must begin soon, or its caller is told to come back. Its work is not lost: a few late ones
go on, and the next to ask the same waits for that work instead of beginning it again. Late work
beyond those few is given up, so that it cannot pile up.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from serve.problems import Problem
from serve.settings import Limits

Result = TypeVar("Result")

KEPT_SECONDS = 30.0
"""For which a late answer waits for somebody to ask again."""


class Patience:
    """Waits for answers as long as callers may wait; of one event loop.

    Args:
        limits: How long, and how many late ones go on.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._late: dict[Hashable, asyncio.Task[Any]] = {}

    async def answer(
        self, question: Hashable, work: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Result:
        """What the work returns, if it does so in time.

        Args:
            question: Equal ones have equal answers.
            work: Begun unless the same is under way since it was late; cancelled if its caller
                leaves.

        Raises:
            Problem: If it is late.
        """
        late = self._late.get(question) if self._late else None
        task = asyncio.ensure_future(work()) if late is None else late
        try:
            await asyncio.wait({task}, timeout=self._limits.answer_seconds)
        except asyncio.CancelledError:
            if task is not late:
                task.cancel()
            raise
        if task.cancelled() or not task.done():
            raise Problem.late(self._limits.answer_seconds, goes_on=self._goes_on(question, task))
        if task is late:
            self._forget(question, task)
        found: Result = task.result()
        return found

    def _goes_on(self, question: Hashable, task: asyncio.Task[Any]) -> bool:
        """Let late work go on, or give it up."""
        known = self._late.get(question)
        if known is task or (known is None and self._has_place()):
            if known is None:
                self._keep(question, task)
            return not task.done()
        task.cancel()
        return known is not None

    def _has_place(self) -> bool:
        return sum(not one.done() for one in self._late.values()) < self._limits.max_late

    def _keep(self, question: Hashable, task: asyncio.Task[Any]) -> None:
        loop = asyncio.get_running_loop()
        self._late[question] = task
        end = loop.call_later(self._limits.late_seconds, task.cancel)

        def done(_: asyncio.Task[Any]) -> None:
            end.cancel()
            if task.cancelled():
                self._forget(question, task)
            else:
                task.exception()  # is told to who asks again, and missed by nobody
                loop.call_later(KEPT_SECONDS, self._forget, question, task)

        task.add_done_callback(done)

    def _forget(self, question: Hashable, task: asyncio.Task[Any]) -> None:
        if self._late.get(question) is task:
            del self._late[question]
