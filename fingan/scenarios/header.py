"""What a scenario set is about: its assets, start prices, steps and provenance.

The header travels with the paths: as JSON under the key ``fingan`` of an Arrow schema, it is the
head of every file, and what a file needs to be read back.
"""

import datetime as dt
import json
import os
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import torch
from jaxtyping import Float32
from torch import Tensor

from fingan.data.options import Kind
from fingan.errors import RequestError

Values = Literal["simple_return", "log_return", "price"]
Layout = Literal["wide", "tensor", "long", "terminal"]
StepDate = dt.date | dt.datetime

MAX_COUNT = 2**31 - 1  # scenarios and steps are numbered by int32
SCHEMA_VERSION = 1
_OWN_KEYS = ("schema_version", "assets", "start_prices", "horizon", "n_paths", "dates", "kind")


@dataclass(frozen=True)
class ScenarioHeader:
    """The head of a scenario set.

    Args:
        assets: Names, in the order of the last axis of the cube.
        start_prices: Last observed price of each asset, from which price paths continue.
        horizon: Steps of each path.
        n_paths: Number of paths.
        dates: The date of each step, or its time for intraday bars; None where no calendar is
            known.
        kind: What the model was fitted on. For ``"level"`` the cube holds differences: they add
            up over time, and a price is the start plus their sum.
        metadata: JSON that says where the paths come from: model, digests, as_of, seed and so on.

    Raises:
        RequestError: If the horizon or the number of paths is out of range.
    """

    assets: tuple[str, ...]
    start_prices: tuple[float, ...]
    horizon: int
    n_paths: int
    dates: tuple[StepDate, ...] | None = None
    kind: Kind = "price"
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, count in (("horizon", self.horizon), ("n_paths", self.n_paths)):
            if not 1 <= count <= MAX_COUNT:
                raise RequestError(f"{name} must lie in 1 to {MAX_COUNT:,}, got {count:,}")
        if not self.assets or len(set(self.assets)) != len(self.assets):
            raise ValueError(f"assets must be one or more different names, got {self.assets}")
        if len(self.start_prices) != len(self.assets):
            raise ValueError(
                f"start_prices must hold one price for each of {len(self.assets)} assets, "
                f"got {len(self.start_prices)}"
            )
        if self.dates is not None and len(self.dates) != self.horizon:
            raise ValueError(
                f"dates must hold one date for each of {self.horizon} steps, got {len(self.dates)}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Paths, steps and assets."""
        return self.n_paths, self.horizon, len(self.assets)

    @property
    def is_intraday(self) -> bool:
        """Whether the steps are times rather than dates."""
        return self.dates is not None and isinstance(self.dates[0], dt.datetime)

    def empty_cube(self) -> Float32[Tensor, "n_paths horizon n_assets"]:
        """Memory for all paths, not yet filled.

        Raises:
            RequestError: If this machine has less memory than that.
        """
        n_paths, horizon, n_assets = self.shape
        needed = n_paths * horizon * n_assets * 4
        memory = machine_memory()
        if needed > memory:
            raise RequestError(
                f"{n_paths:,} paths of {horizon:,} steps and {n_assets:,} assets must fit in "
                f"memory, they need {needed:,} bytes of {memory:,}; save them as a stream, or ask "
                "for fewer"
            )
        return torch.empty(self.shape)

    def to_json(self, **labels: str) -> str:
        """The header as canonical JSON: the metadata at the top level, the sizes beside it.

        Args:
            **labels: What the file adds, such as its layout and values.
        """
        own = {
            "schema_version": SCHEMA_VERSION,
            "assets": self.assets,
            "start_prices": self.start_prices,
            "horizon": self.horizon,
            "n_paths": self.n_paths,
            "dates": None if self.dates is None else [date.isoformat() for date in self.dates],
            "kind": self.kind,
        }
        document = self.metadata | own | labels
        return json.dumps(document, sort_keys=True, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *labels: str) -> tuple[Self, dict[str, str]]:
        """Read back what :meth:`to_json` wrote.

        Args:
            text: The JSON.
            *labels: Names of the labels that the file added.

        Returns:
            The header and the labels.

        Raises:
            ValueError: If the text is not such a header.
        """
        document = json.loads(text)
        try:
            own = {key: document.pop(key) for key in _OWN_KEYS}
            found = {label: document.pop(label) for label in labels}
            header = cls(
                assets=tuple(own["assets"]),
                start_prices=tuple(own["start_prices"]),
                horizon=own["horizon"],
                n_paths=own["n_paths"],
                dates=None if own["dates"] is None else tuple(map(_step_date, own["dates"])),
                kind=own["kind"],
                metadata=document,
            )
        except (AttributeError, KeyError, TypeError) as wrong:
            raise ValueError(f"not the header of a scenario set: {wrong}") from None
        return header, found


def machine_memory() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _step_date(text: str) -> StepDate:
    is_date = len(text) == len("2020-03-16")
    return dt.date.fromisoformat(text) if is_date else dt.datetime.fromisoformat(text)
