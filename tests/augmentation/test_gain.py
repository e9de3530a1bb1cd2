import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from fingan.augmentation.gain import Contest, Difference, GainRequest, measure_gain
from fingan.augmentation.panel import PanelRequest
from fingan.errors import RequestError
from fingan.pipeline import baseline

PANEL = PanelRequest(n_paths=100, horizon=120, n_starts=1)
REQUEST = GainRequest(panel=PANEL, n_seeds=2)


def market(n_days, seed):
    """Two assets with a common volatility that lasts."""
    random = np.random.default_rng(seed)
    level = np.zeros(n_days)
    for day in range(1, n_days):
        level[day] = 0.98 * level[day - 1] + 0.2 * random.standard_normal()
    returns = 0.01 * np.exp(level)[:, None] * random.standard_normal((n_days, 2))
    index = pd.bdate_range("2010-01-04", periods=n_days, name="date")
    prices = pd.DataFrame(100 * np.exp(returns.cumsum(0)), index=index, columns=["A", "B"])
    prices.attrs = {"kind": "price"}
    return prices


@pytest.fixture(scope="module")
def gain():
    prices = market(2_000, 1)
    return measure_gain(baseline("gaussian", prices.iloc[:1_000]), prices, REQUEST)


def difference(against, lower, upper):
    return Difference(against, (lower + upper) / 2, 0.1, lower, upper)


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        (((0.1, 0.3), (0.1, 0.3), (0.1, 0.3)), "helps"),
        (((0.1, 0.3), (-0.1, 0.3), (0.1, 0.3)), "undecided"),
        (((0.1, 0.3), (-0.3, -0.1), (0.1, 0.3)), "does not help"),
        (((-0.1, 0.005), (-0.1, 0.3), (-0.1, 0.3)), "does not help"),
        (((-0.1, 0.3), (-0.1, 0.3), (-0.1, 0.3)), "undecided"),
    ],
)
def test_a_panel_helps_only_where_it_is_surely_better_than_every_rival(bounds, verdict):
    rivals = ("real", "real + block-bootstrap", "real + jitter")
    found = tuple(difference(name, *bound) for name, bound in zip(rivals, bounds, strict=True))
    contest = Contest("volatility", "linear", {"real": (1.0, 0.1)}, found)
    assert contest.verdict == verdict


def test_a_generator_without_memory_helps_nothing_even_a_model_that_overfits(gain):
    assert all(contest.verdict != "helps" for contest in gain.contests)
    by_name = {(one.task, one.learner): one.losses for one in gain.contests}
    volatility, direction = by_name["volatility", "linear"], by_name["direction", "trees"]
    assert volatility["synthetic"][0] > 2 * volatility["real"][0]
    assert direction["real + synthetic"][0] < direction["real"][0]  # cured, but of no use
    assert direction["no features"][0] < direction["real + synthetic"][0]


def test_the_record_is_json_with_an_error_beside_every_figure(gain):
    record = gain.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert len(record["contests"]) == 4
    for contest in record["contests"]:
        assert all(cell["se"] > 0 for cell in contest["losses"].values())
        for one in contest["gains"]:
            assert one["ci"][0] < one["estimate"] < one["ci"][1]
    assert record["holdout"]["first"] == f"{market(2_000, 1).index[1_000]:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (GainRequest(panel=PanelRequest(horizon=20)), "horizon must be at least 27"),
        (GainRequest(panel=PANEL, holdout_from="2010-06-01"), "holdout-from must lie after"),
        (GainRequest(panel=PANEL, holdout_from="2013-09-02"), "must have at least 272 rows"),
        (GainRequest(panel=PANEL, holdout_from="soon"), "must be a date"),
    ],
)
def test_a_holdout_that_says_nothing_is_refused(request_, message):
    prices = market(1_000, 1)
    with pytest.raises(RequestError, match=message):
        measure_gain(baseline("gaussian", prices.iloc[:500]), prices, request_)


@pytest.mark.slow
def test_a_generator_that_knows_more_of_the_law_than_the_real_rows_helps():
    prices = market(4_000, 1)
    known = prices.index[300]
    oracle = baseline("block-bootstrap", market(20_000, 2))
    oracle = dataclasses.replace(oracle, fitted_until=known)
    panel = PanelRequest(n_paths=200, horizon=120, n_starts=2)
    found = measure_gain(oracle, prices, GainRequest(panel=panel, n_seeds=3))
    verdicts = {(one.task, one.learner): one.verdict for one in found.contests}
    assert verdicts["volatility", "trees"] == "helps"
