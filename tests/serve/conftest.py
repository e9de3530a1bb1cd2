"""A service in this process over a store of two tiny versions; no cluster, no socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from training_runs import make_run

from serve.api import create_api
from serve.desk import Desk
from serve.local_backend import LocalBackend
from serve.settings import ServiceSettings


@pytest.fixture(scope="session")
def store(garch_prices, tmp_path_factory) -> Path:
    """A model store with ``tiny@1`` and ``tiny@2``."""
    place = tmp_path_factory.mktemp("store")
    for seed in (0, 1):
        list(make_run(garch_prices.iloc[:700], place, steps=20, ensemble=2, seed=seed))
    return place


@pytest.fixture(scope="session")
def desk(store) -> Iterator[Desk]:
    desk = Desk(ServiceSettings(store=str(store), poll_seconds=0.05))
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def client(desk) -> Iterator[TestClient]:
    backend = LocalBackend(desk)
    api = create_api(backend, desk.settings)
    with TestClient(api, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client
