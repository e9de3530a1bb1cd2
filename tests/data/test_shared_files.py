"""Every real file loads as its README says it is, or is refused in one sentence."""

import tarfile

import numpy as np
import pandas as pd
import pytest

from fingan.data.prices import inspect_prices, read_prices
from fingan.errors import PriceDataError

# file: options, layout, frequency, rows, assets, first date, last date, asset, its last value
LOADED = {
    "raw/assetalloc_semicolon_dmy.csv": (
        {}, "wide", "daily", 7682, 17, "1989-02-01", "2018-07-12", "FTSE", 7651.33,
    ),
    "raw/bloomberg_RBOB.csv": (
        {}, "ohlcv", "daily", 3952, 1, "2005-10-03", "2020-11-24", "bloomberg_RBOB", 122.74,
    ),
    "raw/coinmarketcap_BTC_indian_commas.csv": (
        {"asset": "BTC"}, "ohlcv", "daily", 1556, 1, "2013-04-28", "2017-07-31", "BTC", 2875.34,
    ),
    "raw/cryptodatadownload_BTCUSDT_1h.csv": (
        {"duplicates": "first"}, "long", "hourly", 31941, 1, "2017-08-21", "2021-04-17 23:00:00",
        "BTC/USDT", 60006.66,
    ),
    "raw/csi300_close_2012_wide.csv": (
        {"kind": "level"}, "wide", "daily", 243, 300, "2012-01-04", "2012-12-31", "600036.SS",
        -3.63,
    ),
    "raw/fred_DGS10.csv": (
        {"kind": "level"}, "wide", "daily", 804, 1, "2020-01-02", "2023-01-31", "DGS10", 3.52,
    ),
    "raw/french_momentum_daily.csv": (
        {"kind": "simple_return", "scale": 0.01}, "wide", "daily", 25337, 1, "1926-11-03",
        "2023-02-28", "Mom", -0.0041,
    ),
    "raw/google_finance_APH.csv": (
        {"asset": "APH"}, "ohlcv", "daily", 6572, 1, "1991-11-08", "2017-12-08", "APH", 89.34,
    ),
    "raw/google_finance_HPQ.csv": (
        {"asset": "HPQ"}, "ohlcv", "daily", 7561, 1, "1987-12-11", "2017-12-08", "HPQ", 21.07,
    ),
    "raw/investing_BTC.csv": (
        {"asset": "BTC"}, "ohlcv", "daily", 1588, 1, "2020-01-01", "2024-05-06", "BTC", 63622.8,
    ),
    "raw/investing_ibovespa_br.csv": (
        {"asset": "IBOV"}, "ohlcv", "daily", 7555, 1, "1995-01-02", "2025-07-04", "IBOV", 141264.0,
    ),
    "raw/lean_AAPL_hourly.zip": (
        {"asset": "AAPL", "scale": 1e-4}, "ohlcv", "hourly", 40831, 1, "1998-01-02 09:00:00",
        "2021-03-31 15:00:00", "AAPL", 122.15,
    ),
    "raw/metatrader_EURUSD_daily.csv": (
        {"asset": "EURUSD"}, "ohlcv", "daily", 11033, 1, "1971-01-04", "2015-03-05", "EURUSD",
        1.1026,
    ),
    "raw/nasdaq_TSLA.csv": (
        {"asset": "TSLA"}, "ohlcv", "daily", 756, 1, "2015-10-15", "2018-10-15", "TSLA", 259.59,
    ),
    "raw/quandl_long_5_stocks.csv": (
        {}, "long", "daily", 754, 5, "2015-01-02", "2017-12-29", "AAPL", 169.23,
    ),
    "raw/stooq_spx_d.csv": (
        {"asset": "SPX"}, "ohlcv", "daily", 32881, 1, "1900-05-01", "2022-01-24", "SPX", 4410.13,
    ),
    "raw/wsj_SPX_1978_2020.csv": (
        {"asset": "SPX"}, "ohlcv", "daily", 10792, 1, "1978-01-03", "2020-10-16", "SPX", 3483.81,
    ),
    "raw/yahoo_TATAMOTORS.csv": (
        {"asset": "TATA"}, "ohlcv", "daily", 6543, 1, "1995-12-25", "2021-12-13", "TATA",
        495.350006,
    ),
    "raw/yfinance_AAPL_three_header_rows.csv": (
        {}, "ohlcv", "daily", 2515, 1, "2015-01-02", "2024-12-30", "AAPL", 251.59307861328125,
    ),
    "raw/yfinance_SPY_1min_tz.csv": (
        {"asset": "SPY"}, "ohlcv", "1min", 8360, 1, "2019-12-13 16:00:00", "2020-01-16 20:59:00",
        "SPY", 330.9,
    ),
    "btcusd_1min_2018h2.parquet": (
        {}, "ohlcv", "1min", 260718, 1, "2018-07-01", "2018-12-31 23:59:00", "btcusd_1min_2018h2",
        None,
    ),
    "crypto_7_5min_2018.parquet": (
        {}, "wide", "5min", 105120, 7, "2018-01-01", "2018-12-31 23:55:00", "BTCUSD", None,
    ),
    "etf_18_daily_2006_2018.parquet": (
        {}, "wide", "daily", 3186, 18, "2006-05-05", "2018-12-31", "VTI", None,
    ),
    "fx_10_daily_1999_2015.parquet": (
        {}, "wide", "daily", 4210, 10, "1999-01-01", "2015-03-05", "EURUSD", None,
    ),
    "multi_asset_17_daily_1989_2018.parquet": (
        {}, "wide", "daily", 7682, 17, "1989-02-01", "2018-07-12", "FTSE", 7651.33,
    ),
    "sp500_index_daily.parquet": (
        {}, "ohlcv", "daily", 22857, 1, "1927-12-30", "2018-12-31", "sp500_index_daily", None,
    ),
    "sp500_ohlcv_daily_1999_2018.parquet": (
        {}, "ohlcv", "daily", 5031, 1, "1999-01-04", "2018-12-31", "sp500_ohlcv_daily_1999_2018",
        None,
    ),
    "sp500_realized_variance_2000_2018.parquet": (
        {"kind": "log_return", "column": "open_to_close"}, "wide", "daily", 4768, 1, "2000-01-03",
        "2018-12-31", "open_to_close", None,
    ),
    "us_5_hourly_1998_2018.parquet": (
        {}, "wide", "hourly", 36895, 5, "1998-01-02 14:00:00", "2018-12-31 20:00:00", "SPY", None,
    ),
    "us_all_listed_daily_2015_2017.parquet": (
        {}, "wide", "daily", 513, 2502, "2015-03-20", "2017-03-31", "AAPL", None,
    ),
    "us_sp500_members_2010_2018.parquet": (
        {}, "wide", "daily", 2262, 470, "2010-01-04", "2018-12-31", "AAPL", None,
    ),
    "us_stocks_1000_daily_2013_2017.parquet": (
        {}, "wide", "daily", 1245, 1000, "2013-01-02", "2017-12-08", "AAPL", None,
    ),
    "vix_daily_1990_2018.parquet": (
        {"kind": "level"}, "ohlcv", "daily", 7304, 1, "1990-01-02", "2018-12-31",
        "vix_daily_1990_2018", None,
    ),
}  # fmt: skip

