"""The model of a market as it is published: generators, scaling, filter, and a tail of history.

On disk it is ``generators.safetensors`` (weights, under each generator's number),
``filter.safetensors`` (scaling, volatility filter) and ``history.safetensors`` (the last prices
that training knew, so that a published model answers by itself), with ``market.json`` for what
shapes them. No pickle.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch
from jaxtyping import Float, Int
from pydantic import PositiveInt
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from fingan.config import Config
from fingan.errors import ModelDamagedError
from fingan.models.families import new_generator
from fingan.models.generators import GeneratorConfig, MarketGenerator
from fingan.models.market_filter import MarketFilter
from fingan.models.states import Today
from fingan.volatility.time_of_day import TimeOfDay

GENERATORS, FILTER, HISTORY = "generators.safetensors", "filter.safetensors", "history.safetensors"
SHAPE = "market.json"


class MarketShape(Config):
    """What a model is made of, beside its tensors."""

    assets: tuple[str, ...]
    """Names, in the order of every tensor."""

    kind: str
    """What the prices were: price, simple_return, log_return or level."""

    generator: GeneratorConfig
    """The generators' size."""

    n_generators: PositiveInt
    """Generators of the ensemble."""


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
    """An ensemble of trained generators with all that turns a history into scenarios."""

    shape: MarketShape
    generators: tuple[MarketGenerator, ...]
    """Path i of any scenario set is of generator ``i % len(generators)``."""
    mean: Float[Tensor, " n_assets"]
    """Mean return of the training span, per step."""
    std: Float[Tensor, " n_assets"]
    """Standard deviation of returns in the training span."""
    law: MarketFilter
    time_of_day: TimeOfDay
    """Divided out of scaled returns before the filter; each step of a path has its own."""
    history: History

    @property
    def n_noise(self) -> int:
        """Normals per path and step."""
        return self.generators[0].n_noise

    def conditions(self, returns: LogReturns) -> Today:
        """Where a path from each day begins, from log-returns before it.

        Returns:
            One row more than ``returns``; the last is tomorrow's.
        """
        scaled = (returns.values.double() - self.mean) / self.std
        scaled = scaled / self.time_of_day.of(returns.dates)
        return self.law.today(scaled).to(scaled.device)

    def with_law(
        self,
        law: MarketFilter,
        mean: Float[Tensor, " n_assets"],
        std: Float[Tensor, " n_assets"],
        time_of_day: TimeOfDay,
        history: History,
    ) -> "MarketModel":
        """The same networks on a filter that was fitted anew.

        Modes keep the sign of those that the networks learnt from; their order is by variance.
        """
        law = law.aligned(self.law)
        weights = nn.ModuleList(self.generators).state_dict()
        generators = _generators(self.shape, law, weights)
        return MarketModel(self.shape, generators, mean, std, law, time_of_day, history)

    def save(self, directory: Path) -> None:
        """Write the files of the model into a directory that exists."""
        weights = nn.ModuleList(self.generators).state_dict()
        filtering = self.law.tensors() | {"mean": self.mean, "std": self.std}
        filtering |= self.time_of_day.tensors()
        history = {"dates": self.history.dates, "prices": self.history.prices}
        for name, tensors in ((GENERATORS, weights), (FILTER, filtering), (HISTORY, history)):
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
            raise ModelDamagedError(
                f"{SHAPE}: must be the shape of a market model of this version of fingan, with"
                " n_generators; train a model of an earlier one again"
            ) from None
        try:
            filtering = from_safetensors(read(FILTER))
            mean, std = filtering.pop("mean"), filtering.pop("std")
            time_of_day = TimeOfDay.from_tensors(filtering)
            law = MarketFilter.of(filtering)
            generators = _generators(shape, law, from_safetensors(read(GENERATORS)))
            history = History(**from_safetensors(read(HISTORY)))
        except (SafetensorError, RuntimeError, KeyError, TypeError) as wrong:
            raise ModelDamagedError(f"model files must fit {SHAPE}: {wrong}") from None
        per_asset = [mean, std, law.volatility.omega, *history.prices.unbind()]
        per_asset += [time_of_day.factors.T]
        if any(len(row) != len(shape.assets) for row in per_asset):
            raise ModelDamagedError(f"model files must hold {len(shape.assets)} assets, as {SHAPE}")
        weights = [tensor for one in generators for tensor in one.state_dict().values()]
        numbers = [*weights, mean, std, *law.tensors().values(), time_of_day.factors]
        if not all(bool(tensor.isfinite().all()) for tensor in numbers):
            raise ModelDamagedError(f"{GENERATORS}: every weight must be finite")
        return cls(shape, generators, mean, std, law, time_of_day, history)


def _own_memory(tensor: Tensor) -> Tensor:
    """A copy: safetensors refuses tensors that share memory."""
    return tensor.cpu().clone(memory_format=torch.contiguous_format)


def _generators(
    shape: MarketShape, law: MarketFilter, weights: dict[str, Tensor]
) -> tuple[MarketGenerator, ...]:
    """The generators of an ensemble, each with its weights."""
    generators = tuple(new_generator(shape.generator, law) for _ in range(shape.n_generators))
    ensemble = nn.ModuleList(generators)
    ensemble.load_state_dict(weights)
    ensemble.requires_grad_(False).eval()
    return generators
