"""Crises by name, and windows by date: from the close of one day to the close of another."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fingan.errors import RequestError


@dataclass(frozen=True)
class Window:
    """A stretch of history: what happened after the close of ``first``, up to that of ``last``."""

    name: str
    first: str
    last: str
    title: str = ""


NAMED: Mapping[str, Window] = {
    window.name: window
    for window in (
        Window("1987-crash", "1987-10-13", "1987-10-19", "Black Monday and the days before"),
        Window("1990-gulf", "1990-07-16", "1990-10-11", "Invasion of Kuwait"),
        Window("1998-ltcm", "1998-07-17", "1998-08-31", "Russian default, LTCM"),
        Window("2000-dotcom", "2000-03-24", "2001-04-04", "The technology bubble bursts"),
        Window("2001-september", "2001-09-10", "2001-09-21", "Attacks of 11 September"),
        Window("2002-accounting", "2002-05-17", "2002-07-23", "Accounting scandals"),
        Window("2008-lehman", "2008-09-12", "2008-10-10", "Lehman Brothers fails"),
        Window("2009-bottom", "2009-01-06", "2009-03-09", "The last leg of the financial crisis"),
        Window("2010-flash", "2010-05-03", "2010-05-20", "Flash crash, Greece"),
        Window("2011-downgrade", "2011-07-22", "2011-08-08", "US downgrade, euro crisis"),
        Window("2015-china", "2015-08-17", "2015-08-25", "Devaluation of the renminbi"),
        Window("2018-volatility", "2018-01-26", "2018-02-08", "Short-volatility funds fail"),
        Window("2018-december", "2018-12-03", "2018-12-24", "Tightening fears"),
        Window("2020-covid", "2020-02-19", "2020-03-23", "Pandemic"),
        Window("2022-inflation", "2022-03-29", "2022-06-16", "Inflation and rising rates"),
    )
}


def parse_window(text: str) -> Window:
    """A window as it is typed: its name, or ``2008-09-12..2008-10-10``.

    Raises:
        RequestError: If it is neither.
    """
    if text in NAMED:
        return NAMED[text]
    first, dots, last = text.partition("..")
    try:
        days = [pd.Timestamp(day) for day in (first, last)] if dots else []
    except ValueError:
        days = []
    if len(days) != 2 or any(pd.isna(day) for day in days):
        raise RequestError(
            f"a window must be two dates such as 2008-09-12..2008-10-10 or one of"
            f" {', '.join(NAMED)}, got '{text}'"
        )
    if days[0] >= days[1]:
        raise RequestError(f"a window must end after it begins, got '{text}'")
    return Window(text, f"{days[0]:%Y-%m-%d}", f"{days[1]:%Y-%m-%d}")
