"""A tiny configuration and a market prepared for it."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch

from fingan.data.returns import ReturnTable, log_returns
from fingan.training.config import TrainConfig
from fingan.training.dataset import TrainingSet, prepare


@pytest.fixture(scope="session")
def returns(garch_prices: pd.DataFrame) -> ReturnTable:
    """Log-returns of the GARCH market."""
    return log_returns(garch_prices)


@pytest.fixture(scope="session")
def gappy(garch_prices: pd.DataFrame) -> ReturnTable:
    """The same market, of which one asset starts late, one has a gap and one ends early."""
    prices = garch_prices.copy()
    prices.iloc[:150, 0] = float("nan")
    prices.iloc[300:310, 1] = float("nan")
    prices.iloc[-120:, 2] = float("nan")
    return log_returns(prices)


@pytest.fixture(scope="session")
def make_config(tiny_settings: dict[str, Any]) -> Callable[..., TrainConfig]:
    """The tiny configuration of one generator, with changes."""

    def make(**changes: Any) -> TrainConfig:
        return TrainConfig.model_validate(tiny_settings | {"ensemble": 1} | changes)

    return make


@pytest.fixture(scope="session")
def training_set(returns: ReturnTable, make_config: Callable[..., TrainConfig]) -> TrainingSet:
    """The GARCH market, prepared."""
    return prepare(returns, make_config(), torch.device("cpu"))
