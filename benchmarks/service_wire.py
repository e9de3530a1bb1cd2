"""HTTP over a bare socket: nothing is sent twice, nothing is decoded, each byte has its time."""

import hashlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from io import BufferedReader
from typing import Any, cast

READ = 2**18
WAIT = 60.0  # seconds for the next bytes
PROBLEM = "application/problem+json"
LOST = 0  # status of a request that got no whole answer


@dataclass(frozen=True)
class Call:
    """A request.

    Args:
        path: With its query.
        body: Of a POST; a GET where it is empty.
        head: Headers beside the usual ones.
    """

    path: str
    body: str = ""
    head: Mapping[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        """As it goes over the wire."""
        body = self.body.encode()
        head = {"Host": "localhost", **self.head}
        if body:
            head |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [f"{'POST' if body else 'GET'} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    """``LOST`` if the answer is not whole."""
    head: dict[str, str]
    digest: str
    """SHA-256 of the body."""
    n_bytes: int
    began: float
    """On the monotonic clock of this machine."""
    first_byte: float
    """Seconds until the first byte of the body."""
    seconds: float
    """Until the last."""
    problem: str = ""
    """Its code, if it is a problem document."""
    index: int = 0
    """Which call of a plan it answers."""

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


class Wire:
    """One connection, opened when needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._file: BufferedReader | None = None
        self._socket: socket.socket | None = None

    def ask(self, call: Call) -> Reply:
        """Send a request and read its answer; a broken connection is a lost request."""
        began = time.monotonic()
        try:
            if self._file is None:
                self._open()
            assert self._socket is not None
            self._socket.sendall(call.bytes())
            return self._answer(began)
        except (OSError, ValueError):
            self.close()
            return Reply(LOST, {}, "", 0, began, 0.0, time.monotonic() - began)

    def close(self) -> None:
        """Hang up."""
        if self._file is not None:
            self._file.close()
        if self._socket is not None:
            self._socket.close()
        self._file = self._socket = None

    def _open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=WAIT)
        self._file = cast(BufferedReader, self._socket.makefile("rb", READ))

    def _answer(self, began: float) -> Reply:
        status = int(self._line().split(maxsplit=2)[1])
        head: dict[str, str] = {}
        while (line := self._line()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            head[name.lower()] = value.strip()
        digest, n_bytes, first, start = hashlib.sha256(), 0, 0.0, b""
        for piece in self._pieces(head):
            first = first or time.monotonic() - began
            digest.update(piece)
            start = start or piece
            n_bytes += len(piece)
        if head.get("connection") == "close":
            self.close()
        ended = time.monotonic() - began
        problem = json.loads(start)["type"].rpartition(":")[2] if PROBLEM in head.values() else ""
        first = first or ended
        return Reply(status, head, digest.hexdigest(), n_bytes, began, first, ended, problem)

    def _pieces(self, head: Mapping[str, str]) -> Any:
        assert self._file is not None
        if head.get("transfer-encoding") != "chunked":
            left = int(head.get("content-length", 0))
            while left:
                piece = self._some(min(left, READ))
                left -= len(piece)
                yield piece
            return
        while left := int(self._line(), 16):
            while left:
                piece = self._some(min(left, READ))
                left -= len(piece)
                yield piece
            self._line()
        self._line()

    def _line(self) -> bytes:
        assert self._file is not None
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise OSError("the connection ended within an answer")
        return line

    def _some(self, most: int) -> bytes:
        assert self._file is not None
        piece = self._file.read1(most)
        if not piece:
            raise OSError("the connection ended within an answer")
        return piece
