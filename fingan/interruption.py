"""Long work that nobody waits for any more ends where it looks: between two blocks of paths.

A thread cannot be ended from outside. Who lets work run in one says beforehand how it will be known
that nobody waits; work that is long asks now and then. It is no more than leaving off: what was
finished before, and what is kept of it, is whole.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOOK_SECONDS = 0.05  # between two looks while it waits for its turn


class InterruptedWorkError(Exception):
    """Nobody waits for this work; it reaches nobody."""


_given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


@contextmanager
def until(given_up: threading.Event) -> Iterator[None]:
    """Work in this block, and in this thread, that ends soon after an event is set."""
    token = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(token)


def check() -> None:
    """Go on if somebody waits for it, or if nobody has said how that would be known.

    Raises:
        InterruptedWorkError: If nobody does.
    """
    given_up = _given_up.get()
    if given_up is not None and given_up.is_set():
        raise InterruptedWorkError("nobody waits for this work any more")


@contextmanager
def turn(places: threading.Semaphore) -> Iterator[None]:
    """Wait for one of some places and hold it in this block.

    Raises:
        InterruptedWorkError: If nobody waits any more before one is free.
    """
    while not places.acquire(timeout=LOOK_SECONDS):
        check()
    try:
        yield
    finally:
        places.release()
