"""Small poisoned files: each defect is refused with its mend or handled by a stated rule."""

import contextlib
import gzip
import io
import zipfile

import fsspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fingan.data.prices import inspect_prices, read_prices
from fingan.data.quality import data_digest
from fingan.errors import PriceDataError

ROWS = "2020-01-02,10,20\n2020-01-03,11,21\n2020-01-06,12,22\n"
WIDE = "date,A,B\n" + ROWS
BAR = "Date,Open,High,Low,Close,Volume\n"

REFUSED = {
    "price of zero": (
        "date,A\n2020-01-02,1\n2020-01-03,0\n2020-01-06,0\n",
        "'A' is 0 on 2020-01-03 (first of 2 cells); prices must be positive",
    ),
    "oil": (
        "date,WTI\n2020-04-17,18.27\n2020-04-20,-37.63\n2020-04-21,10.01\n",
        "'WTI' is -37.63 on 2020-04-20 (first of 1 cells)",
    ),
    "too large": ("date,A\n2020-01-02,1\n2020-01-03,1e400\n", "'A' is inf on 2020-01-03"),
    "infinite": ("date,A\n2020-01-02,1\n2020-01-03,inf\n", "'A' is 'inf' on 2020-01-03"),
    "word": ("date,A\n2020-01-02,1\n2020-01-03,n0ne\n", "'A' is 'n0ne' on 2020-01-03"),
    "unit in a price": ("date,A\n2020-01-02,1\n2020-01-03,1.2M\n", "'A' is '1.2M' on 2020-01-03"),
    "percent in a price": ("date,A\n2020-01-02,1\n2020-01-03,5%\n", "'A' is '5%' on 2020-01-03"),
    "hexadecimal": ("date,A\n2020-01-02,1\n2020-01-03,0x1F\n", "'A' is '0x1F' on 2020-01-03"),
    "underscore": ("date,A\n2020-01-02,1\n2020-01-03,1_000\n", "'A' is '1_000' on 2020-01-03"),
    "two values": (
        "date,A,B\n2020-01-02,1,5\n2020-01-03,2,6\n2020-01-03,2,7\n",
        "'B' is 6 and 7 on 2020-01-03 (first of 1 such dates); a date must have one value",
    ),
    "column twice": (
        "date,A,A\n" + ROWS, "column 'A' appears twice; rename or remove one of them",
    ),
    "wide row": ("date,A\n" + ROWS, "line 2 has 3 cells and the first line 2"),
    "open quote": ('date,A\n2020-01-02,"1\n2020-01-03,2\n', "quotation mark that is never closed"),
    "ambiguous dates": (
        "date,A\n03/04/2020,1\n04/05/2020,2\n05/06/2020,3\n",
        "dates like '03/04/2020' can be read as dmy and as mdy throughout; pass the order",
    ),
    "mixed dates": (
        "date,A\n13/04/2020,1\n14/05/2020,2\n05/16/2020,3\n",
        "dates must share one order of day and month, got '13/04/2020' and '05/16/2020'",
    ),
    "no such day": (
        "date,A\n2020-02-28,1\n2020-02-30,2\n", "row 2 has '2020-02-30' for a date (first of 1",
    ),
    "far date": ("date,A\n2020-02-28,1\n9999-12-31,2\n", "row 2 has '9999-12-31' for a date"),
    "far short year": ("date,A\n25/12/49,1\n26/12/49,2\n", "years of two digits must lie in 1969-"),
    "offset missing": (
        "date,A\n2020-01-02T10:00Z,1\n2020-01-02T11:00,2\n", "row 2 has no UTC offset while others",
    ),
    "value without date": ("date,A\n2020-01-02,1\n,2\n2020-01-06,3\n", "row 2 has values and no"),
    "ambiguous numbers": (
        "date;A\n2020-01-02;1.234\n2020-01-03;1.235\n",
        "read with a decimal point and with a decimal comma throughout; pass the decimal sign",
    ),
    "mixed numbers": (
        "date;A\n2020-01-02;1.234,5\n2020-01-03;1235.5\n", "numbers must share one decimal sign",
    ),
    "no dates": ("A,B,C\n1,2,3\n4,5,6\n", "has no date column among A, B, C ...; add a first"),
    "dates that are none": ("date,A\nfoo,1\nbar,2\n", "column 'date' must hold dates, it starts"),
    "row numbers": (
        "1.5,2.5\n1.6,2.6\n", "has neither a header nor dates, its first cell is '1.5'",
    ),
    "no names": (ROWS, "has no header and its columns are not plainly open, high, low, close"),
    "nameless column": ("date,,B\n2020-01-02,1.5,2\n2020-01-03,1.6,3\n", "column 2 has no name"),
    "one column": ("date\n2020-01-02\n", "has a single column"),
    "one row": ("date,A\n2020-01-02,1\n", "must hold values on at least two dates, it holds 1"),
    "only a header": ("date,A\n", "holds no rows"),
    "nothing": ("", "is empty"),
    "blank": ("\n\n  \n", "is empty"),
    "no value": ("date,A\n2020-01-02,\n2020-01-03,\n", "at least two dates, it holds 0"),
    "asset without name": (
        "date,symbol,close\n2020-01-02,A,1\n2020-01-03,,2\n", "row 2 names no asset",
    ),
    "control characters": ("date,A\x1b[31m\n2020-01-02,1\n", "column names must be printable"),
    "zero bytes": (b"date,A\n2020-01-02,\x001\n", "holds zero bytes"),
    "latin": ("date,Título\n2020-01-02,1\n".encode("latin-1"), "is not UTF-8 text"),
    "gzip as csv": (gzip.compress(WIDE.encode()), "is gzip data by its first bytes"),
}  # fmt: skip


