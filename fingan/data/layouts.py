"""Which column is the date, which the asset, which the value: by name, form and content."""

import re
from dataclasses import dataclass

import pandas as pd

from fingan.data.dates import looks_like_date, looks_like_epoch, looks_like_time
from fingan.data.field_names import (
    ADJUSTED_NAMES,
    CLOSE_NAMES,
    DATE_NAMES,
    EPOCH_NAMES,
    SYMBOL_NAMES,
    TEXT_SYMBOL_NAMES,
    TIME_NAMES,
    is_field,
    plain_name,
)
from fingan.data.notes import Notes
from fingan.data.numbers import looks_like_number
from fingan.data.options import Layout, ReadOptions
from fingan.data.tables import RawTable
from fingan.data.value_columns import (
    bar_fields,
    order_of_bar,
    pick_two_level,
    pick_value,
    pick_wide,
)
from fingan.errors import PriceDataError


@dataclass(frozen=True)
class Columns:
    """Where things stand in a table, by column position.

    Args:
        layout: The form of the table.
        date: The column of dates.
        time: A second column with the times of day, if any.
        epoch: A second column that says the same time as a number, if any.
        symbol: The column of assets in the long layout.
        values: Column of values and name of its asset; in the long layout one, without a name.
        fields: Open, high, low of the only asset, where the file has them.
    """

    layout: Layout
    date: int
    time: int | None
    epoch: int | None
    symbol: int | None
    values: tuple[tuple[int, str], ...]
    fields: dict[str, int]


def recognise(table: RawTable, stem: str, options: ReadOptions, notes: Notes) -> Columns:
    """Find the columns of a table.

    Args:
        table: The table as it stands in the file.
        stem: Name of the asset where neither file nor user gives one.
        options: What the user states.
        notes: Receives what was chosen and why.

    Raises:
        PriceDataError: If a needed column is absent or cannot be told from others.
    """
    if table.header is None:
        return _recognise_headerless(table, stem, options, notes)
    date = _find_date(table)
    names = {position: label for position, label in enumerate(table.header) if position != date}
    time = _find(names, TIME_NAMES) if not _has_clock(table, date) else None
    time = time if time is not None and table.holds(time, looks_like_time) else None
    epoch = _find(names, EPOCH_NAMES)
    epoch = epoch if epoch is not None and table.holds(epoch, looks_like_epoch) else None
    _drop_row_numbers(table, names, notes)
    for position in (time, epoch):
        names.pop(position, None) if position is not None else None
    if any(len(label) == 2 for label in names.values()):
        values = pick_two_level(table, names, options, notes)
        return Columns("ohlcv", date, time, epoch, None, values, {})
    flat = {position: label[0] for position, label in names.items()}
    symbol = _find_symbol(table, flat)
    layout = options.layout or _detect_layout(flat, symbol)
    match layout:
        case "long":
            if symbol is None:
                raise PriceDataError("the long layout needs a column of assets named symbol")
            flat.pop(symbol)
            value = pick_value(table, flat, options, notes)
            return Columns("long", date, time, epoch, symbol, ((value, ""),), {})
        case "ohlcv":
            value = pick_value(table, flat, options, notes)
            name = options.asset or stem
            return Columns(
                "ohlcv", date, time, epoch, None, ((value, name),), bar_fields(flat, value)
            )
        case "wide":
            return Columns("wide", date, time, epoch, None, pick_wide(flat, options), {})


def _find(names: dict[int, tuple[str, ...]], wanted: tuple[str, ...]) -> int | None:
    plain = {plain_name(label[0]): position for position, label in reversed(names.items())}
    return next((plain[name] for name in wanted if name in plain), None)


def _is_dates(table: RawTable, position: int) -> bool:
    if pd.api.types.is_datetime64_any_dtype(table.cells[position].dtype):
        return True
    return table.holds(position, looks_like_date)


