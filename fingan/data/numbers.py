"""Numbers as people and vendors write them: 63,622.8, 86,05,75,000, 141.264 or 60.58K.

What a full stop and a comma mean is settled by the whole file. Where the file leaves it open, the
reader refuses: 1.234 is either one and a bit or one thousand two hundred and thirty-four.
"""

import re
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fingan.errors import PriceDataError

Notation = Literal["point", "comma"]  # the decimal sign; the other one groups thousands

MISSING = (
    *("", ".", "-", "--", "null", "nan", "na", "n/a", "none", "nat"),
    *("#n/a", "#n/a n/a", "<na>"),
)
"""Cells that mean *not observed* in a column of values, in any case."""

_PLAIN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NUMERIC = r"^[+-]?[$€£]?[0-9][0-9.,]*([KMBTkmbt]|%)?$"
_GROUPED_BY_COMMA = r"^[+-]?[$€£]?[1-9][0-9]{0,2}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]+)?$"
_GROUPED_BY_POINT = r"^[+-]?[$€£]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?$"
_POINT_IS_DECIMAL = (
    r"(,[0-9]+\.[0-9])"  # 63,622.8
    r"|(^[^.]*\.([0-9]{0,2}|[0-9]{4,})([^0-9.]|$))"  # 60.58K, 264.5000
    r"|(^[^.,]*[0-9]{4,}\.[0-9]+([^0-9.]|$))"  # 2039.700
    r"|(^[^.1-9]*0\.)"  # 0.853
    r"|(,[0-9]{2,3},[0-9]{3}($|[^0-9]))"  # 86,05,75,000
)
_COMMA_IS_DECIMAL = (
    r"(\.[0-9]+,[0-9])"  # 1.234,5
    r"|(^[^,]*,([0-9]{0,2}|[0-9]{4,})([^0-9,]|$))"  # 4,10B
    r"|(^[^.,]*[0-9]{4,},[0-9]+([^0-9,]|$))"  # 2039,700
    r"|(^[^,1-9]*0,)"  # 0,853
    r"|(\.[0-9]{3}\.[0-9]{3}($|[^0-9]))"  # 1.234.567
)
_UNITS = {"k": "e3", "m": "e6", "b": "e9", "t": "e12"}


def looks_like_number(cell: str) -> bool:
    """True for a cell that is a number in some notation, or is missing in a typical way."""
    return cell.lower() in MISSING or bool(re.match(_NUMERIC, cell) or re.match(_PLAIN, cell))


def as_text(cells: pd.Series) -> pa.Array:
    """The cells of a text or object column as trimmed text; None where missing."""
    if cells.dtype == object or not pd.api.types.is_string_dtype(cells.dtype):
        cells = cells.astype(object)
        spelled = [
            None if is_null else str(cell)
            for cell, is_null in zip(cells, cells.isna(), strict=True)
        ]
        cells = pd.Series(spelled, dtype="str")
    text = pc.utf8_trim_whitespace(pa.array(cells, type=pa.string(), from_pandas=True))
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    is_missing = pc.is_in(pc.utf8_lower(text), value_set=pa.array(MISSING))
    return pc.if_else(pc.fill_null(is_missing, True), None, text)


def is_plain(text: pa.Array) -> bool:
    """True if every cell is an ordinary number with a decimal point, or missing."""
    return bool(pc.all(pc.match_substring_regex(text, _PLAIN), min_count=0).as_py() is not False)


def find_notation(columns: list[pa.Array], delimiter: str | None) -> Notation | None:
    """The decimal sign that the cells prove; None if they leave it open.

    Raises:
        PriceDataError: If some cells prove the one sign and some the other.
    """
    point, comma = None, None
    for text in columns:
        numeric = text.filter(pc.fill_null(pc.match_substring_regex(text, _NUMERIC), False))
        point = point or _first(numeric, _POINT_IS_DECIMAL)
        comma = comma or _first(numeric, _COMMA_IS_DECIMAL)
    if point and comma:
        raise PriceDataError(
            f"numbers must share one decimal sign, got {point!r} and {comma!r};"
            " pass the decimal sign (decimal) or write the file again"
        )
    if comma:
        return "comma"
    return "point" if point or delimiter != ";" else None


def _first(text: pa.Array, pattern: str) -> str | None:
    found = text.filter(pc.match_substring_regex(text, pattern))
    return found[0].as_py() if len(found) else None


def is_ambiguous(text: pa.Array) -> bool:
    """True if a cell reads as a number under either decimal sign, with different values."""
    groups = pc.or_(
        pc.match_substring_regex(text, _GROUPED_BY_POINT),
        pc.match_substring_regex(text, _GROUPED_BY_COMMA),
    )
    return bool(pc.any(groups, min_count=0).as_py())


def parse_numbers(
    text: pa.Array, notation: Notation, *, units: bool = False, percent: bool = False
) -> np.ndarray:
    """Float64 values; NaN where missing; NaN as well where a cell is no number (see below).

    Args:
        text: Cells from ``as_text``.
        notation: The decimal sign of the file.
        units: Accept K, M, B, T behind the number: volumes only.
        percent: Accept % behind the number and divide by 100: returns only.

    Returns:
        The values. A cell that is present but yields NaN is no number: the caller names it.
    """
    text = pc.replace_substring_regex(text, r"^\+?(-?)[$€£]?", r"\1")
    in_percent = pc.fill_null(pc.ends_with(text, "%"), False).to_numpy(zero_copy_only=False)
    if percent:
        text = pc.replace_substring_regex(text, " ?%$", "")
    if notation == "point":
        grouped = pc.match_substring_regex(text, _GROUPED_BY_COMMA)
        text = pc.if_else(grouped, pc.replace_substring(text, ",", ""), text)
    else:
        grouped = pc.match_substring_regex(text, _GROUPED_BY_POINT)
        text = pc.if_else(grouped, pc.replace_substring(text, ".", ""), text)
        with_point = pc.replace_substring(text, ",", ".", max_replacements=1)
        text = pc.if_else(pc.match_substring(text, "."), "?", with_point)
    if units:
        for unit, power in _UNITS.items():
            text = pc.replace_substring_regex(text, f"(?i){unit}$", power)
    plain = pc.match_substring_regex(text, _PLAIN)
    numbers = pc.if_else(plain, text, None).cast(pa.float64())
    values = np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
    return np.where(in_percent, values / 100, values) if percent else values
