"""The service on a Ray of its own in this process, for programs that load it and break it."""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from benchmarks.service_wire import Call, Wire
from fingan.errors import ModelNotFoundError
from fingan.pipeline import default_store
from fingan.scenarios.manifest import MANIFEST
from fingan.scenarios.store import ModelStore
from serve.settings import Limits, Rates, ServiceSettings

ARROW = {"Accept": "application/vnd.apache.arrow.stream"}
NO_RATES = Rates(requests_per_minute=10**9)
GENERATOR, INGRESS = "Generator", "Ingress"
WEIGHTS = "generators.safetensors"
READY = 90.0  # seconds
READYZ = Call("/readyz")


@dataclass(frozen=True)
class Host:
    """A service that runs."""

    port: int
    settings: ServiceSettings

    def pids(self, deployment: str) -> list[int]:
        """Processes of a deployment's replicas that live."""
        title = f"ray::ServeReplica:fingan:{deployment}"
        own = psutil.Process(os.getpid()).children(recursive=True)
        return sorted(child.pid for child in own if title in _title(child))

    def fronts(self) -> list[int]:
        """Processes of HAProxy."""
        own = psutil.Process(os.getpid()).children(recursive=True)
        return sorted(child.pid for child in own if "-db" in _title(child).split())

    def wait_for(self, n_generators: int) -> None:
        """Until so many generators live, at least, and one has answered."""
        end = time.monotonic() + READY
        while len(self.pids(GENERATOR)) < n_generators or Wire(self.port).ask(READYZ).status != 200:
            if time.monotonic() > end:
                raise TimeoutError(f"{n_generators} generators did not stand in {READY:g} s")
            time.sleep(0.2)


def service_options() -> argparse.ArgumentParser:
    """Options of every program that starts the service, as a parent of its own parser."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--store", help="model store (default: FINGAN_STORE, else ./models)")
    parser.add_argument("--model", default="demo", help="in the store (default: demo)")
    parser.add_argument("--port", type=int, default=21500, help="default: 21500")
    parser.add_argument("--quick", action="store_true", help="a few seconds of everything")
    parser.add_argument(
        "--proxy", action="store_true", help="Serve's own proxy takes requests in, not HAProxy"
    )
    return parser


@contextmanager
def hosted(
    options: argparse.Namespace,
    *,
    limits: Limits | None = None,
    generators: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Host]:
    """The service on a copy of the store, so that programs may publish.

    Args:
        options: Of :func:`service_options`.
        limits: Of the service.
        generators: Options of their deployment that differ from the shipped ones.
    """
    from serve.on_ray.start import deploy, own_cluster

    with tempfile.TemporaryDirectory(prefix="fingan-bench-") as name:
        store = Path(name) / "store"
        given = ModelStore(options.store or default_store())
        published(given, options.model, ModelStore(store))
        settings = ServiceSettings(
            store=str(store), port=options.port, rates=NO_RATES, limits=limits or Limits()
        )
        with own_cluster(settings, front=not options.proxy):
            from ray import serve

            deploy(settings, generators)
            host = Host(options.port, settings)
            host.wait_for(len(host.pids(GENERATOR)))
            try:
                yield host
            finally:
                serve.shutdown()


def published(given: ModelStore, model: str, to: ModelStore, nudge: float = 1.0) -> str:
    """Publish a model once more.

    Args:
        given: Where its newest version is.
        model: Its name.
        to: Where the next version shall be.
        nudge: Factor on its weights, so that its scenarios differ; 1 leaves its files alone.
    """
    from safetensors.torch import load_file, save_file

    version = max(given.versions().get(model, (0,)))
    if version == 0:
        raise ModelNotFoundError(f"model '{model}' must be in the store; train it: make demo")
    source = Path(given.root) / model / str(version)

    def write(draft: Path) -> None:
        for file in source.iterdir():
            if file.name == MANIFEST:
                continue
            if file.name == WEIGHTS and nudge != 1.0:
                weights = {name: nudge * value for name, value in load_file(file).items()}
                save_file(weights, draft / file.name)
            else:
                shutil.copyfile(file, draft / file.name)

    return to.publish(model, write)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


class Memory:
    """Memory of this process's children, shared pages counted once."""

    def __init__(self) -> None:
        self._own = psutil.Process(os.getpid())

    def bytes(self, but: Sequence[int] = ()) -> int:
        """Proportional set size of all children but some."""
        total = 0
        for child in self._own.children(recursive=True):
            if child.pid in but:
                continue
            try:
                total += child.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return total
