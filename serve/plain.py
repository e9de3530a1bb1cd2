"""The service in one process without Ray: for a laptop, for tests, for a look at the page."""

import asyncio
import logging
import signal
import sys

import uvicorn

from fingan.audit import AuditTrail
from fingan.keys import KeyRing
from serve.api import create_api
from serve.desk import Desk
from serve.job_processes import ProcessRunner
from serve.jobs import JobDesk
from serve.local_backend import LocalBackend
from serve.places import placed
from serve.settings import ServiceSettings
from serve.slow_clients import uvicorn_options
from serve.state import state_directory


def run(settings: ServiceSettings) -> int:
    """Serve until a signal ends it; requests that are answered then are answered whole."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    settings = placed(settings)
    state = state_directory(settings)
    audit = AuditTrail(state)
    desk = Desk(settings, audit.note)
    desk.warm()
    backend = LocalBackend(desk)
    jobs = JobDesk(state / "jobs", settings, ProcessRunner())
    api = create_api(backend, settings, jobs, KeyRing(state), audit)
    config = uvicorn.Config(
        api, host=settings.host, port=settings.port, **uvicorn_options(settings)
    )
    server = _Server(config)
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _leave)  # uvicorn raises it again once everybody is answered
    try:
        asyncio.run(server.serve())
    finally:
        jobs.close()
        backend.close()
    return 0


def _leave(*_: object) -> None:
    raise SystemExit(0)


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        for server in self.servers:
            for socket in server.sockets:
                host, port = socket.getsockname()[:2]
                name = f"[{host}]" if ":" in host else host
                sys.stderr.write(f"fingan serves on http://{name}:{port}\n")
        sys.stderr.flush()
