"""Dates of the steps that follow a history: the calendar is inferred, never assumed.

A calendar is the code of an exchange (``XNYS``), ``weekdays``, or a fixed period (``D``, ``7D``,
``h``). Intraday bars that stop overnight follow the sessions of their dates at the usual times of
day. Where no calendar fits, or an exchange has not fixed its holidays that far, there are no dates.
"""

import warnings
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from fingan.errors import RequestError
from fingan.scenarios.header import StepDate

EXCHANGES = (  # of those that fit, the fullest wins, but New York before all
    "XNYS",
    "XLON",
    "XETR",
    "XPAR",
    "XSWX",
    "XMIL",
    "XTSE",
    "XTKS",
    "XHKG",
    "XSHG",
    "XASX",
    "BVMF",
)
N_DATES = 500  # latest dates that the calendar is judged by
N_BARS = 20_000  # latest bars of an intraday history that are looked at
N_CLOCK_DAYS = 12  # latest days whose times of day are the usual: summer time moves them in UTC
MIN_ROWS = 10  # any ten days in a row hold a weekend
MIN_COVER = 0.9  # share of a calendar's dates, or of a day's bars, that a history must have

_DAY = pd.Timedelta(days=1)
_FIRST_YEAR = 1970  # the holidays of exchange-calendars begin here
_LAST = pd.Timestamp("2199-12-31")  # and end here


class _Exchange(NamedTuple):
    session: pd.offsets.BaseOffset
    last: pd.Timestamp


class _History(NamedTuple):
    """The latest part of a history, by the clock on the wall."""

    times: pd.DatetimeIndex
    dates: pd.DatetimeIndex
    is_intraday: bool


def infer_calendar(history: pd.DatetimeIndex) -> str | None:
    """The calendar that the latest dates of a history follow.

    Args:
        history: Dates or times of the observations, in order.

    Returns:
        Code of an exchange, ``"weekdays"``, a period such as ``"D"``; None where none fits.
    """
    return _inferred(_latest(history))


def step_dates(
    history: pd.DatetimeIndex, horizon: int, calendar: str | None = None
) -> tuple[StepDate, ...] | None:
    """The dates of the next steps, or their times for intraday bars.

    Steps in the past leave out the days on which an exchange turned out to be closed.

    Args:
        history: Dates or times of the observations, in order; a time zone is dropped and the
            clock of the wall kept.
        horizon: Number of steps.
        calendar: As :func:`infer_calendar` names it; None infers it.

    Returns:
        One date or time for each step; None where the calendar is not known, or not that far.

    Raises:
        RequestError: If there is no such calendar.
    """
    latest = _latest(history)
    calendar = calendar or _inferred(latest)
    if calendar is None or not len(history):
        return None
    if not latest.is_intraday:
        days = _next_days(latest.dates[-1], horizon, calendar)
        return None if days is None else tuple(days.date)
    if calendar == _period(latest.times):
        bars = _next_periods(latest.times[-1], horizon, calendar)
    else:
        bars = _next_bars(latest, horizon, calendar)
    return None if bars is None else tuple(bars.to_pydatetime())


def _latest(history: pd.DatetimeIndex) -> _History:
    times = history[-N_BARS:].tz_localize(None)
    dates = times.normalize().unique()
    return _History(times, dates[-N_DATES:], len(dates) < len(times))


def _inferred(latest: _History) -> str | None:
    times = latest.times if latest.is_intraday else latest.dates
    if len(times) < MIN_ROWS:
        return None
    period = _period(times)
    if period is not None or len(latest.dates) < MIN_ROWS:
        return period
    return _exchange_of(latest.dates) or _days_of(latest.dates)


def _next_days(last: pd.Timestamp, horizon: int, calendar: str) -> pd.DatetimeIndex | None:
    if calendar == "weekdays":
        return _following(last, horizon, pd.offsets.BusinessDay(), _LAST)
    if calendar in EXCHANGES:
        exchange = _exchange(calendar)
        return _following(last, horizon, exchange.session, exchange.last)
    return _next_periods(last, horizon, calendar)


