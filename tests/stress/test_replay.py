import json

import pytest
import torch

from fingan.errors import RequestError
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.baselines import baseline
from fingan.stress.replay import ReplayRequest, replay
from fingan.stress.windows import NAMED, Window, parse_window

FEW = ReplayRequest(n_paths=2_000)


@pytest.fixture
def sampler(garch_prices):
    return baseline("gaussian", garch_prices)


@pytest.fixture
def portfolio(garch_prices):
    assets = tuple(garch_prices.columns[:2])
    return Portfolio(assets, torch.tensor([0.7, 0.3], dtype=torch.float64))


@pytest.fixture
def window(garch_prices):
    first, last = garch_prices.index[[300, 310]].strftime("%Y-%m-%d")
    return parse_window(f"{first}..{last}")


def test_a_window_does_to_the_portfolio_what_prices_say(sampler, garch_prices, portfolio, window):
    found = replay(sampler, garch_prices, portfolio, window, FEW)
    ends = garch_prices.iloc[[300, 310]]
    returns = ends.iloc[1] / ends.iloc[0] - 1
    expected = 0.7 * returns.iloc[0] + 0.3 * returns.iloc[1]
    assert found.portfolio_return == pytest.approx(expected)
    assert sum(found.contributions.values()) == pytest.approx(expected)
    assert found.n_steps == 10
    assert found.max_drawdown >= max(0.0, -expected) - 1e-12
    json.dumps(found.record(), allow_nan=False)


def test_paths_from_the_same_day_say_how_unusual_it_was(sampler, garch_prices, portfolio, window):
    found = replay(sampler, garch_prices, portfolio, window, FEW)
    inside = found.regenerated["q05"].estimate < found.portfolio_return
    assert inside == (found.as_bad.estimate > 0.05)
    assert found.regenerated["q05"].estimate < found.regenerated["q95"].estimate
    (note,) = found.notes
    assert "in-sample" in note


def test_later_prices_change_nothing(sampler, garch_prices, portfolio, window):
    changed = garch_prices.copy()
    changed.iloc[320:] *= 2
    changed.attrs = dict(garch_prices.attrs)
    ours = replay(sampler, changed, portfolio, window, FEW)
    assert ours.record() == replay(sampler, garch_prices, portfolio, window, FEW).record()


def test_a_window_outside_the_data_is_refused_with_their_span(sampler, garch_prices, portfolio):
    with pytest.raises(RequestError, match=r"window '1987-crash' runs from 1987-10-13 .* the data"):
        replay(sampler, garch_prices, portfolio, NAMED["1987-crash"])


def test_an_asset_without_a_price_at_the_ends_is_named(sampler, garch_prices, portfolio, window):
    gappy = garch_prices.copy()
    gappy.iloc[310, 0] = float("nan")
    gappy.attrs = dict(garch_prices.attrs)
    with pytest.raises(RequestError, match=f"asset '{garch_prices.columns[0]}' must have a price"):
        replay(sampler, gappy, portfolio, window, FEW)


def test_every_named_window_rises_and_is_found_by_its_name():
    for name, window in NAMED.items():
        assert parse_window(name) is window
        assert parse_window(f"{window.first}..{window.last}").last == window.last


@pytest.mark.parametrize("text", ["crisis", "2008-01-01", "2008-13-01..2009-01-01", "a..b"])
def test_what_is_no_window_is_said(text):
    with pytest.raises(RequestError, match=r"must be two dates .* or one of 1987-crash"):
        parse_window(text)


def test_a_window_runs_forwards():
    with pytest.raises(RequestError, match="must end after it begins"):
        parse_window("2010-01-05..2010-01-04")
    assert parse_window("2010-01-04..2010-01-05") == Window(
        "2010-01-04..2010-01-05", "2010-01-04", "2010-01-05"
    )
