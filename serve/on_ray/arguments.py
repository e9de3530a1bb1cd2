"""Settings from ``key=value``, as ``serve run`` and ``serve/config.yaml`` pass them."""

from collections.abc import Mapping
from pathlib import Path

from fingan.config import load_config
from serve.places import placed
from serve.settings import ServiceSettings

CONFIG = "config"


def settings_of(args: Mapping[str, str]) -> ServiceSettings:
    """Settings as replicas read them: local places are absolute paths.

    Args:
        args: Such as ``store`` or ``limits.max_jobs``; ``config`` names a TOML file.

    Raises:
        ConfigError: If a setting does not exist or does not fit.
    """
    path = Path(args[CONFIG]) if CONFIG in args else None
    overrides = [f"{key}={value}" for key, value in args.items() if key != CONFIG]
    return placed(load_config(ServiceSettings, path, overrides))
