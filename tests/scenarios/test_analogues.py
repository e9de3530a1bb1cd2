from itertools import pairwise

import pandas as pd
import pytest
import torch
from replays import garch_returns, return_table

from fingan.data.scaling import ReturnScaler
from fingan.scenarios.analogues import factor_split, nearest_windows


@pytest.fixture(scope="module")
def history():
    return return_table(garch_returns(0, 1000, 4))


def test_a_real_window_finds_itself_by_its_dates(history):
    path = history.values[990:]
    nearest, second, third = nearest_windows(path, history)
    assert nearest["first"] == f"{history.dates[990]:%Y-%m-%d}"
    assert nearest["last"] == f"{history.dates[999]:%Y-%m-%d}"
    assert nearest["share_farther"] == pytest.approx(990 / 991)
    assert nearest["distance"] < second["distance"] < third["distance"]


def test_a_window_is_found_whatever_the_volatility_it_is_rescaled_to(history):
    calm = return_table(torch.cat([history.values, 0.4 * history.values[-300:]]))
    path = 0.4 * history.values[400:420]
    assert nearest_windows(path, calm)[0]["first"] == f"{calm.dates[400]:%Y-%m-%d}"


def test_nearest_windows_do_not_overlap(history):
    found = nearest_windows(garch_returns(7, 30, 4), history)
    firsts = sorted(pd.Timestamp(window["first"]) for window in found)
    assert all(len(pd.bdate_range(a, b)) > 30 for a, b in pairwise(firsts))


def test_a_history_too_short_for_the_horizon_has_no_nearest_window(history):
    assert nearest_windows(garch_returns(7, 251, 4), history) is None


def test_shares_of_all_factors_and_the_residual_sum_to_one():
    training = return_table(garch_returns(0, 1000, 8))
    split = factor_split(garch_returns(7, 20, 8), training)
    shares = [factor["share"] for factor in split["factors"]]
    assert len(shares) == 5
    assert sum(shares) + split["residual_share"] == pytest.approx(1)
    assert split["residual_share"] > 0.01


def test_a_move_along_the_market_is_all_of_the_first_factor():
    training = return_table(garch_returns(0, 4000, 3) @ torch.ones(3, 3).double().tril())
    scaler = ReturnScaler.fit(training)
    scaled = scaler.transform(training.values)
    vector = torch.linalg.svd(scaled, full_matrices=False).Vh[0]
    path = scaler.inverse(-0.5 * vector.sign()[0] * vector.expand(4, 3))
    first, *others = factor_split(path, training)["factors"]
    assert first["share"] > 0.99
    assert max(factor["share"] for factor in others) < 0.01
    assert first["move"] < 0 < min(first["loadings"].values())


def test_one_asset_has_no_factors(history):
    assert factor_split(history.values[:10, :1], return_table(history.values[:, :1])) is None
