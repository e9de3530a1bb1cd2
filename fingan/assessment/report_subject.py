"""The model that a report is about, and how it is put to the test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fingan.assessment.fidelity import N_PATHS
from fingan.data.quality import DataReport
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.samplers import TrainedSampler

REFERENCE = "fhs-gjr"
BASELINES = ("fhs-gjr", "gjr-skew-t", "fhs-ewma", "garch-t", "historical", "block-bootstrap")


@dataclass(frozen=True)
class Subject:
    """The model on trial, and all that is known about it."""

    sampler: TrainedSampler
    card: Mapping[str, Any]
    prices: pd.DataFrame
    portfolio: Portfolio
    quality: DataReport | None = None
    audit: Mapping[str, Any] | None = None
    """Record of ``fingan privacy``."""
    commands: Sequence[str] = ()
    """That print the same again."""


@dataclass(frozen=True)
class Plan:
    """How a model is put to the test."""

    baselines: Sequence[str] = BASELINES
    """The first is the reference if ``fhs-gjr`` is not among them."""
    n_paths: int = N_PATHS
    """A starting day, of the evaluation."""
    n_backtest_paths: int = 10_000
    """A day."""
    seed: int = 0
    """Of all draws."""
    n_processes: int = 1
    """Of the backtest; changes the speed, not the result."""

    @property
    def reference(self) -> str:
        """The baseline that is drawn beside the model."""
        return REFERENCE if REFERENCE in self.baselines else self.baselines[0]
