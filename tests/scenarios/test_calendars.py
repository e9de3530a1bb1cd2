import datetime as dt
import warnings

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from skfolio.datasets import load_sp500_dataset

from fingan.errors import RequestError
from fingan.scenarios.calendars import infer_calendar, step_dates


@pytest.fixture(scope="module")
def us_dates() -> pd.DatetimeIndex:
    return load_sp500_dataset().index


def bars(days: pd.DatetimeIndex, minutes: range) -> pd.DatetimeIndex:
    clock = np.array(minutes, dtype="m8[m]")
    return pd.DatetimeIndex((days.to_numpy()[:, None] + clock).ravel())


def sessions(exchange: str, start: str, end: str) -> pd.DatetimeIndex:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas 3.1 about exchange-calendars
        return exchange_calendars.get_calendar(exchange, start=start, end=end).sessions


def test_the_next_sessions_of_new_york_are_the_true_ones(us_dates):
    history = us_dates[us_dates <= "2020-03-16"]
    following = us_dates[us_dates > "2020-03-16"][:20]
    assert infer_calendar(history) == "XNYS"
    assert step_dates(history, 20) == tuple(following.date)


@pytest.mark.parametrize("n_days", [520, 2_500, 2_942, 5_746, 8_290])
def test_new_york_is_known_by_its_holidays_in_any_decade(us_dates, n_days):
    following = us_dates[n_days : n_days + 20]
    assert step_dates(us_dates[:n_days], 20) == tuple(following.date)


def test_ten_thousand_sessions_reach_past_the_default_of_the_calendar(us_dates):
    dates = step_dates(us_dates, 10_000)
    assert dates is not None
    assert len(set(dates)) == 10_000
    assert dates[-1].year == 2062
    assert dt.date(2050, 7, 4) not in dates


@pytest.mark.parametrize("exchange", ["XLON", "XTKS"])
def test_other_exchanges_are_told_apart(exchange):
    history = sessions(exchange, "2020-01-01", "2022-06-30")
    assert infer_calendar(history) == exchange
    assert step_dates(history, 60) == tuple(
        sessions(exchange, "2022-07-01", "2022-12-30")[:60].date
    )


def test_an_exchange_has_no_dates_beyond_its_fixed_holidays():
    history = pd.DatetimeIndex(["2026-12-01"])
    assert step_dates(history, 10, "XSHG") is not None
    assert step_dates(history, 100, "XSHG") is None


def test_monday_to_friday_without_holidays_goes_on_so():
    history = pd.bdate_range("2018-01-02", "2020-01-03")  # a Friday; 1 January is among them
    assert infer_calendar(history) == "weekdays"
    assert step_dates(history, 2) == (dt.date(2020, 1, 6), dt.date(2020, 1, 7))


@pytest.mark.parametrize("gaps", [[], [50, 211, 212]])
def test_a_market_that_never_closes_has_every_day(gaps):
    history = pd.date_range("2020-01-01", periods=300, freq="D").delete(gaps)
    assert infer_calendar(history) == "D"
    assert step_dates(history, 2) == (dt.date(2020, 10, 27), dt.date(2020, 10, 28))


def test_weekly_data_goes_on_weekly():
    history = pd.date_range("2024-01-05", periods=50, freq="W-FRI")
    assert infer_calendar(history) == "7D"
    assert step_dates(history, 1) == (dt.date(2024, 12, 20),)


@pytest.mark.parametrize("gaps", [[], [100, 200, 201]])
def test_bars_around_the_clock_give_the_next_bars(gaps):
    history = pd.date_range("2024-01-01", "2024-03-01 22:00", freq="h").delete(gaps)
    assert step_dates(history, 2) == (dt.datetime(2024, 3, 1, 23), dt.datetime(2024, 3, 2))


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_session_bars_finish_the_day_and_go_on_with_the_next_session(us_dates, zone):
    days = us_dates[us_dates <= "2022-12-23"][-60:]
    history = bars(days, range(570, 960, 30))[:-1].tz_localize(zone)  # the last bar is to come
    assert infer_calendar(history) == "XNYS"
    first, second, third = step_dates(history, 3)
    assert first == dt.datetime(2022, 12, 23, 15, 30)
    assert second == dt.datetime(2022, 12, 27, 9, 30)  # Christmas is observed on Monday
    assert third == dt.datetime(2022, 12, 27, 10)


def test_sessions_given_in_utc_go_on_at_the_times_of_the_season(us_dates):
    local = bars(us_dates[-160:], range(540, 960, 60)).tz_localize("America/New_York")
    history = local.tz_convert("UTC").tz_localize(None)[:-3]  # most of these days are of summer
    first, *_, last = step_dates(history, 3)
    assert (first, last) == (dt.datetime(2022, 12, 28, 18), dt.datetime(2022, 12, 28, 20))


def test_a_short_session_does_not_hide_the_usual_times(us_dates):
    history = bars(us_dates[-40:], range(570, 960, 30))
    short = (history.normalize() == us_dates[-20]) & (history.hour >= 13)
    assert step_dates(history[~short], 1) == (dt.datetime(2022, 12, 29, 9, 30),)


@pytest.mark.parametrize(
    "history",
    [
        pd.DatetimeIndex([]),
        pd.DatetimeIndex(["2020-01-02", "2020-01-03"]),
        pd.date_range("2010-01-31", periods=60, freq="ME"),
        pd.DatetimeIndex(np.datetime64("2020-01-01") + (np.arange(60) ** 2).astype("m8[D]")),
    ],
)
def test_where_no_calendar_fits_there_are_no_dates(history):
    assert infer_calendar(history) is None
    assert step_dates(history, 5) is None


def test_an_unknown_calendar_is_refused_with_the_known_ones():
    with pytest.raises(RequestError, match=r"calendar must be one of XNYS, .* got 'XXXX'"):
        step_dates(pd.date_range("2020-01-01", periods=20, freq="D"), 5, "XXXX")