@pytest.mark.parametrize("defect", REFUSED)
def test_a_defect_is_refused_in_one_sentence(write, defect):
    text, message = REFUSED[defect]
    path = write(text)
    with pytest.raises(PriceDataError) as refusal:
        read_prices(path)
    assert message in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)
    assert not str(refusal.value).endswith(".")


# defect: text, options, dates, values, name of the rule
HANDLED = {
    "newest first": (
        "date,A\n2020-01-03,2\n2020-01-02,1\n", {}, ["2020-01-02", "2020-01-03"], [1, 2],
        "newest_first",
    ),
    "unsorted": (
        "date,A\n2020-01-03,2\n2020-01-02,1\n2020-01-06,3\n", {},
        ["2020-01-02", "2020-01-03", "2020-01-06"], [1, 2, 3], "sorted",
    ),
    "same row twice": (
        "date,A\n2020-01-02,1\n2020-01-03,2\n2020-01-03,2\n", {}, ["2020-01-02", "2020-01-03"],
        [1, 2], "duplicates_dropped",
    ),
    "first of two values": (
        "date,A\n2020-01-02,1\n2020-01-03,2\n2020-01-03,3\n", {"duplicates": "first"},
        ["2020-01-02", "2020-01-03"], [1, 2], "conflicts_resolved",
    ),
    "last of two values": (
        "date,A\n2020-01-02,1\n2020-01-03,2\n2020-01-03,3\n", {"duplicates": "last"},
        ["2020-01-02", "2020-01-03"], [1, 3], "conflicts_resolved",
    ),
    "snapshot": (
        "date,close,volume\n11:34,3,1\n2020-01-03,2,1\n2020-01-02,1,1\n", {},
        ["2020-01-02", "2020-01-03"], [1, 2], "snapshot_rows_dropped",
    ),
    "day first by its days": (
        "date,A\n02/01/2020,1\n13/01/2020,2\n", {}, ["2020-01-02", "2020-01-13"], [1, 2],
        "date_order",
    ),
    "month first by its days": (
        "date,A\n01/02/2020,1\n01/13/2020,2\n", {}, ["2020-01-02", "2020-01-13"], [1, 2],
        "date_order",
    ),
    "day first by its course": (
        "date,A\n01/02/2020,1\n02/02/2020,2\n01/03/2020,3\n", {},
        ["2020-02-01", "2020-02-02", "2020-03-01"], [1, 2, 3], "date_order",
    ),
    "day first by statement": (
        "date,A\n03/04/2020,1\n04/05/2020,2\n", {"date_order": "dmy"},
        ["2020-04-03", "2020-05-04"], [1, 2], "date_order",
    ),
    "month first by statement": (
        "date,A\n03/04/2020,1\n04/05/2020,2\n", {"date_order": "mdy"},
        ["2020-03-04", "2020-04-05"], [1, 2], "date_order",
    ),
    "short years": (
        "date,A\n12/30/99,1\n01/03/00,2\n", {}, ["1999-12-30", "2000-01-03"], [1, 2],
        "short_years",
    ),
    "closing times": (
        "date,A\n2020-03-06 16:00:00-05:00,1\n2020-03-09 16:00:00-04:00,2\n", {},
        ["2020-03-06", "2020-03-09"], [1, 2], "times_dropped",
    ),
    "bars with an offset": (
        "date,A\n2020-03-06 10:00-05:00,1\n2020-03-06 11:00-05:00,2\n", {},
        ["2020-03-06 15:00", "2020-03-06 16:00"], [1, 2], "times_to_utc",
    ),
    "months": (
        "month,A\n2020-01,1\n2020-02,2\n", {}, ["2020-01-31", "2020-02-29"], [1, 2], "month_ends",
    ),
    "epochs": (
        "timestamp,A\n1577923200000,1\n1577926800000,2\n", {},
        ["2020-01-02 00:00", "2020-01-02 01:00"], [1, 2], "epochs",
    ),
    "row counter": (
        ",date,A\n0,2020-01-02,1\n1,2020-01-03,2\n", {}, ["2020-01-02", "2020-01-03"], [1, 2],
        "row_numbers_dropped",
    ),
    "short row": (
        BAR + "2020-01-02,1,1,1,1\n2020-01-03,2,2,2,2,5\n", {}, ["2020-01-02", "2020-01-03"],
        [1, 2], "short_rows",
    ),
    "adjusted close": (
        "Date,Close,Adj Close\n2020-01-02,1,0.5\n2020-01-03,2,1\n", {},
        ["2020-01-02", "2020-01-03"], [0.5, 1], "adjusted_preferred",
    ),
    "headerless bar, high before low": (
        "2020.01.02,00:00,2,4,1,3,9\n2020.01.03,00:00,3,5,2,4,9\n", {},
        ["2020-01-02", "2020-01-03"], [3, 4], "headerless_bar",
    ),
    "headerless bar, close before high": (
        "1577923200000,2,3,4,1,9\n1577926800000,3,4,5,2,9\n", {},
        ["2020-01-02 00:00", "2020-01-02 01:00"], [3, 4], "headerless_bar",
    ),
    "empty edges": (
        "date,A\n2020-01-01,\n2020-01-02,1\n2020-01-03,2\n2020-01-06,.\n", {},
        ["2020-01-02", "2020-01-03"], [1, 2], "empty_edges_dropped",
    ),
    "oil as a level": (
        "date,WTI\n2020-04-20,-37.63\n2020-04-21,10.01\n", {"allow_negative": True},
        ["2020-04-20", "2020-04-21"], [-37.63, 10.01], "prices_as_levels",
    ),
    "percent": (
        "date,A\n2020-01-02,1.5\n2020-01-03,-2\n", {"kind": "simple_return", "scale": 0.01},
        ["2020-01-02", "2020-01-03"], [0.015, -0.02], "scaled",
    ),
}  # fmt: skip


