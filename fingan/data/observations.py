"""From cells to dates, assets and values: each cell is a value, is missing, or is refused."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fingan.data.dates import ParsedDates, epoch_nanoseconds, is_time_of_day, parse_dates
from fingan.data.field_names import is_volume
from fingan.data.layouts import Columns
from fingan.data.notes import Notes
from fingan.data.numbers import (
    Notation,
    as_text,
    find_notation,
    is_ambiguous,
    is_plain,
    parse_numbers,
)
from fingan.data.options import MAX_CELLS, Kind, ReadOptions
from fingan.data.panel import Observations, format_date, settle_times
from fingan.data.tables import RawTable
from fingan.errors import PriceDataError


def observe(
    table: RawTable, columns: Columns, options: ReadOptions, kind: Kind, notes: Notes
) -> Observations:
    """Dates, assets and values of every row that has a date."""
    if len(table.cells) * len(columns.values) > MAX_CELLS:
        raise PriceDataError(
            f"has {len(table.cells):,} rows of {len(columns.values):,} assets; at most"
            f" {MAX_CELLS:,} cells are read"
        )
    table = _drop_rows_without_date(table, columns, notes)
    groups, assets = _assets(table, columns)
    parsed = _dates(table, columns, options, groups, notes)
    dates = settle_times(parsed, groups, notes)
    notation = _notation(table, columns, options)
    values = np.column_stack(
        [_values(table, position, name, dates, notation, kind) for position, name in columns.values]
    )
    _check_bars(table, columns, values, dates, notation, notes)
    notes.add_rule("scaled", f"values are multiplied by {options.scale:g}", options.scale != 1.0)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused as infinite
        scaled = values * options.scale
    return Observations(dates, groups, scaled, assets)


def _is_typed_date(cells: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(cells.dtype)


def _drop_rows_without_date(table: RawTable, columns: Columns, notes: Notes) -> RawTable:
    """Leave out empty rows and the running session, whose date cell holds a time of day."""
    cells = table.cells[columns.date]
    if _is_typed_date(cells):
        is_blank, is_snapshot = cells.isna().to_numpy(), np.zeros(len(cells), bool)
    else:
        text = as_text(cells)
        is_blank = np.asarray(text.is_null())
        is_snapshot = is_time_of_day(text)
    if not (is_blank.any() or is_snapshot.any()):
        return table
    others = table.cells.loc[is_blank].drop(columns=columns.date)
    is_empty = (others.isna() | (others == "")).all(axis=1)
    if not is_empty.all():
        row = int(is_empty.index[~is_empty][0])
        raise PriceDataError(f"row {row + 1} has values and no date; add the date or remove it")
    notes.add_rule("empty_rows_dropped", "rows without date and values", is_blank.sum())
    notes.add_rule(
        "snapshot_rows_dropped",
        "rows with a time of day instead of a date: an unfinished session",
        is_snapshot.sum(),
    )
    kept = table.cells.loc[~(is_blank | is_snapshot)].reset_index(drop=True)
    return RawTable(table.header, kept, table.delimiter, table.index_columns)


def _assets(table: RawTable, columns: Columns) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number of the asset of each row, and the names, in order of appearance."""
    if columns.symbol is None:
        names = tuple(name for _, name in columns.values)
        _check_assets(names)
        return np.zeros(len(table.cells), np.int64), names
    cells = table.cells[columns.symbol]
    codes, symbols = pd.factorize(cells.astype(str).str.strip().where(cells.notna()))
    missing = (codes < 0) | np.isin(codes, np.flatnonzero(symbols == ""))
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise PriceDataError(f"row {row + 1} names no asset; every row of the long layout must")
    names = tuple(map(str, symbols))
    _check_assets(names)
    return np.asarray(codes, np.int64), names


def _check_assets(names: tuple[str, ...]) -> None:
    for name in names:
        if not name or not name.isprintable() or len(name) > 200:
            raise PriceDataError(
                f"names of assets must be printable, 1 to 200 characters, got {name[:40]!r}"
            )