REFUSED = {
    "raw/cryptodatadownload_BTCUSDT_1h.csv": (
        "'BTC/USDT' is 18212 and 18143.03 on 2020-11-20 07:00:00 (first of 1 such dates)"
    ),
    "raw/csi300_close_2012_wide.csv": (
        "'600036.SS' is -5.77 on 2012-01-04 (first of 6,513 cells of 45 assets);"
        " prices must be positive"
    ),
    "raw/french_momentum_daily.csv": "'Mom' is -0.5 on 1926-11-04 (first of 11,364 cells)",
    "raw/pystock_20151224.tar.gz": "is an archive of files; unpack it",
    "sp500_realized_variance_2000_2018.parquet": "'open_to_close' is -0.0116",
    "timegan_stock_data.csv": "has no date column among Open, High, Low, Close ...; add a first",
    "lstnet_exchange_rate.txt.gz": "has neither a header nor dates, its first cell is '0.785500'",
}


@pytest.mark.parametrize("name", LOADED)
def test_a_real_file_loads_as_its_readme_says(shared_data, name):
    options, layout, frequency, n_rows, n_assets, first, last, asset, value = LOADED[name]
    prices, report = inspect_prices(shared_data / name, **options)

    assert (report.layout, report.frequency) == (layout, frequency)
    assert prices.shape == (n_rows, n_assets) == (report.n_rows, report.n_assets)
    assert (report.first, report.last) == (first, last)
    assert prices.index.is_monotonic_increasing
    assert prices.index.is_unique
    observed = prices[asset].dropna()
    assert len(observed) > 0.5 * n_rows
    if value is not None:
        assert observed.iloc[-1] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("name", REFUSED)
