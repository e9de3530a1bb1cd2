import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.planted_signal import believer, every_row, mean_rule, universe
from fingan.errors import RequestError
from fingan.scenarios.baselines import baseline
from fingan.screening.outcomes import signals, what_followed
from fingan.screening.walk_forward import Walker, WalkForwardDesign, evaluation_rows, walk_all


@pytest.fixture(scope="module")
def market():
    return universe(6, 12, 0.3, seed=1)


def noted(fit, seen):
    def fitted(rows):
        seen.append(rows.index[-1])
        return fit(rows)

    return fitted


def test_every_month_is_its_last_row():
    dates = pd.bdate_range("2015-01-01", "2017-03-31")
    rows = evaluation_rows(dates, WalkForwardDesign(first="2016-06-01", last="2016-09-30"), 21)
    assert [f"{dates[row]:%Y-%m-%d}" for row in rows] == [
        "2016-06-30",
        "2016-07-29",
        "2016-08-31",
        "2016-09-30",
    ]


def test_the_last_date_is_the_last_whose_outcome_is_known():
    dates = pd.bdate_range("2015-01-01", periods=400)
    design = WalkForwardDesign(first=f"{dates[350]:%Y-%m-%d}", every=1, lag=2)
    rows = evaluation_rows(dates, design, 10)
    assert rows[-1] + design.lag - 1 + 10 == 399


def test_no_date_left_and_too_little_history_are_refused_in_one_sentence():
    dates = pd.bdate_range("2015-01-01", periods=400)
    with pytest.raises(RequestError, match="take an earlier first date"):
        evaluation_rows(dates, WalkForwardDesign(first=f"{dates[390]:%Y-%m-%d}"), 21)
    with pytest.raises(RequestError, match="at least 252 rows to fit on, got"):
        evaluation_rows(dates, WalkForwardDesign(first="2015-02-01", every=5), 21)
    with pytest.raises(RequestError, match="first must be a date"):
        evaluation_rows(dates, WalkForwardDesign(first="soon"), 21)


def test_a_generator_is_fitted_on_purged_rows_and_anew_every_refit(market):
    seen, rule = [], mean_rule(market)
    design = every_row(market, 100).model_copy(update={"refit": 4, "purge": 3})
    followed = what_followed(market.prices, rule, design)
    walked(noted(believer(market, knows=True), seen), market.prices, rule, design, followed)
    dates = market.prices.index
    assert seen == [dates[row - 3] for row in followed.rows[::4]]


def test_nothing_after_a_date_changes_what_is_said_on_it(market):
    rule, design = mean_rule(market), every_row(market, 100)
    changed = market.prices.copy()
    followed = what_followed(market.prices, rule, design)
    cut = followed.rows[5]
    changed.iloc[cut + 1 :] *= np.linspace(1.1, 1.9, 6)
    changed.attrs = dict(market.prices.attrs)

    def said(prices):
        after = what_followed(prices, rule, design)
        return walked(lambda rows: baseline("fhs-ewma", rows), prices, rule, design, after), after

    (before, _), (again, after) = said(market.prices), said(changed)
    assert torch.equal(before.scores[:6], again.scores[:6])
    assert not torch.equal(before.scores[6:], again.scores[6:])
    assert torch.equal(followed.net[:5], after.net[:5])
    assert not torch.equal(followed.net[5], after.net[5])
    random, changed_random = (
        signals(prices, rule, followed, 0) for prices in (market.prices, changed)
    )
    for name in ("momentum", "low-volatility"):
        assert torch.equal(random[name][:6], changed_random[name][:6])


def test_outcomes_are_the_returns_that_followed_net_of_costs(market):
    rule, design = mean_rule(market, costs_bps=50), every_row(market, 100)
    followed = what_followed(market.prices, rule, design)
    simple = market.prices.pct_change().to_numpy()
    rows = [row + 1 for row in followed.rows]
    assert followed.gross[0].numpy() == pytest.approx(simple[rows], abs=1e-6)
    assert followed.net.numpy() == pytest.approx(simple[rows] - 0.01, abs=1e-6)


def test_a_lag_moves_what_counts_but_not_what_is_forecast(market):
    rule, design = mean_rule(market), every_row(market, 100)
    at_once, lagged = (
        what_followed(market.prices, rule, design.model_copy(update={"lag": lag, "last": last}))
        for lag, last in (
            (1, f"{market.prices.index[-4]:%Y-%m-%d}"),
            (3, f"{market.prices.index[-4]:%Y-%m-%d}"),
        )
    )
    assert torch.equal(at_once.net, lagged.net)
    assert torch.equal(at_once.gross[0][2:], lagged.gross[0][:-2])


def test_an_asset_that_ends_keeps_its_last_price(market):
    rule, design = mean_rule(market), every_row(market, 100)
    prices = market.prices.copy()
    prices.iloc[-3:, 0] = math.nan
    prices.attrs = dict(market.prices.attrs)
    followed = what_followed(prices, rule, design)
    assert float(followed.gross[0][-1, 0]) == 0
    assert not followed.gross[0].isnan().any()


def test_momentum_is_the_return_of_a_year_without_its_last_month(market):
    rule, design = mean_rule(market), every_row(market, 100)
    followed = what_followed(market.prices, rule, design)
    row, prices = followed.rows[0], market.prices.to_numpy()
    expected = prices[row - 21] / prices[row - 252] - 1
    found = signals(market.prices, rule, followed, 0)
    assert found["momentum"][0].numpy() == pytest.approx(expected, rel=1e-5)
    deviation = (prices[1:] / prices[:-1] - 1)[row - 252 : row].std(0, ddof=1)
    assert found["low-volatility"][0].numpy() == pytest.approx(-deviation, rel=1e-4)


def test_months_are_fitted_anew_at_the_first_date_of_each_quarter():
    dates = pd.bdate_range("2015-01-01", "2017-03-31")
    seen, names = [], ["A", "B", "C"]
    moves = np.random.default_rng(0).normal(0, 0.01, (len(dates), 3))
    prices = pd.DataFrame(100 * np.exp(moves.cumsum(0)), dates, names)
    prices.attrs = {"kind": "price"}
    rule = replace(mean_rule(universe(3, 4, 0.1, seed=0)), assets=tuple(names), horizon=5)
    design = WalkForwardDesign(first="2016-02-01", last="2016-08-31", n_paths=100)
    followed = what_followed(prices, rule, design)
    walked(noted(lambda rows: baseline("gaussian", rows), seen), prices, rule, design, followed)
    months = [f"{dates[dates.get_loc(date) + 5]:%Y-%m}" for date in seen]
    assert months == ["2016-02", "2016-04", "2016-07"]


def walked(fit, prices, rule, design, followed):
    walker = Walker({"it": fit}, prices, rule, design, followed.rows, followed.net)
    return walk_all(walker)["it"]