@pytest.mark.parametrize("defect", HANDLED)
def test_a_defect_is_handled_by_a_stated_rule(write, defect):
    text, options, dates, values, rule = HANDLED[defect]
    prices, report = inspect_prices(write(text), **options)
    assert prices.index.tolist() == [pd.Timestamp(date) for date in dates]
    assert prices.iloc[:, 0].to_numpy() == pytest.approx(values)
    assert rule in {applied.name for applied in report.rules}


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("1,234.5", "12.5"), (1234.5, 12.5)),
        (("86,05,75,000", "1,00,000.5"), (860575000, 100000.5)),
        (("$1,234", "$12"), (1234, 12)),
        (("1.234,5", "12,5"), (1234.5, 12.5)),
        (("1.234.567", "1.000.000"), (1234567, 1000000)),
        (("+5", ".5"), (5, 0.5)),
        (("5.", "1e3"), (5, 1000)),
        (("0,853", "0,854"), (0.853, 0.854)),
    ],
)
def test_numbers_are_read_as_people_write_them(write, cells, values):
    text = 'date,A\n2020-01-02,"{}"\n2020-01-03,"{}"\n'.format(*cells)
    assert read_prices(write(text))["A"].to_numpy() == pytest.approx(values)


def test_points_group_thousands_where_other_columns_prove_the_decimal_comma(write):
    text = "Data;Ultimo;Volume\n02/01/2020;141.264;3,31B\n13/01/2020;98.100;4,1B\n"
    assert read_prices(write(text)).iloc[:, 0].tolist() == [141264, 98100]


