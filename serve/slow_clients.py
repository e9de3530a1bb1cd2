"""Clients that begin a request and never end it: cut when its head is not there in time."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serve.settings import ServiceSettings

KEEP_ALIVE = 75  # seconds that an idle connection may stay


def uvicorn_options(settings: ServiceSettings) -> dict[str, Any]:
    """How uvicorn is to listen: a protocol that cuts slow clients, no log of its own."""
    seconds = settings.limits.body_seconds

    class Protocol(CuttingProtocol):
        head_seconds = seconds

    return {
        "http": Protocol,
        "ws": "none",
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": 20,
        "server_header": False,
        "access_log": False,
        "log_level": "warning",
        "lifespan": "on",
    }


class CuttingProtocol(HttpToolsProtocol):  # type: ignore[misc, unused-ignore]
    """HTTP of one connection, whose heads must arrive in time."""

    head_seconds = 10.0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Begin to wait for the next head with its first bytes."""
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to wait for."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.head_seconds, self._cut)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _cut(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.abort()
