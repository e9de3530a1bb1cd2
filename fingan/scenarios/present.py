"""The market as it stood at a date: what a scenario may know, and nothing after it."""

import datetime
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fingan.data.quality import data_digest
from fingan.data.returns import ReturnTable, check_order, end_of, log_returns
from fingan.errors import RequestError, UnknownAssetError

AsOf = str | datetime.date | pd.Timestamp | None
MEMORY = 1_500  # rows of history that condition a path; a filter has long forgotten the rest
MAX_STALE = 10  # rows for which a missing price may stand still


@dataclass(frozen=True)
class Present:
    """History up to a date."""

    prices: pd.DataFrame
    """The rows that count, oldest first."""
    returns: ReturnTable
    start_prices: tuple[float, ...]
    """Last observed price of each asset; 100 where the table holds returns."""
    digest: str
    """Of all rows up to the date."""

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Dates of the rows."""
        return pd.DatetimeIndex(self.prices.index)

    @property
    def as_of(self) -> pd.Timestamp:
        """The last date of the history."""
        last: pd.Timestamp = self.prices.index[-1]
        return last

    def metadata(self) -> dict[str, Any]:
        """Date and digest, for the head of a scenario set."""
        stamp = self.as_of
        text = stamp.date().isoformat() if stamp == stamp.normalize() else stamp.isoformat()
        stale = self.prices.columns[self.prices.iloc[-1].isna()]
        return {
            "as_of": text,
            "data_digest": self.digest,
            "not_observed_on_as_of": [str(asset) for asset in stale],
        }


def present(
    prices: pd.DataFrame,
    assets: tuple[str, ...],
    kind: str,
    as_of: AsOf = None,
    subject: str = "the model",
) -> Present:
    """Cut a table of prices at a date.

    Args:
        prices: Table from ``read_prices``; other columns than ``assets`` are left out.
        assets: The assets needed, in their order.
        kind: What the prices must be.
        as_of: Last date to be used; default the last row. A day without a row stands for the
            last row before it.
        subject: Who needs the assets, for messages.

    Raises:
        UnknownAssetError: If an asset is not a column, or has no price up to ``as_of``.
        RequestError: If ``as_of`` lies outside the rows, or the kind differs.
    """
    check_columns(prices, assets, kind, subject)
    whole = prices.loc[: _last_moment(prices, as_of), list(assets)]
    table = whole.iloc[-MEMORY:]
    table.attrs = dict(prices.attrs)
    last = table.ffill(limit=MAX_STALE).iloc[-1]
    if last.isna().any():
        raise UnknownAssetError(
            f"asset '{last.index[last.isna()][0]}' must have a price in the {MAX_STALE + 1} rows up"
            f" to {table.index[-1]:%Y-%m-%d}, the date the scenarios continue from, but has none;"
            " it has ended, or not yet begun"
        )
    if len(table) < 3:
        raise RequestError(
            f"as_of must leave at least 3 rows of history, got {len(table)}; take a later date"
        )
    returns = log_returns(table)
    is_returns = kind in ("simple_return", "log_return")
    start = tuple(100.0 for _ in assets) if is_returns else tuple(float(price) for price in last)
    return Present(table, returns, start, data_digest(whole))


def check_columns(prices: pd.DataFrame, assets: tuple[str, ...], kind: str, subject: str) -> None:
    """Refuse prices that lack an asset of a sampler, or are of another kind than it needs."""
    if not isinstance(prices, pd.DataFrame):
        raise RequestError(f"prices must be a table from read_prices, got {prices!r}")
    check_order(prices)
    given = prices.attrs.get("kind", "price")
    if given != kind:
        raise RequestError(
            f"prices must be of kind '{kind}', as {subject} was fitted, got '{given}'"
        )
    missing = [asset for asset in assets if asset not in prices.columns]
    if missing:
        held = ", ".join(map(str, prices.columns[:8])) + (" ..." if prices.shape[1] > 8 else "")
        raise UnknownAssetError(
            f"asset '{missing[0]}' of {subject} is not in the prices; they have {held}"
        )


def _last_moment(prices: pd.DataFrame, as_of: AsOf) -> pd.Timestamp:
    first, last = prices.index[0], prices.index[-1]
    if as_of is None:
        moment: pd.Timestamp = last
        return moment
    try:
        moment = end_of(as_of)
    except ValueError:
        raise RequestError(f"as_of must be a date such as 2020-03-16, got '{as_of}'") from None
    if moment.tz is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    if moment < first or moment.normalize() > last.normalize():
        raise RequestError(
            f"as_of must lie within the prices, {first:%Y-%m-%d} to {last:%Y-%m-%d},"
            f" got {pd.Timestamp(as_of):%Y-%m-%d}"
        )
    return moment
