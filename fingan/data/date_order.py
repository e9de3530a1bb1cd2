"""Day before month or month before day: settled by the whole column, or refused.

A column like 01/02/1989, 02/02/1989 ... is read in the one order that makes every cell a date; if
several orders do, in the one in which the dates run forwards or backwards throughout; if that does
not settle it either, the reader refuses. A single row is never read differently from its column.
"""

import numpy as np
import pyarrow as pa

from fingan.data.options import DateOrder
from fingan.errors import PriceDataError

_FIRST_YEAR, _LAST_YEAR = 1678, 2261
_CENTURY_PIVOT = 69  # 69-99 are 1969-1999, 00-68 are 2000-2068 (POSIX)


def arrange(triple: tuple[np.ndarray, ...], order: DateOrder) -> tuple[np.ndarray, ...]:
    """Year, month and day from three numbers in an order."""
    a, b, c = triple
    match order:
        case "dmy":
            return c, b, a
        case "mdy":
            return c, a, b
        case "ymd":
            return a, b, c


def full_year(year: np.ndarray) -> np.ndarray:
    """The year of two digits between 1969 and 2068."""
    return year + np.where(year >= _CENTURY_PIVOT, 1900, 2000)


def settle_order(
    triple: tuple[np.ndarray, ...],
    is_short: np.ndarray,
    order: DateOrder | None,
    groups: np.ndarray,
    text: pa.Array,
) -> DateOrder:
    """The one order in which every row is a date.

    Args:
        triple: First, second and third number of each date.
        is_short: True where the year has two digits.
        order: The order as the user states it.
        groups: Asset of each row.
        text: The dates as they stand, for messages.

    Raises:
        PriceDataError: If no order or more than one fits the whole column.
    """
    if order is not None:
        return order
    candidates: list[DateOrder] = ["dmy", "mdy"]
    if is_short.all():
        candidates.append("ymd")
    readings = {name: _reading(triple, is_short, name) for name in candidates}
    possible = {name: days for name, (days, is_date) in readings.items() if is_date.all()}
    if not possible:
        return _best_order(readings, text)
    running = {name: days for name, days in possible.items() if _runs_on(days, groups)}
    for chosen in (possible, running):
        first = next(iter(chosen.values()), None)
        if first is not None and all((days == first).all() for days in chosen.values()):
            return next(iter(chosen))
    raise PriceDataError(
        f"dates like {text[0].as_py()!r} can be read as {' and as '.join(possible)} throughout;"
        " pass the order of day and month (date_order)"
    )


def _reading(
    triple: tuple[np.ndarray, ...], is_short: np.ndarray, order: DateOrder
) -> tuple[np.ndarray, np.ndarray]:
    year, month, day = arrange(triple, order)
    return civil_days(np.where(is_short & (year < 100), full_year(year), year), month, day)


def _runs_on(days: np.ndarray, groups: np.ndarray) -> bool:
    """True if the dates of every asset run forwards, or those of every asset backwards."""
    steps = np.diff(days)[groups[1:] == groups[:-1]]
    return bool((steps >= 0).all() or (steps <= 0).all())


def _best_order(
    readings: dict[DateOrder, tuple[np.ndarray, np.ndarray]], text: pa.Array
) -> DateOrder:
    """The order that fits nearly all rows: its few exceptions are then named as no dates."""
    shares = {order: is_date.mean() for order, (_, is_date) in readings.items()}
    best = max(shares, key=lambda order: shares[order])
    others = [order for order in readings if order != best]
    for order in others:
        fits_only_other = readings[order][1] & ~readings[best][1]
        if fits_only_other.any():
            one, two = (~readings[order][1] & readings[best][1]), fits_only_other
            first = text[int(np.flatnonzero(one)[0])].as_py()
            second = text[int(np.flatnonzero(two)[0])].as_py()
            raise PriceDataError(
                f"dates must share one order of day and month, got {first!r} and {second!r};"
                " write them as YYYY-MM-DD"
            )
    return best


def civil_days(
    year: np.ndarray, month: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970, and whether there is such a day."""
    is_month = (month >= 1) & (month <= 12) & (year >= _FIRST_YEAR) & (year <= _LAST_YEAR)
    months = np.where(is_month, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    following = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    is_date = is_month & (day >= 1) & (day <= following - first)
    return np.where(is_date, first + day - 1, 0), is_date
