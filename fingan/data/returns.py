"""Log-returns of a table of prices, with a mask: observed only where both prices are."""

import datetime
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fingan.data.options import Kind
from fingan.errors import PriceDataError

Date = str | datetime.date | pd.Timestamp


@dataclass(frozen=True)
class ReturnTable:
    """Returns by day and asset; a day is known at its date and not before.

    Args:
        assets: Names, one per column.
        dates: Date at the end of each step: row t is the move into ``dates[t]``.
        values: Log-returns (differences for levels), NaN where not observed.
        kind: What the prices were; "level" means differences.
    """

    assets: tuple[str, ...]
    dates: pd.DatetimeIndex
    values: Float[Tensor, "n_days n_assets"]
    kind: Kind = "price"

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.dates), len(self.assets)):
            raise ValueError(
                f"values must have shape {(len(self.dates), len(self.assets))},"
                f" got {tuple(self.values.shape)}"
            )

    @property
    def observed(self) -> Bool[Tensor, "n_days n_assets"]:
        """True where there is a return."""
        return ~self.values.isnan()

    def until(self, date: Date) -> "ReturnTable":
        """The rows up to and including ``date``; a view, nothing is copied."""
        return self._rows(0, _position(self.dates, end_of(date), "right"))

    def between(self, start: Date, end: Date) -> "ReturnTable":
        """The rows from ``start`` to ``end``, both included; a view, nothing is copied."""
        first = _position(self.dates, pd.Timestamp(start), "left")
        last = _position(self.dates, end_of(end), "right")
        return self._rows(first, max(first, last))

    def _rows(self, first: int, last: int) -> "ReturnTable":
        return ReturnTable(self.assets, self.dates[first:last], self.values[first:last], self.kind)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to one safetensors file, in one move: a reader sees all of it or nothing."""
        dates = torch.from_numpy(self.dates.as_unit("ns").asi8.copy())
        metadata = {"assets": json.dumps(self.assets), "kind": self.kind}
        target = Path(path)
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            save_file({"dates": dates, "values": self.values.contiguous()}, partial, metadata)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "ReturnTable":
        """Open a file that ``save`` wrote, memory-mapped: pages are read when they are used.

        Raises:
            PriceDataError: If there is no such file, or it is not one of ``save``.
        """
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                dates, values = file.get_tensor("dates"), file.get_tensor("values")
            assets = tuple(json.loads(metadata["assets"]))
            index = pd.DatetimeIndex(dates.numpy().astype("M8[ns]"), name="date")
            return cls(assets, index, values, metadata["kind"])
        except FileNotFoundError:
            raise PriceDataError(f"{os.fspath(path)}: there is no such file") from None
        except (SafetensorError, KeyError, ValueError, TypeError):
            raise PriceDataError(
                f"{os.fspath(path)}: is no table of returns, or damaged; write it again"
            ) from None


def _position(dates: pd.DatetimeIndex, date: pd.Timestamp, side: Literal["left", "right"]) -> int:
    return int(np.searchsorted(dates.as_unit("ns").asi8, date.as_unit("ns").value, side))


def end_of(date: Date) -> pd.Timestamp:
    """The last moment of a day; a moment, midnight too where it is a timestamp, for itself."""
    if isinstance(date, str) and len(date) < len("2020-03-16"):
        raise ValueError(f"a date must be whole, as 2020-03-16, got '{date}'")
    stamp = pd.Timestamp(date).as_unit("ns")
    is_day = isinstance(date, str) and len(date) <= len("2020-03-16")
    is_day |= isinstance(date, datetime.date) and not isinstance(date, datetime.datetime)
    return stamp + pd.Timedelta(days=1) - pd.Timedelta(nanoseconds=1) if is_day else stamp


def check_order(prices: pd.DataFrame) -> None:
    """Refuse what is no table in order of time.

    Raises:
        PriceDataError: If the index does not hold dates that rise from row to row.
    """
    if not isinstance(prices, pd.DataFrame) or not isinstance(prices.index, pd.DatetimeIndex):
        raise PriceDataError("prices must be a table indexed by dates; make it with read_prices")
    if not prices.index.is_monotonic_increasing or not prices.index.is_unique:
        raise PriceDataError(
            "dates must rise from row to row, each once; read the table with read_prices"
        )


def _checked_values(prices: pd.DataFrame, kind: Kind) -> Float[np.ndarray, "n_rows n_assets"]:
    """The numbers of a table, if they can be what they are said to be."""
    check_order(prices)
    values = np.ascontiguousarray(prices, dtype=np.float64)  # sums round by order in memory
    least = {"price": 0.0, "simple_return": -1.0}.get(kind, -np.inf)
    wrong = np.isinf(values) | (values <= least)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise PriceDataError(
            f"'{prices.columns[column]}' is {values[row, column]} on {prices.index[row]:%Y-%m-%d}"
            f" (first of {wrong.sum()}); values of kind '{kind}' must be finite and above {least}"
        )
    return values


def log_returns(prices: pd.DataFrame) -> ReturnTable:
    """Log-returns of prices or of simple returns; differences of levels.

    Args:
        prices: Table from ``read_prices``; ``attrs["kind"]`` says what it holds, default "price".

    Returns:
        One row less than prices or levels, as many as returns. NaN where a value that the return
        needs is missing: over a gap there is no return, not a zero.

    Raises:
        PriceDataError: If the rows are out of order, or a value cannot be of its kind.
    """
    kind: Kind = getattr(prices, "attrs", {}).get("kind", "price")
    values = _checked_values(prices, kind)
    dates = pd.DatetimeIndex(prices.index).as_unit("ns")
    match kind:
        case "price":
            moves, dates = np.diff(np.log(values), axis=0), dates[1:]
        case "level":
            moves, dates = np.diff(values, axis=0), dates[1:]
        case "simple_return":
            moves = np.log1p(values)
        case "log_return":
            moves = values.copy()
    assets = tuple(str(name) for name in prices.columns)
    return ReturnTable(assets, dates, torch.from_numpy(moves), kind)
