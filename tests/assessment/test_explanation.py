import json
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
import torch
from replays import garch_returns, return_table

from fingan.assessment.explanation import (
    FEATURES,
    TOGETHER,
    VOLATILITY,
    explain,
    factor_split,
    nearest_windows,
)
from fingan.data.returns import log_returns
from fingan.data.scaling import ReturnScaler
from fingan.errors import RequestError
from fingan.pipeline import baseline, load_model
from fingan.scenarios.samplers import TrainedSampler

HORIZON = 10


@pytest.fixture(scope="module")
def history():
    return return_table(garch_returns(0, 1000, 4))


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store)


@pytest.fixture
def explained(sampler, garch_prices):
    def explain_path(path: int = 5, by: TrainedSampler = sampler, **request):
        stream = by.stream(garch_prices, HORIZON, 600, **request)
        return explain(by, stream, garch_prices, path)

    return explain_path


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


def test_the_effect_of_all_states_is_the_path_less_the_same_noise_from_a_typical_day(
    explained, sampler, garch_prices
):
    record = explained()
    path = sampler.sample(garch_prices, HORIZON, 6).log_returns[5].double()
    actual = torch.expm1(path.sum(0)).tolist()
    returns = record["terminal_returns"]
    assert [returns[asset] for asset in sampler.assets] == pytest.approx(actual, rel=1e-5)
    assert returns["portfolio"] == pytest.approx(sum(actual) / 4, rel=1e-5)
    effects = {row["state"]: row["effect"] for row in record["states"]}
    assert list(effects) == [VOLATILITY, *FEATURES, TOGETHER]
    assert all(set(effect) == set(returns) for effect in effects.values())
    assert abs(effects[TOGETHER]["portfolio"]) > 1e-6


def test_a_network_that_is_silent_leaves_everything_to_the_starting_volatility(explained, sampler):
    silent = replace(sampler, model=deepcopy(sampler.model))
    for generator in silent.model.generators:
        generator.innovations.exit.weight.zero_()
    rows = {row["state"]: row for row in explained(by=silent)["states"]}
    for feature in FEATURES:
        assert set(rows[feature]["effect"].values()) == {0.0}
    assert rows[VOLATILITY]["effect"] == rows[TOGETHER]["effect"]
    assert rows[VOLATILITY]["effect"]["portfolio"] != 0


def test_a_path_is_explained_by_the_generator_that_drew_it(explained, sampler):
    half = replace(sampler, model=deepcopy(sampler.model))
    half.model.generators[0].innovations.exit.weight.zero_()
    effects = [
        {
            value
            for row in explained(by=half, path=path)["states"]
            if row["state"] in FEATURES
            for value in row["effect"].values()
        }
        for path in (4, 5)
    ]
    assert effects[0] == {0.0}
    assert effects[1] != {0.0}


def test_todays_volatility_makes_a_path_larger_on_a_wild_day_and_smaller_on_a_calm_one(
    explained, sampler, garch_prices
):
    returns = log_returns(garch_prices)
    sizes = sampler.model.conditions(returns).variance.mean(1)[100:].tolist()
    days = {"wild": sizes.index(max(sizes)), "calm": sizes.index(min(sizes))}
    for name, place in days.items():
        record = explained(as_of=f"{returns.dates[place + 99]:%Y-%m-%d}")
        row = record["states"][0]
        assert (row["today"] > row["typical"]) == (name == "wild")
        moves = [record["terminal_returns"][asset] for asset in sampler.assets]
        typical = [m - row["effect"][a] for m, a in zip(moves, sampler.assets, strict=True)]
        assert (sum(map(abs, moves)) > sum(map(abs, typical))) == (name == "wild")


def test_a_baseline_gets_the_parts_that_apply(garch_prices):
    historical = baseline("historical", garch_prices)
    stream = historical.stream(garch_prices, HORIZON, 4)
    record = explain(historical, stream, garch_prices, 3)
    assert record["states"] is None
    assert record["nearest"]
    assert record["factors"]
    assert "only a trained model has a state" in " ".join(record["notes"])


def test_the_record_is_json_and_the_same_again(explained):
    record = explained(seed=9, as_of="2016-06-30")
    assert (
        json.loads(json.dumps(record, allow_nan=False))
        == record
        == explained(seed=9, as_of="2016-06-30")
    )
    assert record["as_of"] == "2016-06-30"
    assert all(window["last"] <= "2016-06-30" for window in record["nearest"])


def test_a_path_that_was_not_drawn_is_refused(explained):
    with pytest.raises(RequestError, match="path must lie in 0 to 599, got 600"):
        explained(600)
