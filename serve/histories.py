"""The prices that a question continues: sent with it, known by name, or the model's own tail."""

import io
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from fingan.data.catalogue import BUNDLED
from fingan.data.prices import read_prices
from fingan.data.quality import data_digest
from fingan.errors import PriceDataError, RequestError
from serve.schemas import HistoryColumns
from serve.settings import Limits

METADATA_KEY = b"fingan"  # of an Arrow body: the request as JSON


@dataclass(frozen=True)
class History:
    """A checked price table and its digest."""

    prices: pd.DataFrame
    digest: str

    @classmethod
    def of(cls, prices: pd.DataFrame) -> "History":
        """A table with its digest."""
        return cls(prices, data_digest(prices))


@dataclass
class PriceSources:
    """Price files by the name that a request may use, read once.

    Args:
        places: File or URL by name; the bundled data need no entry.
    """

    places: Mapping[str, str]
    _read: dict[str, History] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def names(self) -> tuple[str, ...]:
        """What may be named."""
        return (*self.places, *(name for name in BUNDLED if name not in self.places))

    def get(self, name: str) -> History:
        """The table of a name.

        Raises:
            RequestError: If there is no such name.
            PriceDataError: If the file cannot be trusted.
        """
        if name not in self.names:
            raise RequestError(
                f"prices must be one of {', '.join(self.names)}, got '{name[:100]}'; send other"
                " prices as 'history'"
            )
        with self._lock:
            if name not in self._read:
                self._read[name] = History.of(read_prices(self.places.get(name, name)))
            return self._read[name]

    def record(self) -> dict[str, Any]:
        """Every source, for ``GET /v1/prices``."""
        return {"prices": [self._described(name) for name in self.names]}

    def _described(self, name: str) -> dict[str, Any]:
        try:
            table = self.get(name).prices
        except PriceDataError as problem:
            return {"name": name, "problem": str(problem)}
        return {
            "name": name,
            "n_rows": len(table),
            "n_assets": len(table.columns),
            "first": f"{table.index[0]:%Y-%m-%d}",
            "last": f"{table.index[-1]:%Y-%m-%d}",
            "problem": None,
        }


def sent_columns(columns: HistoryColumns, limits: Limits) -> History:
    """A history that was sent as JSON, checked as a price file is.

    Raises:
        RequestError: If it is too large or its columns differ in length.
        PriceDataError: If its prices cannot be trusted.
    """
    n_rows = len(columns.dates)
    _check_size(n_rows, len(columns.prices), limits)
    for asset, values in columns.prices.items():
        if len(values) != n_rows:
            raise RequestError(
                f"history: each asset must have one number a date, got {len(values)} of '{asset}'"
                f" for {n_rows} dates"
            )
    index = pd.Index(columns.dates, name="date")
    table = pd.DataFrame(dict(columns.prices), index=index, dtype="float64")
    return History.of(read_prices(table.reset_index(), kind=columns.kind))


def sent_table(body: bytes, limits: Limits) -> History:
    """A history that was sent as an Arrow stream: first column the date, one column per asset.

    Raises:
        RequestError: If it is no such stream or too large.
        PriceDataError: If its prices cannot be trusted.
    """
    batches, n_rows = [], 0
    try:
        with pa.ipc.open_stream(io.BytesIO(body)) as reader:
            for batch in reader:
                n_rows += batch.num_rows
                _check_size(n_rows, batch.num_columns - 1, limits)
                batches.append(batch)
            table = pa.Table.from_batches(batches, reader.schema)
            frame = table.replace_schema_metadata(None).to_pandas()
    except (pa.ArrowException, ValueError, TypeError) as wrong:
        raise RequestError(f"the body must be an Arrow IPC stream, but: {_line(wrong)}") from None
    return History.of(read_prices(frame))


def request_in(body: bytes) -> bytes:
    """The request that travels in the schema of an Arrow body, as JSON.

    Raises:
        RequestError: If the body is no Arrow stream, or its schema holds no request.
    """
    try:
        with pa.ipc.open_stream(io.BytesIO(body)) as reader:
            metadata = reader.schema.metadata or {}
    except (pa.ArrowException, ValueError) as wrong:
        raise RequestError(f"the body must be an Arrow IPC stream, but: {_line(wrong)}") from None
    if METADATA_KEY not in metadata:
        raise RequestError(
            "an Arrow body must hold the request as JSON under the schema's metadata key 'fingan'"
        )
    found: bytes = metadata[METADATA_KEY]
    return found


def shown(prices: pd.DataFrame, n_rows: int) -> dict[str, Any]:
    """The last rows of a table as JSON columns."""
    tail = prices.iloc[-n_rows:]
    dates = pd.DatetimeIndex(tail.index)
    is_daily = bool((dates == dates.normalize()).all())
    form = "%Y-%m-%d" if is_daily else "%Y-%m-%dT%H:%M:%S"
    columns = {str(asset): _numbers(tail[asset]) for asset in tail.columns}
    return {"dates": [f"{date:{form}}" for date in dates], "prices": columns}


def _numbers(prices: pd.Series) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in prices]


def _check_size(n_rows: int, n_assets: int, limits: Limits) -> None:
    if n_rows * n_assets > limits.max_history_values:
        raise RequestError(
            f"a history must hold at most {limits.max_history_values:,} prices, got {n_rows:,} rows"
            f" of {n_assets:,} assets; send its last rows"
        )


def _line(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0][:200]
