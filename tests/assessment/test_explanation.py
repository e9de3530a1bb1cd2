import json
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from replays import garch_returns, return_table

from fingan.assessment.explanation import (
    FEATURES,
    TOGETHER,
    VOLATILITY,
    explain,
)
from fingan.data.returns import log_returns
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
    silent, loud = (one.innovations.exit.weight for one in half.model.generators)
    silent.zero_()
    loud.fill_(0.02)
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
