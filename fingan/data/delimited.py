"""Delimited text: separator, header and rows; every cell stays the text it is."""

import csv
import io
import re

import pandas as pd

from fingan.data.dates import looks_like_date, looks_like_time
from fingan.data.files import read_text_bytes
from fingan.data.notes import Notes
from fingan.data.numbers import looks_like_number
from fingan.data.options import MAX_COLUMNS
from fingan.data.tables import RawTable, as_label
from fingan.errors import PriceDataError

_SAMPLE_BYTES = 4 * 1024**2
_SAMPLE_LINES = 20
_CORNER_NAMES = {"date", "datetime", "timestamp", "index"}


def read_delimited(source: str, max_bytes: int, notes: Notes) -> RawTable:
    """The columns of a delimited text file.

    Raises:
        PriceDataError: If it is no text, has no rows, or its rows are wider than its header.
    """
    content = _decode(read_text_bytes(source, max_bytes))
    lines = _sample(content)
    delimiter = find_delimiter(lines)
    rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    if len(rows[0]) > MAX_COLUMNS:
        raise PriceDataError(f"has {len(rows[0]):,} columns; at most {MAX_COLUMNS:,} are read")
    if len(rows[0]) < 2:
        raise PriceDataError(
            "has a single column; it must hold a date column and values, separated by , ; or tab"
        )
    cells = _parse(content, delimiter)
    header, n_header = _split_header(rows)
    n_short = _count_short_rows(content, delimiter, cells.shape[1])
    notes.add_rule("short_rows", "rows shorter than the header: the rest is missing", n_short)
    body = cells.iloc[n_header:].reset_index(drop=True)
    return RawTable(header, body, delimiter)


def _decode(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise PriceDataError("is not UTF-8 text; save it as CSV in UTF-8") from None
    if "\x00" in text:
        raise PriceDataError("holds zero bytes, so it is no text; save it as CSV in UTF-8")
    if not text.strip():
        raise PriceDataError("is empty; it must hold a date column and values")
    return text


def _sample(text: str) -> list[str]:
    start = text[:_SAMPLE_BYTES]
    lines = [line for line in start.splitlines() if line.strip()]
    if len(lines) < 2 and len(text) > _SAMPLE_BYTES:
        raise PriceDataError(f"its first line is longer than {_SAMPLE_BYTES:,} characters")
    return lines[:_SAMPLE_LINES]


def find_delimiter(lines: list[str]) -> str:
    """The separator: one of ; tab | that splits every line alike, else the comma."""
    for delimiter in (";", "\t", "|"):
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        if min(widths) > 1:
            return delimiter
    return ","


def _parse(text: str, delimiter: str) -> pd.DataFrame:
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            header=None,
            dtype=str,
            keep_default_na=False,
            na_filter=True,
            na_values=[],
            skipinitialspace=True,
            engine="c",
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        raise PriceDataError(_explain(str(error))) from None


def _count_short_rows(text: str, delimiter: str, n_columns: int) -> int:
    """Lines with fewer cells than the header; not counted where cells are quoted."""
    if '"' in text:
        return 0
    return sum(line.count(delimiter) < n_columns - 1 for line in io.StringIO(text) if line.strip())


def _explain(error: str) -> str:
    if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", error):
        expected, line, seen = match.groups()
        return (
            f"line {line} has {seen} cells and the first line {expected}; give every column a name"
            " and remove text above the header"
        )
    return "has an opening quotation mark that is never closed; correct the quoting"


def _split_header(rows: list[list[str]]) -> tuple[tuple[tuple[str, ...], ...] | None, int]:
    """The names and how many lines they take: none, one, two or (yfinance) three."""
    rows = [[cell.strip() for cell in row] for row in rows]
    if is_data(rows[0]):
        return None, 0
    for depth in (1, 2):
        if len(rows) > depth and _is_index_line(rows[depth]):
            return _stack(rows[:depth]), depth + 1
    return tuple(as_label(name) for name in rows[0]), 1


def is_data(row: list[str]) -> bool:
    """True for a line of values: it starts with a date, or holds nothing but numbers."""
    if looks_like_date(row[0]) and any(map(looks_like_number, row[1:])):
        return True
    return bool(row[0]) and all(looks_like_number(cell) or looks_like_time(cell) for cell in row)


def _is_index_line(row: list[str]) -> bool:
    return row[0].lower() in _CORNER_NAMES and not any(row[1:])


def _stack(rows: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    width = len(rows[0])
    padded = [row + [""] * (width - len(row)) for row in rows]
    names = list(zip(*padded, strict=True))
    return (("date",), *(tuple(name) for name in names[1:]))
