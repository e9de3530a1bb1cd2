"""The days that a report compares: after training, unless the caller asks for others."""

from dataclasses import dataclass

import pandas as pd

from fingan.data.returns import end_of
from fingan.errors import RequestError

IN_SAMPLE_DAYS, WINDOW, MIN_WINDOW = 2_520, 1_500, 100


@dataclass(frozen=True)
class Span:
    """The days that are compared."""

    first: pd.Timestamp
    last: pd.Timestamp
    in_sample: bool


def compared_span(
    prices: pd.DataFrame,
    until: pd.Timestamp,
    first: str | None = None,
    last: str | None = None,
    *,
    in_sample: bool = False,
) -> Span | None:
    """The days to compare: those after training, unless the caller asks for others.

    Args:
        prices: The table.
        until: Last date that training knew.
        first: First day; default the first one after training, in-sample ten years before it ends.
        last: Last day; default the last row.
        in_sample: Days of the training period are allowed.

    Returns:
        None where no day lies after training and none was asked for.

    Raises:
        RequestError: If the span is empty, or lies within the training period unasked.
    """
    dates = pd.DatetimeIndex(prices.index)
    end = end_of(last) if last is not None else dates[-1]
    if first is not None:
        begin = pd.Timestamp(first)
    elif in_sample:
        known = int(dates.searchsorted(min(until, end), side="right"))
        begin = dates[max(known - IN_SAMPLE_DAYS, min(WINDOW, known // 2), 2)]
        end = end if last is not None else min(until, end)
    else:
        later = dates[dates > until]
        if later.empty and last is None:
            return None
        begin = later[0] if len(later) else until + pd.Timedelta(days=1)
    rows = dates[(dates >= begin) & (dates <= end)]
    if rows.empty:
        raise RequestError(
            f"the span must hold rows of the prices, got {begin:%Y-%m-%d} to {end:%Y-%m-%d};"
            f" they run from {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}"
        )
    if rows[0] <= until and not in_sample:
        raise RequestError(
            f"the span must begin after the training period, which ends {until:%Y-%m-%d}, got"
            f" {rows[0]:%Y-%m-%d}; begin later, or ask for --in-sample"
        )
    return Span(rows[0], rows[-1], bool(rows[0] <= until))


def fitting_window(prices: pd.DataFrame, span: Span) -> int:
    """Rows that the baselines of the backtest are fitted on: fewer where fewer lie before it."""
    row = int(pd.DatetimeIndex(prices.index).searchsorted(span.first))
    return min(WINDOW, max(row - 1, MIN_WINDOW))
