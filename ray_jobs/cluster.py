"""A Ray to run on: the one that ``RAY_ADDRESS`` names, else one of our own on this machine.

Ray reads its settings from the environment when it is imported, so they are made first. A Ray of
our own listens on loopback only and asks for a token that nobody else knows; ``setdefault``
throughout, so that what the user has exported holds.
"""

import os
import secrets
from pathlib import Path
from types import ModuleType
from typing import Any

from fingan.files import Folder

TRAINING = {
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # it prints every line twice
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",  # seconds until a report or a death is seen
}
OWN_CLUSTER = {
    "RAY_AUTH_MODE": "token",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every listener on loopback, on Linux too
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}
OBJECT_STORE_BYTES = 200_000_000


def connect(n_cpus: int) -> ModuleType:
    """Import Ray and connect to a cluster, unless this process is connected already.

    Args:
        n_cpus: That a cluster of our own must offer, whatever the machine has.
    """
    is_own = "RAY_ADDRESS" not in os.environ
    for name, value in (TRAINING | (OWN_CLUSTER if is_own else {})).items():
        os.environ.setdefault(name, value)
    if is_own:
        os.environ.pop("RAY_API_SERVER_ADDRESS", None)  # of another cluster
        if "RAY_AUTH_TOKEN_PATH" not in os.environ:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray

    if ray.is_initialized():
        return ray
    if is_own:
        ray.init(
            address="local",  # never somebody else's
            num_cpus=max(n_cpus, os.cpu_count() or 1),
            object_store_memory=OBJECT_STORE_BYTES,
            logging_level="ERROR",
        )
    else:
        ray.init(logging_level="ERROR")
    return ray


def ray_storage(directory: Folder) -> dict[str, Any]:
    """Where Ray keeps the state of a run, as its ``RunConfig`` takes it."""
    if isinstance(directory, Path):
        return {"storage_path": str(directory)}
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    files = PyFileSystem(FSSpecHandler(directory.fs))
    return {"storage_path": directory.path, "storage_filesystem": files}


def is_temporary(path: Path) -> bool:
    """Whether a path lies in the copy of the working directory of a ``ray job submit``."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ and path.is_relative_to(Path.cwd())
