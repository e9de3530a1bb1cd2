"""What a job has finished, one line each: written whole and flushed before it counts.

A line that was cut off by a crash, or whose check does not fit, is left out when it is read back,
and so is nothing that was finished before.
"""

import errno
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Journal:
    """An append-only file of JSON lines.

    Args:
        path: The file; made with its directory when the first line is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: Entry) -> None:
        """Write a line; when this returns, it is on disk."""
        text = json.dumps(entry, sort_keys=True)
        line = f"{zlib.crc32(text.encode()):08x} {text}\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            content = (_gap(descriptor) + line).encode()
            if os.write(descriptor, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def entries(self) -> list[Entry]:
        """Every whole line, in the order in which they were written."""
        return list(self._whole()) if self.path.exists() else []

    def _whole(self) -> Iterator[Entry]:
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            check, _, text = line.partition(" ")
            if check == f"{zlib.crc32(text.encode()):08x}":
                yield json.loads(text)


def _gap(descriptor: int) -> str:
    """A line end, where the last line was cut off."""
    size = os.fstat(descriptor).st_size
    is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    return "\n" if is_cut else ""
