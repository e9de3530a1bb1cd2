"""A table as it stands in a file: names above, cells beneath, nothing interpreted yet."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fingan.data.numbers import MISSING
from fingan.data.options import MAX_COLUMNS
from fingan.errors import PriceDataError

_LONGEST_NAME = 200
_SAMPLED = 50
_TUPLE_NAME = re.compile(r"""^\((['"])(?P<first>.*)\1, (['"])(?P<second>.*)\3\)$""")


@dataclass(frozen=True)
class RawTable:
    """Columns in file order.

    Args:
        header: Name of each column: one level, or two (field and asset, in either order); "" for
            a column without a name. None for a file without a header.
        cells: The cells, columns numbered from 0; text where the file is text.
        delimiter: The separator of a text file, None for typed tables.
        index_columns: Columns that the writer declared to be the index.
    """

    header: tuple[tuple[str, ...], ...] | None
    cells: pd.DataFrame
    delimiter: str | None = None
    index_columns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.cells.shape[1] > MAX_COLUMNS:
            raise PriceDataError(
                f"has {self.cells.shape[1]:,} columns; at most {MAX_COLUMNS:,} are read"
            )
        if self.cells.empty:
            raise PriceDataError("holds no rows; it must hold a date column and values")
        if self.header is not None:
            _check_names(self.header)

    @property
    def is_text(self) -> bool:
        """True where the cells are text of a delimited file."""
        return self.delimiter is not None

    def sample(self, position: int) -> list[str]:
        """Up to 50 cells of a column, spread over those that hold something."""
        cells = self.cells[position]
        cells = cells[(cells != "") & cells.notna()]
        if cells.empty:
            return []
        spots = np.unique(np.linspace(0, len(cells) - 1, _SAMPLED).astype(int))
        return [str(cell).strip() for cell in cells.iloc[spots]]

    def holds(self, position: int, is_such: Callable[[str], bool]) -> bool:
        """True if most cells of a column are such."""
        cells = self.sample(position)
        return sum(map(is_such, cells)) > len(cells) / 2

    def has_data(self, position: int) -> bool:
        """True if a column holds anything but signs for *missing*."""
        cells = self.cells[position]
        if not self.is_text:
            return bool(cells.notna().any())
        return not cells.str.strip().str.lower().isin(MISSING).all()


def as_label(name: object) -> tuple[str, ...]:
    """The levels of a column name: a tuple, or the text that pandas makes of one in Parquet."""
    if isinstance(name, tuple):
        return tuple(_clean(part) for part in name)
    text = _clean(name)
    if match := _TUPLE_NAME.match(text):
        return match["first"].strip(), match["second"].strip()
    return (text,)


def table_of_frame(frame: pd.DataFrame) -> RawTable:
    """The columns of a DataFrame, its index first unless that only counts rows."""
    columns = [frame.iloc[:, position] for position in range(frame.shape[1])]
    labels = [as_label(name) for name in frame.columns]
    levels = [] if _only_counts(frame.index) else list(range(frame.index.nlevels))
    index = [frame.index.get_level_values(level).to_series(index=frame.index) for level in levels]
    names = [as_label(frame.index.names[level] or "date") for level in levels]
    everything = [column.reset_index(drop=True) for column in index + columns]
    cells = pd.concat(everything, axis=1) if everything else pd.DataFrame()
    cells.columns = pd.RangeIndex(cells.shape[1])
    return RawTable(tuple(names + labels), cells, index_columns=tuple(levels))


def _only_counts(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.name is None


def _clean(name: object) -> str:
    text = "" if name is None or name != name else str(name).strip()
    return "" if re.fullmatch(r"Unnamed: \d+(_level_\d+)?|__index_level_\d+__", text) else text


def _check_names(header: tuple[tuple[str, ...], ...]) -> None:
    seen: set[tuple[str, ...]] = set()
    for label in header:
        name = ", ".join(label)
        if not name.isprintable() or len(name) > _LONGEST_NAME:
            raise PriceDataError(
                f"column names must be printable and at most {_LONGEST_NAME} characters,"
                f" got {name[:40]!r}; rename the column"
            )
        if label in seen and any(label):
            raise PriceDataError(f"column {name!r} appears twice; rename or remove one of them")
        seen.add(label)