def _next_periods(last: pd.Timestamp, horizon: int, period: str) -> pd.DatetimeIndex | None:
    try:
        step = pd.Timedelta(cast("Any", to_offset(period)))
    except ValueError:
        known = ", ".join((*EXCHANGES, "weekdays"))
        raise RequestError(
            f"calendar must be one of {known} or a period such as 'D', got '{period}'"
        ) from None
    if (_LAST - last) / step < horizon:
        return None
    return pd.date_range(last + step, periods=horizon, freq=step)


def _following(
    last: pd.Timestamp, horizon: int, session: pd.offsets.BaseOffset, end: pd.Timestamp
) -> pd.DatetimeIndex | None:
    """The next sessions after a date; None where they pass the end of the calendar."""
    n_days = 30 + int(1.6 * horizon)  # two of three days are sessions, wherever
    if (end - last).days > n_days:
        end = last + n_days * _DAY
    days = pd.date_range(last + _DAY, end, freq=session)
    return days[:horizon] if len(days) >= horizon else None


def _next_bars(latest: _History, horizon: int, calendar: str) -> pd.DatetimeIndex | None:
    """The rest of the last day, then whole days, at the times of day that most days have."""
    clock = _usual_clock(latest.times[latest.times >= latest.dates[-N_CLOCK_DAYS:][0]])
    if clock is None:
        return None
    today = latest.dates[-1]
    rest = today + clock[clock > latest.times[-1] - today]
    days = _next_days(today, -(-horizon // len(clock)), calendar)
    if days is None:
        return None
    bars = (days.to_numpy()[:, None] + clock.to_numpy()).ravel()
    return pd.DatetimeIndex(np.concatenate([rest.to_numpy(), bars]))[:horizon]


def _usual_clock(times: pd.DatetimeIndex) -> pd.TimedeltaIndex | None:
    """Times of day of a whole session; None where the days differ too much.

    The first and the last day may be cut and are left out; a few sessions may end early.
    """
    days = times.normalize()
    is_whole = (days > days[0]) & (days < days[-1])
    clock, n_days_with = np.unique((times - days)[is_whole], return_counts=True)
    n_days = days[is_whole].nunique()
    is_usual = 2 * n_days_with >= n_days
    n_expected = n_days * is_usual.sum()
    n_usual, n_all = n_days_with[is_usual].sum(), is_whole.sum()
    if n_usual == 0 or n_usual < MIN_COVER * max(n_expected, n_all):
        return None
    return pd.TimedeltaIndex(clock[is_usual])


def _exchange_of(dates: pd.DatetimeIndex) -> str | None:
    if dates[0].year < _FIRST_YEAR or _is_never_closed(dates):
        return None
    covers = {}
    for code in EXCHANGES:
        exchange = _exchange(code)
        sessions = pd.date_range(dates[0], dates[-1], freq=exchange.session)
        if dates[-1] > exchange.last or not dates.isin(sessions).all():
            continue
        covers[code] = len(dates) / len(sessions)
        if code == EXCHANGES[0] and covers[code] >= MIN_COVER:
            return code
    best = max(covers, key=lambda code: covers[code], default=None)
    return best if best is not None and covers[best] >= MIN_COVER else None


def _is_never_closed(dates: pd.DatetimeIndex) -> bool:
    """Whether there is a weekend or a New Year's Day, when every exchange rests."""
    return bool(((dates.day_of_week > 4) | (dates.day_of_year == 1)).any())


def _days_of(dates: pd.DatetimeIndex) -> str | None:
    is_weekdays = not (dates.day_of_week > 4).any()
    name, session = ("weekdays", "B") if is_weekdays else ("D", "D")
    n_possible = len(pd.date_range(dates[0], dates[-1], freq=session))
    return name if len(dates) >= MIN_COVER * n_possible else None


def _period(times: pd.DatetimeIndex) -> str | None:
    gaps = np.unique(np.diff(times.to_numpy()))
    if len(gaps) != 1:
        return None
    n_days, rest = divmod(pd.Timedelta(gaps[0]), _DAY)
    if rest:
        return str(to_offset(pd.Timedelta(gaps[0])).freqstr)
    return "D" if n_days == 1 else f"{n_days}D"


@cache
def _exchange(code: str) -> _Exchange:
    """Sessions of an exchange, and the last date for which its holidays are fixed."""
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas about exchange-calendars
        calendar = exchange_calendars.get_calendar(code, start="2020-01-01", end="2020-03-31")
    last = type(calendar).bound_max()
    return _Exchange(calendar.day, _LAST if last is None else last)