@pytest.mark.parametrize(("decimal", "value"), [(".", 1.234), (",", 1234.0)])
def test_the_decimal_sign_can_be_stated(write, decimal, value):
    text = "date;A\n2020-01-02;1.234\n2020-01-03;1.235\n"
    assert read_prices(write(text), decimal=decimal).iloc[0, 0] == value


@pytest.mark.parametrize("cell", ["", ".", "-", "null", "NaN", "#N/A N/A", "n/a", "None"])
def test_missing_cells_stay_missing_and_are_never_filled(write, cell):
    prices, report = inspect_prices(
        write(f"date,A\n2020-01-02,1\n2020-01-03,{cell}\n2020-01-06,2\n")
    )
    assert np.isnan(prices["A"].iloc[1])
    assert report.assets[0].n_missing == 1


def test_tickers_survive_as_text(write):
    tickers = ["NA", "ON", "NO", "0123", "TRUE", "NULL", "1e5", "RIC", "COIN", "DATA", "LOW"]
    header = "date," + ",".join(tickers) + "\n"
    rows = "".join(
        f"2020-01-0{day}," + ",".join(f"{day}.{place + 1}" for place in range(len(tickers))) + "\n"
        for day in (2, 3)
    )
    assert read_prices(write(header + rows)).columns.tolist() == tickers

    long = "date,symbol,close\n" + "".join(
        f"2020-01-0{day},{ticker},{day}\n" for ticker in tickers for day in (2, 3)
    )
    assert read_prices(write(long)).columns.tolist() == tickers


def test_numbers_serve_as_names_of_assets(write):
    prices = read_prices(write(",600000,600001\n2020-01-02,1,2\n2020-01-03,1.5,3\n"))
    assert prices.columns.tolist() == ["600000", "600001"]


def test_two_level_columns_give_one_asset_each_adjusted_where_there_is_data(write):
    text = (
        "Price,Adj Close,Adj Close,Close,Close\nTicker,A,B,A,B\nDate,,,,\n"
        "2020-01-02,1,,5,7\n2020-01-03,2,,6,8\n"
    )
    prices = read_prices(write(text))
    assert prices["A"].tolist() == [1, 2]
    assert prices["B"].tolist() == [7, 8]


def test_layout_and_column_override_what_is_detected(write):
    path = write(BAR + "2020-01-02,1,4,1,2,9\n2020-01-03,2,5,2,3,9\n")
    assert read_prices(path).columns.tolist() == ["prices"]
    assert read_prices(path, layout="wide").shape == (2, 5)
    assert read_prices(path, column="High", asset="X")["X"].tolist() == [4, 5]
    with pytest.raises(PriceDataError, match="has no column 'Settle'; it has Open, High, Low"):
        read_prices(path, column="Settle")
    with pytest.raises(PriceDataError, match="long layout needs a column of assets"):
        read_prices(path, layout="long")
    with pytest.raises(PriceDataError, match="has no column of returns for kind 'log_return'"):
        read_prices(path, kind="log_return")


def test_a_stated_option_must_be_one_of_its_choices(write):
    path = write(WIDE)
    with pytest.raises(ValueError, match="layout must be one of wide, long, ohlcv, got 'tall'"):
        read_prices(path, layout="tall")
    with pytest.raises(ValueError, match="scale must be positive and finite, got 0"):
        read_prices(path, scale=0.0)


