"""A Parquet file of unknown origin cannot end the process, whatever is in it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fingan.data.prices import read_prices
from fingan.errors import PriceDataError


@pytest.fixture
def prices() -> pd.DataFrame:
    random = np.random.default_rng(1)
    dates = pd.bdate_range("2020-01-01", periods=60, name="date").as_unit("ns")
    return pd.DataFrame(np.exp(random.normal(size=(60, 3))), dates, columns=list("ABC"))


def test_flipped_bits_are_read_or_refused_and_never_fatal(prices, tmp_path):
    path = tmp_path / "prices.parquet"
    prices.to_parquet(path)
    content = path.read_bytes()
    random = np.random.default_rng(2)
    n_refused = 0
    for place in random.integers(0, len(content), 24):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(random.integers(8))
        path.write_bytes(flipped)
        try:
            read_prices(path)
        except PriceDataError:
            n_refused += 1
    assert 0 < n_refused < 24


def test_a_file_cut_short_is_unreadable(prices, tmp_path):
    path = tmp_path / "prices.parquet"
    prices.to_parquet(path)
    content = path.read_bytes()
    for size in (0, 3, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(PriceDataError, match="unreadable: it is damaged, cut short or no Parq"):
            read_prices(path)


def test_a_wrong_page_is_noticed_where_the_writer_left_check_sums(prices, tmp_path):
    path = tmp_path / "prices.parquet"
    table = pa.Table.from_pandas(prices)
    pq.write_table(table, path, write_page_checksum=True, compression="none", use_dictionary=False)
    content = bytearray(path.read_bytes())
    place = content.find(prices["B"].to_numpy().tobytes())
    assert place > 0
    content[place + 3] ^= 4
    path.write_bytes(content)
    with pytest.raises(PriceDataError, match="unreadable"):
        read_prices(path)


def test_a_file_too_large_is_refused_before_it_is_parsed(prices, tmp_path, monkeypatch):
    path = tmp_path / "prices.parquet"
    prices.to_parquet(path)
    with pytest.raises(PriceDataError, match=r"more than 100; split it, or raise max_bytes"):
        read_prices(path, max_bytes=100)
    monkeypatch.setattr("fingan.data.parquet.MAX_CELLS", 200)
    with pytest.raises(PriceDataError, match="has 240 cells; at most 200 are read"):
        read_prices(path)
    monkeypatch.setattr("fingan.data.parquet.MAX_COLUMNS", 3)
    with pytest.raises(PriceDataError, match="has 4 columns; at most 3 are read"):
        read_prices(path)


def test_columns_that_are_no_numbers_are_named(prices, tmp_path):
    path = tmp_path / "prices.parquet"
    prices.assign(B=[[1.0, 2.0]] * len(prices)).to_parquet(path)
    with pytest.raises(PriceDataError, match="column 'B' holds list"):
        read_prices(path)
    prices.assign(B="many").to_parquet(path)
    with pytest.raises(PriceDataError, match="'B' is 'many' on 2020-01-01"):
        read_prices(path)


def test_two_level_columns_and_other_types_of_number_are_read(prices, tmp_path):
    path = tmp_path / "prices.parquet"
    frame = pd.concat({"Close": prices[["A", "B"]], "Volume": prices[["A", "B"]]}, axis=1)
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(read_prices(path), prices[["A", "B"]], check_freq=False)

    dates = pa.array(prices.index.date)
    cents = pa.array([f"{value:.2f}" for value in prices["A"]]).cast(pa.decimal128(20, 2))
    pq.write_table(pa.table({"date": dates, "A": cents, "B": np.arange(1, 61)}), path)
    read = read_prices(path)
    np.testing.assert_allclose(read["A"], prices["A"].round(2), atol=0.0051)
    assert read["B"].tolist() == list(range(1, 61))