def _find_date(table: RawTable) -> int:
    header = table.header
    assert header is not None
    names = dict(enumerate(header))
    plain = {plain_name(label[0]): position for position, label in reversed(names.items())}
    named = [plain[name] for name in (*DATE_NAMES, *EPOCH_NAMES) if name in plain]
    unnamed = [position for position, label in enumerate(header) if not any(label)]
    for position in (*table.index_columns, *named, *unnamed, 0):
        if _is_dates(table, position):
            return position
    if named:
        cells = table.sample(named[0])
        raise PriceDataError(
            f"column {header[named[0]][0]!r} must hold dates, it starts with"
            f" {cells[0] if cells else 'nothing'!r}; write dates as YYYY-MM-DD"
        )
    shown = ", ".join(" ".join(label) for label in header[:4])
    raise PriceDataError(f"has no date column among {shown} ...; add a first column 'date'")


def _has_clock(table: RawTable, position: int) -> bool:
    return any(":" in cell for cell in table.sample(position)[:5])


def _drop_row_numbers(table: RawTable, names: dict[int, tuple[str, ...]], notes: Notes) -> None:
    """A column without a name must count the rows; it is then left out."""
    for position in [position for position, label in names.items() if not any(label)]:
        cells = table.sample(position)
        if cells and not all(re.fullmatch(r"[0-9]+(\.0)?", cell) for cell in cells):
            raise PriceDataError(
                f"column {position + 1} has no name and holds {cells[0]!r}; name or remove it"
            )
        notes.add_rule("row_numbers_dropped", "a nameless column that counts rows is left out", 1)
        del names[position]


def _find_symbol(table: RawTable, names: dict[int, str]) -> int | None:
    """The column of assets: by name and content, since RIC, COIN and CODE are tickers as well."""
    for position, name in names.items():
        plain = plain_name(name)
        if plain in SYMBOL_NAMES and (_is_codes(table, position) or _is_words(table, position)):
            return position
        if plain in TEXT_SYMBOL_NAMES and _is_words(table, position):
            return position
    return None


def _is_words(table: RawTable, position: int) -> bool:
    return not table.holds(position, looks_like_number) and table.has_data(position)


def _is_codes(table: RawTable, position: int) -> bool:
    return all(re.fullmatch(r"[0-9]+|[A-Za-z].*", cell) for cell in table.sample(position))


def _detect_layout(names: dict[int, str], symbol: int | None) -> Layout:
    if symbol is not None:
        return "long"
    plain = [plain_name(name) for name in names.values()]
    has_close = any(name in ADJUSTED_NAMES + CLOSE_NAMES for name in plain)
    n_fields = sum(map(is_field, names.values()))
    return "ohlcv" if has_close and 2 * n_fields > len(names) else "wide"


def _recognise_headerless(
    table: RawTable, stem: str, options: ReadOptions, notes: Notes
) -> Columns:
    """Date, perhaps time, then one bar of one asset: its order follows from high and low."""
    if not _is_dates(table, 0):
        raise PriceDataError(
            f"has neither a header nor dates, its first cell is {table.cells.iat[0, 0]!r};"
            " add a first line with names and a first column 'date'"
        )
    if options.layout in ("wide", "long"):
        raise PriceDataError(f"has no header, which the {options.layout} layout needs; add one")
    time = 1 if table.holds(1, looks_like_time) else None
    rest = list(range(1 if time is None else 2, table.cells.shape[1]))
    name = options.asset or stem
    if len(rest) == 1:
        return Columns("ohlcv", 0, time, None, None, ((rest[0], name),), {})
    fields = order_of_bar(table, rest)
    notes.add_rule(
        "headerless_bar",
        "no header: columns are " + ", ".join(sorted(fields, key=lambda field: fields[field])),
        1,
    )
    close = fields.pop("close")
    return Columns("ohlcv", 0, time, None, None, ((close, name),), fields)
