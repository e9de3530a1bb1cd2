"""The training configuration that a command names."""

from collections.abc import Sequence
from pathlib import Path

from fingan.config import load_config
from fingan.training.config import TrainConfig


def read_train_config(
    path: Path | None, settings: Sequence[str] | None, seed: int | None
) -> TrainConfig:
    """Defaults, then ``--config``, then ``--set``, then ``--seed``."""
    seeds = [] if seed is None else [f"seed={seed}"]
    return load_config(TrainConfig, path, [*(settings or ()), *seeds])
