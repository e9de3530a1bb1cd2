"""Settings from ``key=value``, as ``serve run`` and ``serve/config.yaml`` pass them."""

from collections.abc import Mapping
from pathlib import Path

from fingan.config import load_config
from serve.settings import ServiceSettings

CONFIG = "config"


def settings_of(args: Mapping[str, str]) -> ServiceSettings:
    """Settings as replicas read them: a local store is an absolute path.

    Args:
        args: Such as ``store`` or ``limits.max_jobs``; ``config`` names a TOML file.

    Raises:
        ConfigError: If a setting does not exist or does not fit.
    """
    path = Path(args[CONFIG]) if CONFIG in args else None
    overrides = [f"{key}={value}" for key, value in args.items() if key != CONFIG]
    return placed(load_config(ServiceSettings, path, overrides))


def placed(settings: ServiceSettings) -> ServiceSettings:
    """The same settings, read in any working directory."""
    places = {name: _absolute(getattr(settings, name)) for name in ("store", "state")}
    return settings.model_copy(update=places)


def _absolute(place: str | None) -> str | None:
    if place is None or "://" in place:
        return place
    return str(Path(place).resolve())
