"""Where answers come from: one protocol for this process and for replicas of Ray Serve.

A request travels as the canonical JSON of its schema, so that who answers it need not be who took
it in; whatever cannot be answered is raised as a ``Problem``.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from fingan.scenarios.formats import Format

Kind = Literal[
    "models", "model", "history", "prices", "summary", "risk", "stress", "reverse", "screen",
    "optimize", "anomalies", "explain",
]  # fmt: skip
Head = Mapping[str, str]  # X-Fingan-Model, -Model-Digest, -Seed, -Version, -Request-Digest, ETag


@dataclass(frozen=True)
class Asked:
    """One request, as it travels.

    Args:
        body: Canonical JSON of its schema.
        table: Arrow IPC stream of a history sent with it.
        known: ``If-None-Match`` of the caller: an answer with that ETag need not be computed.
    """

    body: bytes
    table: bytes | None = None
    known: str | None = None


@dataclass(frozen=True)
class Part:
    """How scenarios are written, and which of them.

    Args:
        format: Of the file.
        offset: First path.
        limit: Paths; None for all from ``offset`` on.
    """

    format: Format
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class Answer:
    """A whole answer.

    Args:
        body: JSON; empty where ``is_known``.
        head: Headers that say what it was made from.
        is_known: Whether the caller has it already.
    """

    body: bytes
    head: Head
    is_known: bool = False


@dataclass(frozen=True)
class Begun:
    """The head and first bytes of a streamed cube.

    Args:
        chunk: The first bytes.
        head: Headers that say what it is made from.
        is_whole: Whether nothing follows.
        is_known: Whether the caller has it already.
        pinned: Reference of the model and digest of the request, so that the rest is of the same
            version and the same history.
    """

    chunk: bytes
    head: Head
    is_whole: bool
    is_known: bool = False
    pinned: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Streamed:
    """A cube on its way: closing ``chunks`` ends the work."""

    head: Head
    chunks: AsyncIterator[bytes]
    is_known: bool = False


@dataclass(frozen=True)
class Readiness:
    """Whether requests can be answered, and why not."""

    is_ready: bool
    detail: str


class Backend(Protocol):
    """Answers requests; each answer is wholly of one version of a model."""

    async def answer(self, kind: Kind, asked: Asked) -> Answer:
        """A JSON answer.

        Raises:
            Problem: If it cannot be answered.
        """

    async def scenarios(self, asked: Asked, part: Part) -> Streamed:
        """A cube, whose first bytes are there when this returns.

        Raises:
            Problem: If it cannot be answered; once bytes flow, the stream breaks off instead.
        """

    async def readiness(self) -> Readiness:
        """Whether a model can answer."""
