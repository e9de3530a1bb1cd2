"""Where the service keeps keys, jobs and its audit trail: a directory beside the models."""

from pathlib import Path

from fingan.errors import ConfigError
from fingan.files import local_path
from serve.settings import ServiceSettings

NAME = ".service"


def state_directory(settings: ServiceSettings) -> Path:
    """The directory of the settings, else the one in a local store.

    Raises:
        ConfigError: If the store is a URL and no directory is named.
    """
    if settings.state is not None:
        return Path(settings.state)
    root = local_path(settings.store)
    if root is None:
        raise ConfigError(f"state must name a local directory beside the store '{settings.store}'")
    return root / NAME
