"""The price file that a command names, read with the options that it was given."""

import pandas as pd

from fingan.data.options import ReadKeywords, check_options
from fingan.data.prices import inspect_prices, read_prices
from fingan.data.quality import DataReport
from fingan.errors import RequestError


def read_table(source: str, reading: ReadKeywords) -> pd.DataFrame:
    """The checked price table."""
    _check(reading)
    return read_prices(source, **reading)


def read_report(source: str, reading: ReadKeywords) -> DataReport:
    """The report on a price table."""
    _check(reading)
    return inspect_prices(source, **reading)[1]


def _check(reading: ReadKeywords) -> None:
    """Refuse options that contradict each other as the caller's mistake."""
    try:
        check_options(reading)
    except ValueError as contradiction:
        raise RequestError(str(contradiction)) from None
