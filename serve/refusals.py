"""Refused callers on the audit trail: one line for an address and minute, however often it asks."""

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Tell = Callable[[str, dict[str, Any]], None]

SECONDS = 60.0
MOST_ADDRESSES = 1_000
"""Addresses with lines of their own in a minute; further ones share one."""
OTHERS = "others"

_log = logging.getLogger("fingan.service")


@dataclass
class Minute:
    """What an address was refused since its last line."""

    until: float
    count: int
    last: dict[str, Any]


class Refusals:
    """Notes the first refusal at once, and how many followed once its minute is over.

    Args:
        tell: Writes a line.
        clock: Seconds from any start.
    """

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._clock = tell, clock
        self._minutes: OrderedDict[str, Minute] = OrderedDict()  # the first to end stands first
        self._lock = threading.Lock()

    @property
    def is_due(self) -> bool:
        """Whether a minute is over."""
        first = next(iter(self._minutes.values()), None)
        return first is not None and self._clock() >= first.until

    def add(self, address: str, details: dict[str, Any]) -> None:
        """A caller was refused; ``details`` say what it asked for."""
        self.write()
        with self._lock:
            if address not in self._minutes and len(self._minutes) >= MOST_ADDRESSES:
                address = OTHERS
            minute = self._minutes.get(address)
            if minute is not None:
                minute.count, minute.last = minute.count + 1, details
                return
            self._minutes[address] = Minute(self._clock() + SECONDS, 0, {})
        self._note(address, 1, details)

    def write(self, *, all_of_them: bool = False) -> None:
        """Write down what was counted in the minutes that are over.

        Args:
            all_of_them: Those that are not over too.
        """
        for address, minute in self._over(all_of_them):
            self._note(address, minute.count, minute.last)

    def _note(self, address: str, count: int, details: dict[str, Any]) -> None:
        """Write a line; where that fails, callers are refused all the same."""
        try:
            self._tell("refused", {"address": address, "count": count, **details})
        except OSError:
            _log.exception(json.dumps({"event": "fault", "file": "audit"}))

    def _over(self, all_of_them: bool) -> list[tuple[str, Minute]]:
        """Take minutes out; an address that went on asking begins another."""
        with self._lock:
            now = self._clock()
            over = [
                (address, minute)
                for address, minute in self._minutes.items()
                if all_of_them or now >= minute.until
            ]
            for address, minute in over:
                del self._minutes[address]
                if minute.count:
                    self._minutes[address] = Minute(now + SECONDS, 0, {})
        return [(address, minute) for address, minute in over if minute.count]
