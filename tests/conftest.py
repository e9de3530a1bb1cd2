"""What every test has at hand: one thread, a GARCH market, a tiny model, a small Ray cluster."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from gloo_workers import GlooWorkers
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("fingan", deadline=None)  # tests are never timed
settings.load_profile("fingan")

N_DAYS, ASSETS = 800, ("ABLE", "BAKER", "CHARLIE", "DOG")
RAY_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "test-token-0123456789abcdef0123456789abcdef",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every listener on loopback
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.1",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
}
os.environ |= RAY_ENVIRONMENT  # before any test file imports ray: it reads them once
TOGETHER = ("tests/ray_jobs", "tests/serve")  # one cluster, one published store for all files


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """``--dist loadfile``, but that a room whose files share what is dear stays on one process."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrRoom(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            room = nodeid.rpartition("::")[0].rpartition("/")[0]
            return room if room in TOGETHER else super()._split_scope(nodeid)

    return ByFileOrRoom(config, log)


@pytest.fixture(scope="session")
def garch_prices() -> pd.DataFrame:
    """Daily prices of four correlated assets that follow GARCH(1, 1) with t innovations."""
    random = np.random.default_rng(7)
    factor = np.linalg.cholesky(0.5 * np.eye(len(ASSETS)) + 0.5)
    shocks = random.standard_t(6, (N_DAYS, len(ASSETS))) / np.sqrt(6 / 4) @ factor.T
    omega, alpha, beta = 2e-6, 0.08, 0.90
    variance = np.full(len(ASSETS), omega / (1 - alpha - beta))
    returns = np.empty_like(shocks)
    for day, shock in enumerate(shocks):
        returns[day] = np.sqrt(variance) * shock
        variance = omega + alpha * returns[day] ** 2 + beta * variance
    dates = pd.bdate_range("2015-01-02", periods=N_DAYS, name="date")
    prices = 100 * np.exp(returns.cumsum(axis=0))
    frame = pd.DataFrame(prices, index=dates, columns=pd.Index(ASSETS))
    frame.attrs = {"kind": "price", "source": "garch"}
    return frame


@pytest.fixture(scope="session")
def tiny_settings() -> dict[str, Any]:
    """A configuration that trains in seconds; enough to see every part at work."""
    return {
        "steps": 60,
        "ensemble": 2,
        "batch_size": 16,
        "window": 32,
        "generator": {"width": 8, "dilations": [1, 2], "n_latent": 2},
        "critic": {
            "width": 8,
            "directions": 3,
            "patch": 4,
            "n_portfolios": 4,
            "aggregates": [5, 20],
            "aggregate_width": 8,
        },
        "selection": {"every": 20, "horizon": 5, "n_starts": 16, "n_paths": 32},
    }


@dataclass(frozen=True)
class TinyModel:
    """A published model and where it is."""

    reference: str
    store: str
    steps: tuple[int, ...]
    """At which training reported."""


@pytest.fixture(scope="session")
def tiny_model(
    garch_prices: pd.DataFrame,
    tiny_settings: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> TinyModel:
    """A model of the GARCH market, trained to the end of 2017 and published once for all tests."""
    from fingan.pipeline import train
    from fingan.training.config import TrainConfig

    store: Path = tmp_path_factory.mktemp("store")
    config = TrainConfig.model_validate(tiny_settings)
    run = train(garch_prices, config, name="tiny", store=str(store), until="2017-12-29")
    steps = tuple(progress.step for progress in run)
    assert run.reference is not None
    return TinyModel(run.reference, str(store), steps)


@pytest.fixture(scope="session")
def two_workers() -> Iterator[GlooWorkers]:
    """Two processes that train together without Ray."""
    both = GlooWorkers(2)
    yield both
    both.close()


@pytest.fixture(scope="session")
def ray_session() -> Iterator[ModuleType]:
    """A cluster of two CPUs on this machine, shared by all tests that need one."""
    os.environ.pop("RAY_API_SERVER_ADDRESS", None)
    import ray

    ray.init(
        address="local",  # never somebody else's cluster
        num_cpus=2,
        object_store_memory=100_000_000,
        log_to_driver=False,
        logging_level="ERROR",
        namespace="tests",
    )
    yield ray
    ray.shutdown()