def _dates(
    table: RawTable, columns: Columns, options: ReadOptions, groups: np.ndarray, notes: Notes
) -> ParsedDates:
    cells = table.cells[columns.date]
    if _is_typed_date(cells):
        return _typed_dates(cells)
    text = as_text(cells)
    if columns.time is not None:
        text = pc.binary_join_element_wise(text, as_text(table.cells[columns.time]), " ")
    parsed = parse_dates(text, options.date_order, groups, notes)
    if not parsed.is_valid.all():
        rows = np.flatnonzero(~parsed.is_valid)
        raise PriceDataError(
            f"row {rows[0] + 1} has {text[int(rows[0])].as_py()!r} for a date (first of"
            f" {len(rows):,} rows); dates must be days between 1678 and 2261, best as YYYY-MM-DD"
        )
    if columns.epoch is not None:
        _compare_epochs(as_text(table.cells[columns.epoch]), parsed, notes)
    return parsed


def _typed_dates(cells: pd.Series) -> ParsedDates:
    index = pd.DatetimeIndex(cells)
    local = index.tz_localize(None).as_unit("ns").asi8
    offset = None
    if index.tz is not None:
        offset = local - index.tz_convert("UTC").as_unit("ns").asi8
    return ParsedDates(local, offset, np.ones(len(local), bool))


def _compare_epochs(text: pa.Array, parsed: ParsedDates, notes: Notes) -> None:
    """Warn where a second column of times, as numbers, says something else."""
    epochs = epoch_nanoseconds(pc.fill_null(text, ""))
    stamps = parsed.local - (0 if parsed.offset is None else parsed.offset)
    differs = (epochs >= 0) & (epochs != stamps)
    if differs.any():
        first = format_date(int(stamps[differs].min()))
        notes.warn(
            f"{int(differs.sum()):,} rows have a date and a numeric time that disagree (first on"
            f" {first}); the date is used"
        )


def _notation(table: RawTable, columns: Columns, options: ReadOptions) -> Notation:
    """The decimal sign: stated, or proved by the cells of all columns of numbers."""
    if options.decimal is not None:
        return "point" if options.decimal == "." else "comma"
    if not table.is_text:
        return "point"
    read = [as_text(table.cells[position]) for position, _ in columns.values]
    if table.delimiter != ";" and all(map(is_plain, read)):
        return "point"
    others = set(table.cells.columns) - {columns.date, columns.time, columns.symbol}
    texts = [as_text(table.cells[position]) for position in sorted(others)]
    notation = find_notation(texts, table.delimiter)
    if notation is None and any(map(is_ambiguous, read)):
        raise PriceDataError(
            "its numbers can be read with a decimal point and with a decimal comma throughout;"
            " pass the decimal sign (decimal)"
        )
    return notation or "point"


def _is_real(cells: pd.Series) -> bool:
    kinds = pd.api.types
    is_other = kinds.is_bool_dtype(cells.dtype) or kinds.is_complex_dtype(cells.dtype)
    return kinds.is_numeric_dtype(cells.dtype) and not is_other


def _values(
    table: RawTable,
    position: int,
    name: str,
    dates: np.ndarray,
    notation: Notation,
    kind: Kind,
) -> np.ndarray:
    cells = table.cells[position]
    if _is_real(cells):
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    text = as_text(cells)
    header = table.header[position][0] if table.header else ""
    is_return = kind in ("simple_return", "log_return")
    values = parse_numbers(text, notation, units=is_volume(header), percent=is_return)
    is_wrong = np.isnan(values) & ~np.asarray(text.is_null())
    if is_wrong.any():
        row = min(np.flatnonzero(is_wrong), key=lambda row: dates[row])
        label = f"{name!r}" if name else f"column {header!r}"
        raise PriceDataError(
            f"{label} is {text[int(row)].as_py()[:40]!r} on {format_date(dates[row])} (first of"
            f" {int(is_wrong.sum()):,} rows), which is no number; correct it, leave it empty, or"
            " name the column of values (column)"
        )
    return values


def _check_bars(
    table: RawTable,
    columns: Columns,
    values: np.ndarray,
    dates: np.ndarray,
    notation: Notation,
    notes: Notes,
) -> None:
    """Warn where a close lies outside the day's low and high."""
    if not {"high", "low"} <= columns.fields.keys():
        return
    high, low = (
        pd.to_numeric(table.cells[columns.fields[field]], errors="coerce").to_numpy(np.float64)
        if not table.is_text
        else parse_numbers(as_text(table.cells[columns.fields[field]]), notation)
        for field in ("high", "low")
    )
    close = values[:, 0]
    outside = (close > high * (1 + 1e-9)) | (close < low * (1 - 1e-9))
    if outside.any():
        first = format_date(int(dates[outside].min()))
        n_rows = int(outside.sum())
        notes.warn(f"the close lies outside low and high in {n_rows:,} rows (first {first})")
