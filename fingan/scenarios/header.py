"""What a scenario set is about: its assets, start prices, steps and provenance.

The header travels with the paths: as JSON under the key ``fingan`` of an Arrow schema, it is the
head of every file, and what a file needs to be read back.
"""

import datetime as dt
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import torch
from jaxtyping import Float32
from torch import Tensor

from fingan.data.options import Kind
from fingan.errors import RequestError, UnknownAssetError

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
        first: Number of the first path, where these are a page of a longer set.

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
    first: int = 0

    def __post_init__(self) -> None:
        for name, count in (("horizon", self.horizon), ("n_paths", self.n_paths)):
            if not 1 <= count <= MAX_COUNT:
                raise RequestError(f"{name} must lie in 1 to {MAX_COUNT:,}, got {count:,}")
        if not 0 <= self.first <= MAX_COUNT - self.n_paths:
            raise RequestError(
                f"the first path must lie in 0 to {MAX_COUNT - self.n_paths:,}, got {self.first:,}"
            )
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

    def page(self, offset: int, limit: int | None) -> Self:
        """The header of some of the paths, which keep their numbers.

        Args:
            offset: Paths left out at the beginning.
            limit: Paths at most; None for all that follow.

        Raises:
            RequestError: If there is no such path.
        """
        if not 0 <= offset < self.n_paths:
            raise RequestError(f"offset must lie in 0 to {self.n_paths - 1:,}, got {offset:,}")
        if limit is not None and limit < 1:
            raise RequestError(f"limit must be at least 1, got {limit:,}")
        rest = self.n_paths - offset
        n_paths = rest if limit is None else min(limit, rest)
        return replace(self, first=self.first + offset, n_paths=n_paths)

    def places(self, assets: Sequence[str]) -> list[int]:
        """Where assets stand on the last axis of the cube.

        Raises:
            RequestError: If one is named twice, or none is.
            UnknownAssetError: If there is no such asset.
        """
        if not assets or len(set(assets)) != len(assets):
            raise RequestError(
                f"assets must be one or more different names, got {', '.join(assets) or 'none'}"
            )
        for asset in assets:
            if asset not in self.assets:
                known = ", ".join(self.assets[:8]) + (" ..." if len(self.assets) > 8 else "")
                raise UnknownAssetError(f"asset '{asset}' is not in the scenarios; known: {known}")
        return [self.assets.index(asset) for asset in assets]

    def selected(self, places: Sequence[int]) -> Self:
        """The header of some of the assets."""
        return replace(
            self,
            assets=tuple(self.assets[place] for place in places),
            start_prices=tuple(self.start_prices[place] for place in places),
        )

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
        if self.first:
            own["first"] = self.first
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
            first = document.pop("first", 0)
            found = {label: document.pop(label) for label in labels}
            header = cls(
                assets=tuple(own["assets"]),
                start_prices=tuple(own["start_prices"]),
                horizon=own["horizon"],
                n_paths=own["n_paths"],
                dates=None if own["dates"] is None else tuple(map(_step_date, own["dates"])),
                kind=own["kind"],
                metadata=document,
                first=first,
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
