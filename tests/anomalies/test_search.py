import json

import numpy as np
import pandas as pd
import pytest
import torch

from fingan.anomalies.report import record
from fingan.anomalies.search import AnomalyRequest, find_anomalies
from fingan.errors import RequestError
from fingan.pipeline import load_model


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store)


@pytest.fixture(scope="module")
def market(garch_prices):
    """The GARCH market with twice as many days, so that there are held-out ones to calibrate on."""
    random = np.random.default_rng(5)
    returns = np.diff(np.log(garch_prices.to_numpy()), axis=0)
    more = np.vstack([returns, returns[random.permutation(len(returns))]])
    dates = pd.bdate_range(garch_prices.index[0], periods=len(more) + 1, name="date")
    levels = 100 * np.exp(np.vstack([np.zeros(returns.shape[1]), more.cumsum(0)]))
    frame = pd.DataFrame(levels, index=dates, columns=garch_prices.columns)
    frame.attrs = dict(garch_prices.attrs)
    return frame


def with_split(market, date, asset):
    changed = market.copy()
    changed.loc[date:, asset] /= 2
    changed.attrs = dict(market.attrs)
    return changed


def test_a_missed_split_is_the_oddest_window_and_named(sampler, market):
    date = market.index[-120]
    found = record(find_anomalies(sampler, with_split(market, date, "CHARLIE")))
    first = found["windows"][0]
    assert first["first"] <= f"{date:%Y-%m-%d}" <= first["last"]
    assert first["assets"][0]["asset"] == "CHARLIE"
    assert first["days"][0]["date"] == f"{date:%Y-%m-%d}"
    assert first["p"] == pytest.approx(1 / (found["calibration"]["n_windows"] + 1))
    assert found["windows"][1]["score"] < first["score"]


def test_the_record_is_json_and_lists_no_less_than_the_budget(sampler, market):
    request = AnomalyRequest(budget=7)
    found = record(find_anomalies(sampler, market, request))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert len(found["windows"]) == max(7, found["n_flagged"])
    scores = [window["score"] for window in found["windows"]]
    assert scores == sorted(scores, reverse=True)


def test_judged_windows_overlap_neither_each_other_nor_the_calibration(sampler, market):
    request = AnomalyRequest(
        window=4, first=f"{market.index[1000]:%Y-%m-%d}", last=f"{market.index[1200]:%Y-%m-%d}"
    )
    found = find_anomalies(sampler, market, request)
    rows = (found.ends.unsqueeze(1) - torch.arange(4)).flatten()
    used = (found.calibration.unsqueeze(1) - torch.arange(4)).flatten()
    assert len(rows.unique()) == len(rows)
    assert not bool(torch.isin(rows, used).any())
    assert found.evidence.dates[int(found.ends[-1])] == market.index[1200]
    assert found.evidence.dates[int(used.min())] > sampler.fitted_until


def test_days_after_the_span_do_not_change_its_scores(sampler, market):
    last = f"{market.index[1200]:%Y-%m-%d}"
    request = AnomalyRequest(first=f"{market.index[1100]:%Y-%m-%d}", last=last)
    later = with_split(market, market.index[1300], "DOG")
    before, after = (find_anomalies(sampler, table, request) for table in (market, later))
    torch.testing.assert_close(before.scores, after.scores)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (AnomalyRequest(first="2016-01-04"), "from must lie after 2017-12-29"),
        (AnomalyRequest(first="2018-01-02"), "at least 250 held-out windows"),
        (AnomalyRequest(first="2020-02-03", last="2020-02-04"), "at least one window of 5 rows"),
        (AnomalyRequest(first="2020"), "must be a date such as"),
    ],
)
def test_a_span_that_cannot_be_judged_is_refused(sampler, market, request_, message):
    with pytest.raises(RequestError, match=message):
        find_anomalies(sampler, market, request_)


def test_prices_that_begin_after_training_are_refused(sampler, market):
    table = market.loc["2017-06-01":]
    table.attrs = dict(market.attrs)
    with pytest.raises(RequestError, match="windows of the model's training span"):
        find_anomalies(sampler, table)
