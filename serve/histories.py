"""The prices that a question continues: sent with it, known by name, or the model's own tail."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fingan.data.catalogue import BUNDLED
from fingan.data.prices import read_prices
from fingan.data.quality import data_digest
from fingan.data.returns import log_returns
from fingan.errors import PriceDataError, RequestError
from serve.arrow_bodies import check_size, kind_in, table_in
from serve.cache import Cache
from serve.schemas import HistoryColumns
from serve.settings import Limits

LARGEST_MOVE = 10.0  # log-return of a step: a factor of 22,000
LARGEST_CHANGE = 1e9  # of a level in a step


@dataclass(frozen=True)
class History:
    """A checked price table and its digest."""

    prices: pd.DataFrame
    digest: str

    @classmethod
    def of(cls, prices: pd.DataFrame) -> "History":
        """A table with its digest."""
        return cls(prices, data_digest(prices))

    @property
    def key(self) -> str:
        """What tells it from every other history: the same numbers may be prices or returns."""
        return f"{self.prices.attrs.get('kind', 'price')} {self.digest}"


@dataclass
class PriceSources:
    """Price files by the name that a request may use, read once.

    Args:
        places: File or URL by name; the bundled data need no entry.
    """

    places: Mapping[str, str]
    _read: Cache[str, History] = field(default_factory=lambda: Cache(sys.maxsize))

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
        place = self.places.get(name, name)
        return self._read.computed(name, lambda: History.of(read_prices(place)), 0)

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
    check_size(n_rows, len(columns.prices), limits)
    for asset, values in columns.prices.items():
        if len(values) != n_rows:
            raise RequestError(
                f"history: each asset must have one number a date, got {len(values)} of '{asset}'"
                f" for {n_rows} dates"
            )
    index = pd.Index(columns.dates, name="date")
    table = pd.DataFrame(dict(columns.prices), index=index, dtype="float64")
    return _checked(read_prices(table.reset_index(), kind=columns.kind))


def sent_table(body: bytes, limits: Limits) -> History:
    """A history that was sent as an Arrow stream: first column the date, one column per asset.

    Raises:
        RequestError: If it is no such stream, too large, or of an unknown kind.
        PriceDataError: If its prices cannot be trusted.
    """
    return _checked(read_prices(table_in(body, limits), kind=kind_in(body)))


def shown(prices: pd.DataFrame, n_rows: int) -> dict[str, Any]:
    """The last rows of a table as JSON columns."""
    tail = prices.iloc[-n_rows:]
    dates = pd.DatetimeIndex(tail.index)
    is_daily = bool((dates == dates.normalize()).all())
    form = "%Y-%m-%d" if is_daily else "%Y-%m-%dT%H:%M:%S"
    columns = {str(asset): _numbers(tail[asset]) for asset in tail.columns}
    return {"dates": [f"{date:{form}}" for date in dates], "prices": columns}


def _checked(prices: pd.DataFrame) -> History:
    """A history whose moves leave every figure that is made of them a number."""
    filled = prices.ffill()
    filled.attrs = dict(prices.attrs)
    table = log_returns(filled)
    most = LARGEST_CHANGE if table.kind == "level" else LARGEST_MOVE
    wrong = (table.values.abs() > most).nonzero().tolist()
    if wrong:
        row, column = wrong[0]
        raise PriceDataError(
            f"history: '{table.assets[column]}' moves by {float(table.values[row, column]):.3g} on"
            f" {table.dates[row]:%Y-%m-%d} (first of {len(wrong)}); a step must be within"
            f" -{most:g} and {most:g}, as {'a difference' if table.kind == 'level' else 'a log'}"
        )
    return History.of(prices)


def _numbers(prices: pd.Series) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in prices]
