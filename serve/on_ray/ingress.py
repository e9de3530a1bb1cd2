"""The ingress: one replica that speaks HTTP and lets generators answer."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp

from fingan.audit import AuditTrail
from fingan.keys import KeyRing
from serve.api import create_api
from serve.doors import Doors, Doorway
from serve.jobs import JobDesk
from serve.on_ray.backend import RayBackend
from serve.on_ray.job_runner import TaskRunner
from serve.settings import LOOPBACK, ServiceSettings
from serve.state import state_directory

LOG, LOG_BYTES, LOG_FILES = "service.log", 20 * 2**20, 5


class Ingress:
    """The HTTP application over the generators.

    Args:
        settings: Of the service, as plain data.
        generators: Handle of their deployment.
    """

    def __init__(self, settings: dict[str, Any], generators: DeploymentHandle) -> None:
        given = ServiceSettings.model_validate(settings)
        self._settings = closed_beyond_loopback(given, _listening())
        self._state = state_directory(self._settings)
        self._doors = Doors()
        _log_to(self._state / LOG)
        self._jobs = JobDesk(self._state / "jobs", self._settings, TaskRunner())
        self._backend = RayBackend(generators, self._settings)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """The application; Ray Serve asks for it once a replica stands."""
        api = create_api(
            self._backend,
            self._settings,
            self._jobs,
            keys=KeyRing(self._state),
            audit=AuditTrail(self._state),
        )
        api.add_middleware(Doorway, doors=self._doors)
        return api

    async def end(self, seconds: float) -> int:
        """Let no request in any more and finish those that are inside, while generators live.

        Args:
            seconds: That they have at most.

        Returns:
            How many are left.
        """
        return await self._doors.close(seconds)

    def __del__(self) -> None:
        """Serve calls it before a replica ends."""
        self._jobs.close()


def closed_beyond_loopback(settings: ServiceSettings, host: str) -> ServiceSettings:
    """The same settings, asking for keys where Serve listens to more than this machine.

    Args:
        settings: Of the service; what they say of keys holds.
        host: Where Serve's proxies listen, whatever ``settings.host`` says.
    """
    if settings.require_keys is not None or host in LOOPBACK:
        return settings
    return settings.model_copy(update={"require_keys": True})


def _listening() -> str:
    """Where Serve's proxies listen; every address, for all that we know, where it does not say."""
    from ray.serve.context import _get_global_client

    client = _get_global_client()
    options = {} if client is None else client.get_serve_details().get("http_options", {})
    return str(options.get("host", "0.0.0.0"))


def _log_to(path: Path) -> None:
    """Log to a file: Ray Serve looks through the stack for each line that goes to stderr."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = logging.getLogger("fingan")
    log.handlers = [RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES)]
    log.setLevel(logging.INFO)
    log.propagate = False
