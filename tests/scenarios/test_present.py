import datetime as dt

import numpy as np
import pandas as pd
import pytest
import torch

from fingan.data.quality import data_digest
from fingan.errors import PriceDataError, RequestError, UnknownAssetError
from fingan.scenarios.present import MEMORY, present

ASSETS = ("CHARLIE", "ABLE")


def test_the_present_holds_the_assets_asked_for_in_their_order(garch_prices):
    now = present(garch_prices, ASSETS, "price")
    assert now.returns.assets == ASSETS
    assert list(now.prices.columns) == list(ASSETS)
    assert now.start_prices == tuple(garch_prices[list(ASSETS)].iloc[-1])
    assert now.as_of == garch_prices.index[-1]


@pytest.mark.parametrize(
    "as_of",
    ["2016-03-16", "2016-03-16T18:00", dt.date(2016, 3, 16), pd.Timestamp("2016-03-16")],
)
def test_rows_after_as_of_change_nothing(garch_prices, as_of):
    changed = garch_prices.copy()
    changed.loc["2016-03-17":] *= 5
    one, other = (present(prices, ASSETS, "price", as_of) for prices in (garch_prices, changed))
    assert one.as_of == pd.Timestamp("2016-03-16")
    assert one.start_prices == other.start_prices
    assert one.metadata() == other.metadata()
    assert torch.equal(one.returns.values, other.returns.values)


def test_a_weekend_stands_for_the_friday_before_it(garch_prices):
    weekend, friday = (
        present(garch_prices, ASSETS, "price", day) for day in ("2016-03-19", "2016-03-18")
    )
    assert weekend.metadata() == friday.metadata()
    assert weekend.metadata()["as_of"] == "2016-03-18"


def test_metadata_name_the_day_and_the_data(garch_prices):
    now = present(garch_prices, ASSETS, "price", "2016-03-16")
    digest = data_digest(now.prices)
    assert now.metadata() == {
        "as_of": "2016-03-16",
        "data_digest": digest,
        "not_observed_on_as_of": [],
    }
    assert digest.startswith("sha256:")


def test_an_asset_that_ended_is_refused_and_one_that_pauses_is_named(garch_prices):
    prices = garch_prices.copy()
    prices.iloc[-5:, 0] = np.nan
    assert present(prices, ASSETS, "price").metadata()["not_observed_on_as_of"] == ["ABLE"]
    prices.iloc[-30:, 0] = np.nan
    with pytest.raises(UnknownAssetError, match="'ABLE' must have a price in the 11 rows"):
        present(prices, ASSETS, "price")


def test_a_table_out_of_order_or_with_an_impossible_price_is_refused(garch_prices):
    with pytest.raises(PriceDataError, match="dates must rise from row to row"):
        present(garch_prices.iloc[::-1], ASSETS, "price")
    prices = garch_prices.copy()
    prices.iloc[-3, 0] = -1.0
    with pytest.raises(PriceDataError, match=r"'ABLE' is -1.0 on .* must be finite and above 0.0"):
        present(prices, ASSETS, "price")


def test_a_date_must_be_whole(garch_prices):
    with pytest.raises(RequestError, match="as_of must be a date such as 2020-03-16, got '2016'"):
        present(garch_prices, ASSETS, "price", "2016")


def test_the_last_price_observed_is_the_one_to_continue_from(garch_prices):
    prices = garch_prices.copy()
    prices.iloc[-3:, 2] = np.nan  # CHARLIE
    assert present(prices, ASSETS, "price").start_prices[0] == prices["CHARLIE"].iloc[-4]


def test_a_long_history_is_cut_to_what_a_filter_remembers(garch_prices):
    long = pd.concat([garch_prices] * 3, ignore_index=True)
    long.index = pd.bdate_range("1990-01-01", periods=len(long), name="date")
    now = present(long, ASSETS, "price")
    assert len(now.prices) == MEMORY
    assert now.start_prices == tuple(long[list(ASSETS)].iloc[-1])


def test_returns_continue_from_a_hundred(garch_prices):
    returns = np.log(garch_prices).diff().dropna()
    returns.attrs["kind"] = "log_return"
    now = present(returns, ASSETS, "log_return")
    assert now.start_prices == (100.0, 100.0)
    np.testing.assert_array_equal(now.returns.values.numpy(), returns[list(ASSETS)].to_numpy())


def test_times_in_another_zone_are_read_as_the_same_moment(garch_prices):
    hourly = garch_prices.set_axis(
        pd.date_range("2020-03-02", periods=len(garch_prices), freq="h", name="date")
    )
    now = present(hourly, ASSETS, "price", pd.Timestamp("2020-03-03T09:30", tz="Europe/Berlin"))
    assert now.metadata()["as_of"] == "2020-03-03T08:00:00"


@pytest.mark.parametrize("as_of", ["2015-01-01", "2031-01-01"])
def test_a_day_outside_the_rows_is_refused(garch_prices, as_of):
    with pytest.raises(RequestError, match=f"as_of must lie within the prices, .*, got {as_of}"):
        present(garch_prices, ASSETS, "price", as_of)


def test_what_is_no_date_is_refused(garch_prices):
    with pytest.raises(RequestError, match="as_of must be a date such as 2020-03-16, got 'soon'"):
        present(garch_prices, ASSETS, "price", "soon")


def test_an_asset_that_is_no_column_is_named(garch_prices):
    with pytest.raises(UnknownAssetError, match="asset 'APPL' of model 'm@1' is not in the prices"):
        present(garch_prices, ("ABLE", "APPL"), "price", subject="model 'm@1'")


def test_an_asset_without_a_price_up_to_the_day_is_named(garch_prices):
    prices = garch_prices.copy()
    prices.loc[:"2016-12-30", "ABLE"] = np.nan
    with pytest.raises(
        UnknownAssetError, match="'ABLE' must have a price in the 11 rows up to 2016-03-16"
    ):
        present(prices, ASSETS, "price", "2016-03-16")


def test_prices_of_another_kind_are_refused(garch_prices):
    with pytest.raises(RequestError, match=r"must be of kind 'level', .*, got 'price'"):
        present(garch_prices, ASSETS, "level")


def test_too_short_a_history_is_refused(garch_prices):
    with pytest.raises(RequestError, match="at least 3 rows of history, got 2"):
        present(garch_prices, ASSETS, "price", garch_prices.index[1])
