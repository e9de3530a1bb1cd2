"""Threads that work for an event loop; who stops waiting stops the work, where it looks."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fingan import interruption

Result = TypeVar("Result")


class Workers:
    """A few threads.

    Args:
        n_threads: Works at once; more wait, and are not begun if nobody waits for them by then.
    """

    def __init__(self, n_threads: int) -> None:
        self._threads = ThreadPoolExecutor(n_threads, thread_name_prefix="desk")

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """What a function returns that runs in a thread."""
        given_up = threading.Event()

        def worked() -> Result:
            with interruption.until(given_up):
                return work(*arguments)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, worked)
        except asyncio.CancelledError:
            given_up.set()
            raise

    def close(self, *, wait: bool = True) -> None:
        """Begin nothing more.

        Args:
            wait: For what has begun.
        """
        self._threads.shutdown(wait=wait, cancel_futures=True)
