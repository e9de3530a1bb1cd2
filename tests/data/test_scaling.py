"""Scaling is fitted on the observed returns of the training span, and can be undone."""

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError


def make_table(seed: int, n_days: int = 50) -> ReturnTable:
    values = torch.randn(
        n_days, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    values[5:9, 1] = torch.nan
    dates = pd.bdate_range("2020-01-01", periods=n_days)
    return ReturnTable(("A", "B", "C"), dates, 0.01 * values + 0.001)


@given(seed=st.integers(0, 2**31), scale=st.floats(1e-3, 1e3))
@settings(max_examples=20)
def test_inverse_undoes_transform(seed, scale):
    scaler = ReturnScaler.fit(make_table(seed))
    generator = torch.Generator().manual_seed(seed)
    paths = scale * torch.randn(4, 7, 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(scaler.inverse(scaler.transform(paths)), paths, rtol=1e-9, atol=1e-9)


def test_training_returns_are_centred_with_unit_spread_where_observed():
    table = make_table(1)
    scaled = ReturnScaler.fit(table).transform(table.values)
    assert torch.equal(scaled.isnan(), table.values.isnan())
    for column in scaled.T:
        seen = column[~column.isnan()]
        assert seen.mean().item() == pytest.approx(0, abs=1e-12)
        assert seen.std().item() == pytest.approx(1)


def test_nothing_after_the_training_span_is_used():
    table = make_table(2)
    later = table.values.clone()
    later[30:] = 1e6
    changed = ReturnTable(table.assets, table.dates, later)
    date = table.dates[29]
    one, two = ReturnScaler.fit(table.until(date)), ReturnScaler.fit(changed.until(date))
    assert torch.equal(one.mean, two.mean)
    assert torch.equal(one.std, two.std)


def test_an_asset_that_never_moves_is_refused():
    table = make_table(3)
    table.values[:, 2] = 0.0
    with pytest.raises(PriceDataError, match="'C' must have at least two different returns"):
        ReturnScaler.fit(table)
    table.values[:, 1] = torch.nan
    with pytest.raises(PriceDataError, match="'B' must have at least two different returns"):
        ReturnScaler.fit(table)
