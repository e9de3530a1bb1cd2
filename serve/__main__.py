"""``python -m serve``: start the service, on Ray Serve, or with ``--plain`` in one process."""

import argparse
import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from fingan.config import load_config
from fingan.errors import FinganError, RequestError
from fingan.pipeline import default_store
from serve.settings import ServiceSettings

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands after ``python -m serve``; None for the process's own.
    """
    given = _parser().parse_args(arguments)
    try:
        settings = _settings(given)
        _check_free(settings)
        if given.plain:
            from serve.plain import run

            return run(settings)
        from serve.on_ray.start import main as run_on_ray

        return run_on_ray(settings)
    except FinganError as mistake:
        sys.stderr.write(f"error: {' '.join(str(mistake).split()).rstrip('.')}\n")
        return BAD_INPUT


def _settings(given: argparse.Namespace) -> ServiceSettings:
    """The file's settings with single ones replaced."""
    named = {"store": given.store, "host": given.host, "port": given.port}
    own = [f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None]
    settings = load_config(ServiceSettings, given.config, [*given.settings, *own])
    if "store" in settings.model_fields_set:
        return settings
    return load_config(
        ServiceSettings,
        given.config,
        [*given.settings, *own, f"store={json.dumps(default_store())}"],
    )


def _check_free(settings: ServiceSettings) -> None:
    """Refuse an address that is taken, or not of this machine, before anything is started."""
    try:
        host = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(*host[:2]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(host[4])
    except OSError as taken:
        raise RequestError(
            f"the address must be free and this machine's, but {settings.host} port"
            f" {settings.port} is not: {taken.strerror}; name another with --host or --port (0 for"
            " any free port)"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serve",
        description="Serve scenarios, risk, stress and screens of the models in a store.",
        epilog="Example: python -m serve --store models --port 8000",
    )
    add = parser.add_argument
    add("--plain", action="store_true", help="one process, without Ray")
    add("--store", metavar="PLACE", help="model store; FINGAN_STORE, else ./models")
    add("--host", metavar="ADDRESS", help="where to listen; other than loopback needs keys")
    add("--port", type=int, metavar="N", help="8000 if not given; 0 for any free one")
    add("--config", type=Path, metavar="FILE", help="settings, TOML")
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace one setting, as in --set limits.max_paths=1000000; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
