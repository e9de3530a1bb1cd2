"""Streams of known values, drawn as a model draws: block by block, each from its index."""

import datetime as dt
from collections.abc import Callable, Iterator

import jaxtyping
import pytest
import torch
from torch import Tensor

from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioStream

ASSETS = ("AAPL", "BRK.B", 'odd, "name"')
START_PRICES = (100.0, 50.5, 7.25)
BLOCK_SIZE = 64


def draw(index: int, horizon: int) -> Tensor:
    generator = torch.Generator().manual_seed(index)
    return 0.02 * torch.randn(BLOCK_SIZE, horizon, len(ASSETS), generator=generator)


@pytest.fixture
def make_stream() -> Callable[..., ScenarioStream]:
    def make(
        n_paths: int = 150, horizon: int = 5, n_threads: int = 1, **header: object
    ) -> ScenarioStream:
        dates = tuple(dt.date(2020, 3, 17) + dt.timedelta(days=day) for day in range(horizon))
        settings = {"dates": dates, "metadata": {"model": "demo@1", "seed": 7}} | header
        return ScenarioStream(
            ScenarioHeader(ASSETS, START_PRICES, horizon, n_paths, **settings),
            BLOCK_SIZE,
            lambda index: draw(index, horizon),
            n_threads,
        )

    return make


@pytest.fixture
def without_type_checks() -> Iterator[None]:
    """As a caller without a type checker sees the library."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