def test_a_real_file_that_cannot_be_trusted_is_refused_in_one_sentence(shared_data, name):
    with pytest.raises(PriceDataError) as refusal:
        read_prices(shared_data / name)

    text = str(refusal.value)
    assert text.startswith(f"{shared_data / name}: ")
    assert REFUSED[name] in text
    assert "\n" not in text
    assert not text.endswith(".")


def test_every_real_file_is_covered(shared_data):
    files = {
        str(path.relative_to(shared_data))
        for path in shared_data.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert files == LOADED.keys() | REFUSED.keys()


def test_the_semicolon_file_equals_the_clean_one_made_from_it(shared_data):
    raw, raw_report = inspect_prices(shared_data / "raw/assetalloc_semicolon_dmy.csv")
    clean, report = inspect_prices(shared_data / "multi_asset_17_daily_1989_2018.parquet")
    pd.testing.assert_frame_equal(raw, clean)
    assert raw_report.digest == report.digest


def test_clean_parquet_values_arrive_unchanged(shared_data):
    for name in ("etf_18_daily_2006_2018", "us_all_listed_daily_2015_2017"):
        expected = pd.read_parquet(shared_data / f"{name}.parquet")
        np.testing.assert_array_equal(
            read_prices(shared_data / f"{name}.parquet").to_numpy(), expected.to_numpy(float)
        )


def test_scale_flips_and_half_applied_splits_are_reported(shared_data):
    _, aph = inspect_prices(shared_data / "raw/google_finance_APH.csv", asset="APH")
    assert [(s.date, round(1 / s.factor, 1)) for s in aph.split_suspects] == [("2014-09-08", 4.0)]
    assert any("'APH' jumps by a factor 1/4 on 2014-09-08" in text for text in aph.warnings)

    _, hpq = inspect_prices(shared_data / "raw/google_finance_HPQ.csv")
    assert {"1988-01-04", "1989-01-03"} < {s.date for s in hpq.split_suspects}
    assert hpq.n_split_suspects == 9
    assert sum(s.pattern == "scale flip" for s in hpq.split_suspects) == 8

    _, aapl = inspect_prices(shared_data / "raw/lean_AAPL_hourly.zip")
    assert {s.date[:10] for s in aapl.split_suspects} == {
        "2000-06-21", "2005-02-28", "2014-06-09", "2020-08-31",
    }  # fmt: skip
    assert any("ten-thousandths" in text for text in aapl.warnings)


def test_rules_of_the_overlapping_downloads_are_stated(shared_data):
    _, report = inspect_prices(shared_data / "raw/yfinance_SPY_1min_tz.csv")
    counts = {rule.name: rule.count for rule in report.rules}
    assert counts["duplicates_dropped"] == 5075
    assert counts["sorted"] == 18
    assert "column 'Adj Close' is empty; another one is read" in report.warnings


def test_epochs_that_contradict_the_dates_are_counted(shared_data):
    _, report = inspect_prices(
        shared_data / "raw/cryptodatadownload_BTCUSDT_1h.csv", duplicates="first"
    )
    assert any(
        text.startswith("91 rows have a date and a numeric time") for text in report.warnings
    )
    assert {rule.name: rule.count for rule in report.rules}["duplicates_dropped"] == 2646


def test_adjusted_prices_of_the_archive_heal_the_split_of_its_raw_ones(shared_data, tmp_path):
    with tarfile.open(shared_data / "raw/pystock_20151224.tar.gz") as archive:
        member = archive.extractfile("prices.csv")
        assert member is not None
        (tmp_path / "prices.csv").write_bytes(member.read())
    prices, report = inspect_prices(tmp_path / "prices.csv")
    assert report.layout == "long"
    assert prices["NKE"].tolist() == [64.355003, 63.18]
    raw = read_prices(tmp_path / "prices.csv", column="close")
    assert raw["NKE"].tolist() == [128.710007, 63.18]
