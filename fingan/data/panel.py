"""Dates by assets: times settled, rows sorted, duplicates resolved by stated rules."""

from dataclasses import dataclass
from typing import SupportsInt

import numpy as np
import pandas as pd

from fingan.data.dates import ParsedDates
from fingan.data.notes import Notes
from fingan.data.options import MAX_CELLS, MAX_COLUMNS, Duplicates
from fingan.errors import PriceDataError

_DAY_NS = 86_400_000_000_000
_DAILY_SHARE = 0.8  # of all stamps: at least so many distinct days make a table of days


@dataclass(frozen=True)
class Observations:
    """Rows as they stand: one date and the values of one asset (long) or of all (wide).

    Args:
        dates: Nanoseconds since 1970.
        groups: Asset of each row in the long layout; zeros otherwise.
        values: Rows by values, float64, NaN where not observed.
        assets: Names, by group number in the long layout, else by column.
    """

    dates: np.ndarray
    groups: np.ndarray
    values: np.ndarray
    assets: tuple[str, ...]


def format_date(nanoseconds: SupportsInt) -> str:
    """2020-03-16, or 2020-03-16 09:30:00 where there is a time of day."""
    stamp = pd.Timestamp(int(nanoseconds))
    return str(stamp.date()) if stamp == stamp.normalize() else str(stamp)


def settle_times(parsed: ParsedDates, groups: np.ndarray, notes: Notes) -> np.ndarray:
    """Days without time for a table of days (on the clock of the file); UTC times otherwise."""
    days = parsed.local // _DAY_NS * _DAY_NS
    if _are_days(parsed.local, days, groups):
        has_time = bool((days != parsed.local).any())
        notes.add_rule(
            "times_dropped",
            "one row a day: the local date is kept, times of day are dropped",
            len(days) if has_time else 0,
        )
        return days
    if parsed.offset is None:
        notes.add_rule("times_as_given", "times without a UTC offset are kept as given", len(days))
        return parsed.local
    notes.add_rule("times_to_utc", "times with a UTC offset are turned into UTC", len(days))
    return np.asarray(parsed.local - parsed.offset)


def _are_days(stamps: np.ndarray, days: np.ndarray, groups: np.ndarray) -> bool:
    if np.array_equal(stamps, days):
        return True
    frame = pd.DataFrame({"group": groups, "stamp": stamps, "day": days})
    n_stamps = len(frame.drop_duplicates(["group", "stamp"]))
    n_days = len(frame.drop_duplicates(["group", "day"]))
    return n_days > _DAILY_SHARE * n_stamps


def build_panel(rows: Observations, duplicates: Duplicates, notes: Notes) -> pd.DataFrame:
    """The table of dates by assets: sorted, one row per date.

    Raises:
        PriceDataError: If one date and asset has two different values and no rule is chosen.
    """
    rows = _resolve(_sort(rows, notes), duplicates, notes)
    is_long = rows.values.shape[1] == 1 and len(rows.assets) > 1
    dates, values = _spread(rows) if is_long else (rows.dates, rows.values)
    index = pd.DatetimeIndex(dates.astype("M8[ns]"), name="date")
    columns = pd.Index(rows.assets, dtype="str")
    return pd.DataFrame(values, index=index, columns=columns, copy=False)


def _sort(rows: Observations, notes: Notes) -> Observations:
    steps = np.diff(rows.dates)[rows.groups[1:] == rows.groups[:-1]]
    if len(steps) and (steps <= 0).all():
        notes.add_rule("newest_first", "the file runs backwards: turned round", len(rows.dates))
    else:
        notes.add_rule(
            "sorted", "rows out of order are sorted by date; count of places", (steps < 0).sum()
        )
    if (np.diff(rows.dates) >= 0).all() and not rows.groups.any():
        return rows
    order = np.lexsort((rows.dates, rows.groups))
    return Observations(rows.dates[order], rows.groups[order], rows.values[order], rows.assets)


def _resolve(rows: Observations, duplicates: Duplicates, notes: Notes) -> Observations:
    """Keep one row of each date and asset; the file's order within a date is still there."""
    same = (rows.dates[1:] == rows.dates[:-1]) & (rows.groups[1:] == rows.groups[:-1])
    if not same.any():
        return rows
    start = np.concatenate([[True], ~same])
    key = np.cumsum(start) - 1
    is_doubled = np.bincount(key)[key] > 1
    doubled = pd.DataFrame(rows.values[is_doubled]).groupby(key[is_doubled])
    conflict = (doubled.max() > doubled.min()).to_numpy()
    if conflict.any() and duplicates == "refuse":
        _refuse_conflict(rows, np.flatnonzero(is_doubled & start), conflict)
    kept = doubled.last() if duplicates == "last" else doubled.first()
    values = rows.values[start].copy()
    values[np.unique(key[is_doubled])] = kept.to_numpy()
    n_conflicts = int(conflict.any(axis=1).sum())
    notes.add_rule(
        "duplicates_dropped", "rows that repeat a date with equal or missing values", same.sum()
    )
    notes.add_rule(
        "conflicts_resolved", f"dates with two values: the {duplicates} one is kept", n_conflicts
    )
    return Observations(rows.dates[start], rows.groups[start], values, rows.assets)


def _refuse_conflict(rows: Observations, starts: np.ndarray, conflict: np.ndarray) -> None:
    spots = np.argwhere(conflict)
    spot = min(spots, key=lambda pair: rows.dates[starts[pair[0]]])
    row, column = starts[spot[0]], spot[1]
    date, group = rows.dates[row], rows.groups[row]
    is_long = rows.values.shape[1] == 1 and len(rows.assets) > 1
    name = rows.assets[group if is_long else column]
    twins = (rows.dates == date) & (rows.groups == group)
    values = [value for value in rows.values[twins, column] if not np.isnan(value)]
    other = next(value for value in values if value != values[0])
    n_rows = int(conflict.any(axis=1).sum())
    raise PriceDataError(
        f"{name!r} is {values[0]:.10g} and {other:.10g} on {format_date(date)}"
        f" (first of {n_rows:,} such dates); a date must have one value,"
        " so correct the file or keep the first or last (duplicates)"
    )


def _spread(rows: Observations) -> tuple[np.ndarray, np.ndarray]:
    dates, position = np.unique(rows.dates, return_inverse=True)
    if len(dates) * len(rows.assets) > MAX_CELLS or len(rows.assets) > MAX_COLUMNS:
        raise PriceDataError(
            f"has {len(dates):,} dates of {len(rows.assets):,} assets; at most {MAX_COLUMNS:,}"
            f" assets and {MAX_CELLS:,} cells are read"
        )
    values = np.full((len(dates), len(rows.assets)), np.nan)
    values[position, rows.groups] = rows.values[:, 0]
    return dates, values