def test_simple_returns_at_or_below_minus_one_are_refused(write):
    with pytest.raises(PriceDataError, match=r"'A' is -1.5 on 2020-01-03 .* pass scale 0.01"):
        read_prices(write("date,A\n2020-01-02,1\n2020-01-03,-1.5\n"), kind="simple_return")


def test_percent_signs_divide_returns_by_a_hundred(write):
    path = write("date,A\n2020-01-02,1.5%\n2020-01-03,-0.60%\n")
    assert read_prices(path, kind="simple_return")["A"].to_numpy() == pytest.approx([0.015, -0.006])


def test_closes_outside_low_and_high_are_counted(write):
    path = write(BAR + "2020-01-02,1,4,1,2,9\n2020-01-03,2,5,2,8,9\n")
    _, report = inspect_prices(path)
    assert "the close lies outside low and high in 1 rows (first 2020-01-03)" in report.warnings


@pytest.mark.parametrize("name", ["VIX", "DGS10", "^TNX"])
def test_levels_read_as_prices_are_pointed_out(write, name):
    _, report = inspect_prices(write(WIDE.replace("A", name)))
    assert any("looks like a yield or a volatility index" in text for text in report.warnings)


# ------------------------------------------------------------------------------ sources


def test_packed_files_and_urls_give_the_same_table(write, tmp_path):
    expected = read_prices(write(WIDE))
    packed = write(gzip.compress(WIDE.encode()), "prices.csv.gz")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside.csv", WIDE)
    fsspec.filesystem("memory").pipe("/prices.csv", WIDE.encode())
    expected.to_parquet(tmp_path / "prices.parquet")
    fsspec.filesystem("memory").pipe("/p.parquet", (tmp_path / "prices.parquet").read_bytes())
    for source in (
        packed,
        write(archive.getvalue(), "prices.zip"),
        f"file://{tmp_path}/prices.csv",
        "memory://prices.csv",
        "memory://p.parquet",
        tmp_path / "prices.parquet",
        write("\ufeff" + WIDE.replace("\n", "\r\n"), "bom.csv"),
        write(WIDE.replace(",", "\t"), "prices.tsv"),
        write(WIDE.encode("utf-16"), "utf16.csv"),
    ):
        pd.testing.assert_frame_equal(read_prices(source), expected)


