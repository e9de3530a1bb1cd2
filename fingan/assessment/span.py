"""The span of days on which samplers are compared, and who has seen it before."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.outcomes import MIN_PAST, table_of
from fingan.data.returns import Date, end_of
from fingan.errors import RequestError
from fingan.scenarios.present import check_columns
from fingan.scenarios.samplers import Sampler

MIN_DAYS = 60  # below, nothing can be told apart


@dataclass(frozen=True)
class Span:
    """Consecutive days of a table, all of them outcomes."""

    first: pd.Timestamp
    last: pd.Timestamp
    before: pd.Timestamp
    """Last day before the span, from which long paths start."""
    returns: Float[Tensor, "n_days n_assets"]
    """Log-returns of the span, NaN where not observed."""

    def __len__(self) -> int:
        return len(self.returns)


def cut_span(
    samplers: Mapping[str, Sampler],
    prices: pd.DataFrame,
    first: Date | None,
    last: Date | None,
    *,
    in_sample: bool,
) -> Span:
    """The days to score, none of which a sampler was fitted on.

    Args:
        samplers: All of the same assets.
        prices: History and what followed.
        first: First day that is an outcome; None for the day after the last fitted one.
        last: Last day that is an outcome; None for the last row.
        in_sample: Allow days that a sampler was fitted on.

    Raises:
        UnknownAssetError: If the prices lack an asset.
        RequestError: If a sampler was fitted on the span, it is too short, or nothing precedes it.
    """
    latest = max(samplers.values(), key=lambda sampler: sampler.fitted_until)
    check_columns(prices, latest.assets, latest.kind, f"'{latest.reference}'")
    start = _date(first, "from") if first is not None else _next_day(latest.fitted_until)
    end = end_of(last) if last is not None and _date(last, "to") is not None else prices.index[-1]
    if start <= latest.fitted_until and not in_sample:
        raise RequestError(
            f"the span must begin after {latest.fitted_until:%Y-%m-%d}, the last day that"
            f" '{latest.reference}' was fitted on, got {start:%Y-%m-%d}; take a later first day, or"
            " say in-sample and read the figures as such"
        )
    table = table_of(prices, latest.assets)
    inside = table.between(start, end)
    if len(inside.dates) < MIN_DAYS:
        raise RequestError(
            f"the span must hold at least {MIN_DAYS} days of returns, got {len(inside.dates)} from"
            f" {start:%Y-%m-%d} to {end:%Y-%m-%d}; the prices end on {prices.index[-1]:%Y-%m-%d}"
        )
    row = int(table.dates.searchsorted(inside.dates[0]))
    if row < MIN_PAST:
        raise RequestError(
            f"at least {MIN_PAST} days must lie before the span, to take units and today's"
            f" volatility from, got {row} before {inside.dates[0]:%Y-%m-%d}; take a later first day"
        )
    return Span(inside.dates[0], inside.dates[-1], table.dates[row - 1], inside.values)


def _date(given: Date, name: str) -> pd.Timestamp:
    try:
        end_of(given)
        return pd.Timestamp(given).as_unit("ns")
    except ValueError:
        raise RequestError(f"{name} must be a date such as 2020-03-16, got '{given}'") from None


def _next_day(date: pd.Timestamp) -> pd.Timestamp:
    """The first moment after ``date``: the next row, whatever the frequency."""
    return date.as_unit("ns") + pd.Timedelta(nanoseconds=1)
