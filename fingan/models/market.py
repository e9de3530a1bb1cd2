"""The model of a market as it is published: generator, scaling, filter, and a tail of history.

On disk it is ``generator.safetensors`` (weights), ``filter.safetensors`` (scaling, volatility
filter) and ``history.safetensors`` (the last prices that training knew, so that a published model
answers by itself), with ``market.json`` for what shapes them. No pickle.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor

from fingan.config import Config
from fingan.errors import ModelDamagedError
from fingan.models.generators import GeneratorConfig, MarketGenerator
from fingan.models.market_filter import MarketFilter
from fingan.models.states import N_FEATURES, Today

GENERATOR, FILTER, HISTORY = "generator.safetensors", "filter.safetensors", "history.safetensors"
SHAPE = "market.json"


class MarketShape(Config):
    """What a model is made of, beside its tensors."""

    assets: tuple[str, ...]
    """Names, in the order of every tensor."""

    kind: str
    """What the prices were: price, simple_return, log_return or level."""

    generator: GeneratorConfig
    """The generator's size."""


@dataclass(frozen=True)
class History:
    """The last prices that training knew: row t is the close of ``dates[t]``."""

    dates: Int[Tensor, " n_rows"]
    """Nanoseconds since 1970."""
    prices: Float[Tensor, "n_rows n_assets"]
    """NaN where not observed."""


class LogReturns(Protocol):
    """What a model reads of a table of log-returns."""

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Of the later price of each return."""

    @property
    def values(self) -> Float[Tensor, "n_days n_assets"]:
        """NaN where not observed."""


@dataclass(frozen=True)
class MarketModel:
    """A trained generator with all that turns a history into scenarios."""

    shape: MarketShape
    generator: MarketGenerator
    mean: Float[Tensor, " n_assets"]
    """Mean return of the training span, per step."""
    std: Float[Tensor, " n_assets"]
    """Standard deviation of returns in the training span."""
    law: MarketFilter
    history: History

    @property
    def n_noise(self) -> int:
        """Normals per path and step."""
        return self.generator.n_noise

    def conditions(self, returns: LogReturns) -> Today:
        """Where a path from each day begins, from log-returns before it.

        Returns:
            One row more than ``returns``; the last is tomorrow's.
        """
        scaled = (returns.values.double() - self.mean) / self.std
        return self.law.today(scaled).to(scaled.device)

    def save(self, directory: Path) -> None:
        """Write the files of the model into a directory that exists."""
        weights = self.generator.state_dict()
        filtering = self.law.tensors() | {"mean": self.mean, "std": self.std}
        history = {"dates": self.history.dates, "prices": self.history.prices}
        for name, tensors in ((GENERATOR, weights), (FILTER, filtering), (HISTORY, history)):
            own = {key: _own_memory(tensor) for key, tensor in tensors.items()}
            (directory / name).write_bytes(to_safetensors(own))
        shape = json.dumps(self.shape.model_dump(mode="json"), indent=1)
        (directory / SHAPE).write_text(shape + "\n", encoding="utf-8")

    @classmethod
    def load(cls, read: Callable[[str], bytes]) -> "MarketModel":
        """Build a model from verified files.

        Args:
            read: File name to content.

        Raises:
            ModelDamagedError: If the tensors do not fit the shape, or a weight is not finite.
        """
        try:
            shape = MarketShape.model_validate(json.loads(read(SHAPE)))
        except ValueError:
            raise ModelDamagedError(f"{SHAPE}: must be the shape of a market model") from None
        try:
            filtering = from_safetensors(read(FILTER))
            mean, std = filtering.pop("mean"), filtering.pop("std")
            law = MarketFilter.of(filtering)
            generator = MarketGenerator(shape.generator, law, N_FEATURES)
            generator.load_state_dict(from_safetensors(read(GENERATOR)))
            history = History(**from_safetensors(read(HISTORY)))
        except (SafetensorError, RuntimeError, KeyError, TypeError) as wrong:
            raise ModelDamagedError(f"model files must fit {SHAPE}: {wrong}") from None
        per_asset = [mean, std, *history.prices.unbind()]
        if any(len(row) != len(shape.assets) for row in [*per_asset, law.volatility.omega]):
            raise ModelDamagedError(f"model files must hold {len(shape.assets)} assets, as {SHAPE}")
        numbers = [*generator.state_dict().values(), mean, std, *law.tensors().values()]
        if not all(bool(tensor.isfinite().all()) for tensor in numbers):
            raise ModelDamagedError(f"{GENERATOR}: every weight must be finite")
        return cls(shape, generator.requires_grad_(False).eval(), mean, std, law, history)


def _own_memory(tensor: Tensor) -> Tensor:
    """A copy: safetensors refuses tensors that share memory."""
    return tensor.cpu().clone(memory_format=torch.contiguous_format)
