"""What was computed once and may be asked for again, within a bound of memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from fingan import interruption

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

LEAST_BYTES = 1_024
"""What the smallest value is counted as, with its key."""


class Cache(Generic[Key, Value]):
    """Values by key; the least recently used goes first.

    Args:
        n_bytes: Of all values; one that is larger alone is not kept.
    """

    def __init__(self, n_bytes: int) -> None:
        self._most, self._used = n_bytes, 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._turns: dict[Key, threading.Semaphore] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """The value of a key; None where it is not kept."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Key, value: Value, n_bytes: int) -> None:
        """Keep a value.

        Args:
            key: To find it by.
            value: Not None.
            n_bytes: Memory that it takes.
        """
        size = max(n_bytes, LEAST_BYTES)
        if size > self._most:
            return
        with self._lock:
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = value, size
            self._used += size - before
            while self._used > self._most:
                _, (_, gone) = self._values.popitem(last=False)
                self._used -= gone

    def computed(self, key: Key, compute: Callable[[], Value], n_bytes: int) -> Value:
        """The value of a key, computed now if need be.

        Who asks for the same key meanwhile waits for it, as long as somebody waits for him; nobody
        else does.

        Args:
            key: To find it by.
            compute: What makes it; what it raises is not kept.
            n_bytes: Memory that it takes.
        """
        if (found := self.get(key)) is not None:
            return found
        with self._lock:
            turn = self._turns.setdefault(key, threading.Semaphore())
        with interruption.turn(turn):
            try:
                if (found := self.get(key)) is None:
                    found = compute()
                    self.put(key, found, n_bytes)
                return found
            finally:
                with self._lock:
                    self._turns.pop(key, None)
