"""From a price file to a checked table: dates by assets, NaN where nothing was observed.

Every defect is either refused in one sentence that names the asset, the date and the mend, or
handled by a rule that the report states. Nothing is filled, nothing is guessed silently.
"""

import os
from typing import Unpack

import pandas as pd

from fingan.data.catalogue import is_bundled, load_bundled
from fingan.data.delimited import read_delimited
from fingan.data.files import source_format, source_stem
from fingan.data.layouts import recognise
from fingan.data.notes import Notes
from fingan.data.observations import observe
from fingan.data.options import Kind, Layout, ReadKeywords, ReadOptions, check_options
from fingan.data.panel import build_panel
from fingan.data.parquet import read_parquet
from fingan.data.quality import DataReport, build_report
from fingan.data.tables import RawTable, table_of_frame
from fingan.data.values import check_values, trim
from fingan.errors import PriceDataError

Source = str | os.PathLike[str] | pd.DataFrame


def read_prices(source: Source, **options: Unpack[ReadKeywords]) -> pd.DataFrame:
    """Read a price file, a URL, bundled data or a DataFrame into a checked table.

    Args:
        source: CSV (also .gz, .zip) or Parquet, local or any fsspec URL; "sp500-20" or
            "sp500-index" for the bundled data; or a DataFrame, checked in the same way.
        **options: What is not left to detection.
            layout: "wide", "long" or "ohlcv".
            kind: "price" (default), "simple_return", "log_return" or "level".
            column: Name of the column of values; one asset of a wide table.
            asset: Name of the only asset; default: what the file says, else the file's name.
            date_order: "dmy", "mdy" or "ymd" where the dates leave it open.
            decimal: "." or "," where the numbers leave it open.
            scale: Factor on every value, for example 0.01 for returns in percent.
            duplicates: "refuse" (default), or keep the "first" or "last" of two values.
            allow_negative: Accept prices of zero and below, as levels.
            max_bytes: Largest file, and largest text after unpacking.

    Returns:
        Float64 prices, DatetimeIndex ``date`` sorted and unique (days, or UTC times), one str
        column per asset, NaN where not observed. ``attrs`` holds ``kind`` and ``source``.

    Raises:
        PriceDataError: If the source cannot be read or trusted; the message names the mend.
        ValueError: If an option is not one of its choices.
    """
    return _read(source, check_options(options), Notes())[0]


def inspect_prices(
    source: Source, **options: Unpack[ReadKeywords]
) -> tuple[pd.DataFrame, DataReport]:
    """As ``read_prices``, with the report of what was found and done.

    Args:
        source: As in ``read_prices``.
        **options: As in ``read_prices``.

    Raises:
        PriceDataError: As in ``read_prices``.
    """
    notes = Notes()
    prices, layout = _read(source, check_options(options), notes)
    return prices, build_report(prices, layout, notes)


def _read(source: Source, options: ReadOptions, notes: Notes) -> tuple[pd.DataFrame, Layout]:
    typed = _source_name(source)
    try:
        table = _open(source, options, notes)
        columns = recognise(table, source_stem(typed), options, notes)
        kind = _settle_kind(source, options, notes)
        rows = observe(table, columns, options, kind, notes)
        prices = trim(build_panel(rows, options.duplicates, notes), notes)
        check_values(prices, kind, notes)
    except PriceDataError as error:
        raise PriceDataError(f"{typed}: {error}") from None
    prices.attrs = {"kind": kind, "source": typed}
    return prices, columns.layout


def _source_name(source: Source) -> str:
    if isinstance(source, pd.DataFrame):
        return str(source.attrs.get("source", "DataFrame"))
    return os.fspath(source) or "''"


def _open(source: Source, options: ReadOptions, notes: Notes) -> RawTable:
    if isinstance(source, pd.DataFrame):
        return table_of_frame(source)
    name = os.fspath(source)
    if is_bundled(name):
        return table_of_frame(load_bundled(name))
    match source_format(name):
        case "parquet":
            return read_parquet(name, options.max_bytes)
        case "text":
            return read_delimited(name, options.max_bytes, notes)


def _settle_kind(source: Source, options: ReadOptions, notes: Notes) -> Kind:
    inherited = source.attrs.get("kind") if isinstance(source, pd.DataFrame) else None
    kind: Kind = options.kind or inherited or "price"
    if kind == "price" and options.allow_negative:
        notes.add_rule("prices_as_levels", "prices may be negative: kind is level (differences)", 1)
        return "level"
    return kind
