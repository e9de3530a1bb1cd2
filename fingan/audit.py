"""The audit trail: what was published, refused and administered, one line each, never rewritten.

Each line holds the digest of the line before it, so that a line taken out or changed shows.
"""

import datetime as dt
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

FILE = "audit.jsonl"
ORIGIN = "0" * 64


class AuditTrail:
    """An append-only file of JSON lines.

    Args:
        directory: The service's state directory; made with the first line.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._lock = threading.Lock()

    def note(self, event: str, details: dict[str, Any]) -> None:
        """Write down what happened; when this returns, it is on disk.

        Several processes may write: the file is locked while its last line is read.
        """
        import fcntl

        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                line = _line(event, details, _last_digest(descriptor))
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def broken_at(self) -> int | None:
        """The first line, from 1, that does not follow from those before it; None if all do."""
        before = ORIGIN
        if not self.path.exists():
            return None
        for number, text in enumerate(self.path.read_bytes().splitlines(), 1):
            try:
                entry = json.loads(text)
            except ValueError:
                return number
            if not isinstance(entry, dict) or entry.get("before") != before:
                return number
            before = hashlib.sha256(text).hexdigest()
        return None


def _line(event: str, details: dict[str, Any], before: str) -> bytes:
    entry = {
        "time": dt.datetime.now(dt.UTC).isoformat("T", "milliseconds"),
        "event": event,
        **details,
        "before": before,
    }
    return (json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _last_digest(descriptor: int) -> str:
    """Of the last whole line."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return ORIGIN
    tail = os.pread(descriptor, 65_536, max(0, size - 65_536)).rstrip(b"\n")
    return hashlib.sha256(tail.rpartition(b"\n")[2]).hexdigest()
