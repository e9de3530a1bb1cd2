"""What the values of a table must be, for each kind."""

import re

import numpy as np
import pandas as pd

from fingan.data.notes import Notes
from fingan.data.options import Kind
from fingan.data.panel import format_date
from fingan.errors import PriceDataError

_LEVEL_NAMES = re.compile(r"(?i)(^|[^a-z])(vix|dgs\d+|dff|sofr|tnx|tyx|yield)([^a-z]|$)")
_PERCENT_SPREAD = 0.5  # a standard deviation of returns no market has


def trim(prices: pd.DataFrame, notes: Notes) -> pd.DataFrame:
    """Leave out assets without any value, and empty rows before the first and after the last value.

    Raises:
        PriceDataError: If fewer than two dates with values remain.
    """
    observed = prices.notna().to_numpy()
    is_filled = np.asarray(observed.any(axis=0))
    notes.add_rule("empty_assets_dropped", "assets without any value", (~is_filled).sum())
    if not is_filled.all() and is_filled.any():
        empty = [str(prices.columns[int(place)]) for place in np.flatnonzero(~is_filled)]
        shown = ", ".join(map(repr, empty[:5])) + (" ..." if len(empty) > 5 else "")
        notes.warn(f"without any value and left out: {shown}")
    rows = np.flatnonzero(observed.any(axis=1))
    if len(rows) < 2:
        raise PriceDataError(f"must hold values on at least two dates, it holds {len(rows)}")
    kept = slice(rows[0], rows[-1] + 1)
    notes.add_rule(
        "empty_edges_dropped",
        "rows before the first and after the last value",
        len(prices) - (rows[-1] + 1 - rows[0]),
    )
    return prices.iloc[kept, np.flatnonzero(is_filled)]


def check_values(prices: pd.DataFrame, kind: Kind, notes: Notes) -> None:
    """Refuse values that the kind does not allow.

    Raises:
        PriceDataError: Names the asset, the first date, the count and the mend.
    """
    values = prices.to_numpy()
    _refuse(prices, np.isinf(values), "values must be finite; correct or empty the cell")
    match kind:
        case "price":
            _refuse(
                prices,
                values <= 0,
                "prices must be positive; leave the asset out, empty the cell, or read them as"
                " levels (kind 'level', differences) or returns (kind 'simple_return')",
            )
            _hint_levels(prices, notes)
        case "simple_return":
            _refuse(
                prices,
                values <= -1,
                "simple returns must lie above -1; if they are in percent pass scale 0.01",
            )
            _hint_percent(values, notes)
        case "log_return":
            _hint_percent(values, notes)
        case "level":
            pass


def _refuse(prices: pd.DataFrame, is_wrong: np.ndarray, rule: str) -> None:
    if not is_wrong.any():
        return
    values = prices.to_numpy()
    row = int(np.flatnonzero(is_wrong.any(axis=1))[0])
    column = int(np.flatnonzero(is_wrong[row])[0])
    n_cells, n_assets = int(is_wrong.sum()), int(is_wrong.any(axis=0).sum())
    among = f" of {n_assets:,} assets" if n_assets > 1 else ""
    raise PriceDataError(
        f"{prices.columns[column]!r} is {values[row, column]:.10g} on"
        f" {format_date(prices.index[row].value)} (first of {n_cells:,} cells{among}); {rule}"
    )


def _hint_levels(prices: pd.DataFrame, notes: Notes) -> None:
    names = [str(name) for name in prices.columns if _LEVEL_NAMES.search(str(name))]
    if names:
        notes.warn(
            f"{names[0]!r} looks like a yield or a volatility index, read as a price;"
            " if so pass kind 'level'"
        )
    whole = prices.to_numpy()
    whole = whole[~np.isnan(whole)]
    if prices.shape[1] == 1 and whole.min() >= 1000 and (whole % 100 == 0).mean() > 0.5:
        notes.warn(
            "prices are whole hundreds for the most part: they may be in ten-thousandths;"
            " if so pass scale 0.0001 (returns do not change)"
        )


def _hint_percent(values: np.ndarray, notes: Notes) -> None:
    with np.errstate(over="ignore"):
        spread = np.nanstd(values)
    if spread > _PERCENT_SPREAD:
        notes.warn("returns look like percent; if so pass scale 0.01")
