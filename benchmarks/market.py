"""The market and the configuration on which speed is measured."""

import argparse
from typing import Any

import pandas as pd

from fingan.data.prices import read_prices
from fingan.training.config import TrainConfig
from fingan.training.loop import REPORT_EVERY

DEFAULT_PRICES = "sp500-20"
FOREVER = 1_000_000  # steps: a run that nobody waits to end, and in which no check is due


def market_options() -> argparse.ArgumentParser:
    """Options of every program, as a parent of its own parser."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--prices", default=DEFAULT_PRICES, help="file of prices (default: %(default)s)"
    )
    return parser


def prices_of(options: argparse.Namespace) -> pd.DataFrame:
    """The prices asked for."""
    return read_prices(options.prices)


def endless_run(batch: int | None = None, window: int | None = None) -> TrainConfig:
    """The default configuration without checks: each report stands for ``REPORT_EVERY`` steps.

    Args:
        batch: Windows a step; None for the default.
        window: Steps of a window; None for the default.
    """
    settings: dict[str, Any] = {
        "steps": FOREVER,
        "selection": {"every": FOREVER, "n_starts": 1, "n_paths": 16},
    }
    if batch is not None:
        settings["batch_size"] = batch
    if window is not None:
        settings["window"] = window
    return TrainConfig.model_validate(settings)


__all__ = ["REPORT_EVERY", "endless_run", "market_options", "prices_of"]