SOURCES = {
    "absent.csv": "there is no such file",
    "absent.parquet": "there is no such file",
    "memory://absent.csv": "there is no such file",
    "nosuch://x.csv": "cannot be opened: Protocol not known: nosuch",
    "folder.csv": "is a directory; pass one price file",
    "prices.xlsx": "is a spreadsheet; save the sheet as CSV",
    "prices.tar.gz": "is an archive of files; unpack it",
    "prices.json": "a price file must end in .csv, .txt, .tsv",
    "cut.csv.gz": "is damaged or no gzip file; fetch it again",
    "cut.zip": "is damaged or no zip file; fetch it again",
    "two.zip": "a zip file must hold one CSV and nothing else, this one holds 2 files",
    "/dev/zero": "a price file must end in",
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_is_no_price_file_is_refused(write, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    write(gzip.compress(WIDE.encode() * 50)[:-30], "cut.csv.gz")
    write(b"PK\x03\x04 nothing", "cut.zip")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as file:
        file.writestr("a.csv", WIDE)
        file.writestr("b.csv", WIDE)
    with pytest.raises(PriceDataError) as refusal:
        read_prices(name)
    assert str(refusal.value).startswith(f"{name}: {SOURCES[name]}")
    assert "\n" not in str(refusal.value)


def test_sizes_are_capped_before_and_while_unpacking(write):
    assert len(read_prices(write(WIDE), max_bytes=len(WIDE))) == 3
    with pytest.raises(
        PriceDataError, match="holds more than 20 bytes; split it, or raise max_byt"
    ):
        read_prices(write(WIDE), max_bytes=20)
    bomb = gzip.compress(b"0" * 80_000_000)
    with pytest.raises(PriceDataError, match="holds more than 67,108,864 bytes"):
        read_prices(write(bomb, "bomb.csv.gz"))
    wide = "date" + ",x" * 20_000 + "\n"
    with pytest.raises(PriceDataError, match="has 20,001 columns; at most 20,000 are read"):
        read_prices(write(wide + wide))


def test_bundled_data_have_names():
    stocks, report = inspect_prices("sp500-20")
    assert stocks.shape == (8313, 20)
    assert stocks.attrs == {"kind": "price", "source": "sp500-20"}
    assert report.frequency == "daily"
    index = read_prices("sp500-index")
    assert index.columns.tolist() == ["SP500"]
    pd.testing.assert_index_equal(index.index, stocks.index)


# ------------------------------------------------------------------------------ tables


def test_a_table_is_checked_like_a_file_and_a_checked_one_passes_unchanged(write):
    prices = read_prices(write(WIDE))
    again = read_prices(prices)
    pd.testing.assert_frame_equal(again, prices)
    assert again.attrs == prices.attrs
    assert again is not prices

    spoiled = prices.copy()
    spoiled.iloc[1, 0] = -1.0
    with pytest.raises(PriceDataError, match="'A' is -1 on 2020-01-03"):
        read_prices(spoiled)
    returns = read_prices(prices.pct_change().iloc[1:], kind="simple_return")
    assert read_prices(returns).attrs["kind"] == "simple_return"


def test_reading_leaves_the_given_table_as_it_was(write):
    prices = read_prices(write(WIDE))[::-1]
    before = prices.copy()
    read_prices(prices)
    pd.testing.assert_frame_equal(prices, before)


prices_tables = st.builds(
    lambda seed, n_days, n_assets, freq: _table(seed, n_days, n_assets, freq),
    st.integers(0, 2**32 - 1),
    st.integers(13, 40),
    st.integers(2, 5),
    st.sampled_from(["B", "D", "h", "5min", "ME"]),
)


def _table(seed: int, n_days: int, n_assets: int, freq: str) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    dates = pd.date_range("2019-12-20", periods=n_days, freq=freq, name="date").as_unit("ns")
    values = np.exp(random.normal(size=(n_days, n_assets)) * 3)
    values[random.random(values.shape) < 0.2] = np.nan
    values[[0, -1]] = random.random((2, n_assets)) + 0.5
    names = [f"{'NA' if place == 0 else 'T'}{place}" for place in range(n_assets)]
    return pd.DataFrame(values, dates, pd.Index(names, dtype="str"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=prices_tables,
    sep=st.sampled_from([",", ";", "\t"]),
    style=st.sampled_from(["wide", "long"]),
)
def test_what_is_written_to_text_is_read_back_exactly(tmp_path, table, sep, style):
    path = tmp_path / "table.csv"
    if style == "wide":
        table.to_csv(path, sep=sep)
    else:
        table.melt(ignore_index=False, var_name="symbol").to_csv(path, sep=sep)
    read = read_prices(path, layout=style)
    pd.testing.assert_frame_equal(read, table, check_freq=False)
    assert data_digest(read) == data_digest(table)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=prices_tables)
def test_what_is_written_to_parquet_is_read_back_exactly(tmp_path, table):
    table.to_parquet(tmp_path / "wide.parquet")
    pd.testing.assert_frame_equal(read_prices(tmp_path / "wide.parquet"), table, check_freq=False)
    table.melt(ignore_index=False, var_name="symbol").reset_index().to_parquet(
        tmp_path / "long.parquet", index=False
    )
    pd.testing.assert_frame_equal(read_prices(tmp_path / "long.parquet"), table, check_freq=False)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m-%d-%y", "%d-%b-%Y"]),
    start=st.dates(pd.Timestamp("1975-01-01").date(), pd.Timestamp("2020-01-01").date()),
    n_days=st.integers(2, 60),
    backwards=st.booleans(),
)
def test_day_and_month_are_never_swapped(tmp_path, order, start, n_days, backwards):
    dates = pd.bdate_range(start, periods=n_days, name="date")
    table = pd.DataFrame({"A": np.arange(1.0, n_days + 1)}, dates)
    written = table[::-1] if backwards else table
    written.to_csv(tmp_path / "dates.csv", date_format=order)
    with contextlib.suppress(PriceDataError):  # the order of day and month is left open
        read = read_prices(tmp_path / "dates.csv")
        assert read.index.tolist() == dates.tolist()
