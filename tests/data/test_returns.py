"""Returns exist only where both prices do, and slices look neither ahead nor copy."""

import datetime

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fingan.data.returns import ReturnTable, log_returns
from fingan.errors import PriceDataError


@pytest.fixture
def prices() -> pd.DataFrame:
    dates = pd.bdate_range("2020-01-01", periods=6, name="date")
    values = {"A": [1.0, 2.0, np.nan, 4.0, 8.0, 8.0], "B": [np.nan, np.nan, 3.0, 3.0, 6.0, np.nan]}
    return pd.DataFrame(values, dates)


def test_a_missing_price_leaves_no_return_before_and_after_it(prices):
    table = log_returns(prices)
    expected = [[True, False], [False, False], [False, True], [True, True], [True, False]]
    assert table.observed.tolist() == expected
    assert table.values[0, 0].item() == pytest.approx(np.log(2))
    assert table.dates.equals(prices.index[1:])
    assert table.values.dtype == torch.float64


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_prices_to_returns_and_back(seed):
    random = np.random.default_rng(seed)
    values = np.exp(random.normal(size=(30, 3)))
    frame = pd.DataFrame(values, pd.bdate_range("2020-01-01", periods=30), list("ABC"))
    table = log_returns(frame)
    back = values[0] * np.exp(table.values.numpy().cumsum(axis=0))
    np.testing.assert_allclose(back, values[1:], rtol=1e-12)

    simple = frame.pct_change().iloc[1:]
    simple.attrs["kind"] = "simple_return"
    torch.testing.assert_close(log_returns(simple).values, table.values, rtol=1e-9, atol=1e-12)


def test_levels_give_differences_and_log_returns_themselves(prices):
    levels = prices - 5
    levels.attrs["kind"] = "level"
    assert log_returns(levels).values[:1, 0].tolist() == [1.0]
    returns = prices.copy()
    returns.attrs["kind"] = "log_return"
    table = log_returns(returns)
    assert len(table.dates) == 6
    np.testing.assert_array_equal(table.values.numpy(), returns.to_numpy())


def test_slices_share_memory_and_hold_nothing_after_their_end(prices):
    table = log_returns(prices)
    until = table.until("2020-01-03")
    assert until.dates[-1] == pd.Timestamp("2020-01-03")
    assert until.values.data_ptr() == table.values.data_ptr()
    between = table.between("2020-01-03", "2020-01-06")
    assert between.dates.tolist() == [pd.Timestamp("2020-01-03"), pd.Timestamp("2020-01-06")]
    assert between.values.data_ptr() == table.values[1:].data_ptr()
    assert len(table.until("1999-01-01").dates) == 0
    assert len(table.between("2020-01-06", "2020-01-03").dates) == 0


def test_changing_later_prices_changes_no_earlier_return(prices):
    changed = prices.copy()
    changed.iloc[4:] = 99.0
    before = log_returns(prices).until(prices.index[3])
    after = log_returns(changed).until(prices.index[3])
    torch.testing.assert_close(before.values, after.values, equal_nan=True, rtol=0, atol=0)


def test_a_day_includes_its_bars_and_a_time_stands_for_itself():
    dates = pd.date_range("2020-01-01", periods=48, freq="h", name="date")
    table = log_returns(pd.DataFrame({"A": np.arange(1.0, 49)}, dates))
    assert table.until("2020-01-01").dates[-1] == pd.Timestamp("2020-01-01 23:00")
    assert table.until(datetime.date(2020, 1, 1)).dates[-1] == pd.Timestamp("2020-01-01 23:00")
    assert table.until("2020-01-01 05:00").dates[-1] == pd.Timestamp("2020-01-01 05:00")


def test_a_saved_table_opens_equal(prices, tmp_path):
    prices.attrs["kind"] = "level"
    table = log_returns(prices)
    table.save(tmp_path / "returns.safetensors")
    opened = ReturnTable.open(tmp_path / "returns.safetensors")
    assert (opened.assets, opened.kind) == (table.assets, "level")
    assert opened.dates.equals(table.dates)
    torch.testing.assert_close(opened.values, table.values, equal_nan=True, rtol=0, atol=0)
    assert [path.name for path in tmp_path.iterdir()] == ["returns.safetensors"]


def test_a_file_that_is_no_table_of_returns_is_refused(tmp_path):
    path = tmp_path / "returns.safetensors"
    with pytest.raises(PriceDataError, match="there is no such file"):
        ReturnTable.open(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(PriceDataError, match="is no table of returns, or damaged"):
        ReturnTable.open(path)


def test_shapes_must_agree():
    dates = pd.bdate_range("2020-01-01", periods=3)
    with pytest.raises(ValueError, match=r"values must have shape \(3, 1\), got \(2, 1\)"):
        ReturnTable(("A",), dates, torch.zeros(2, 1, dtype=torch.float64))
