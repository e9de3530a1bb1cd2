import numpy as np
import pandas as pd
import pytest
import torch

from fingan.assessment.outcomes import cut_outcomes

FIRST, LAST = pd.Timestamp("2017-01-02"), pd.Timestamp("2017-12-29")


def cut(prices, max_dates=50, horizons=(1, 5)):
    return cut_outcomes(prices, tuple(prices.columns), FIRST, LAST, horizons, max_dates)


def test_outcomes_are_what_followed_the_starting_days(garch_prices):
    outcomes = cut(garch_prices)
    logs = np.log(garch_prices)
    for number in (0, 7, len(outcomes.dates) - 1):
        row = garch_prices.index.get_loc(outcomes.dates[number])
        moved = torch.tensor((logs.iloc[row + 5] - logs.iloc[row]).to_numpy())
        torch.testing.assert_close(outcomes.sums[5][number], moved)


def test_every_outcome_lies_within_the_span(garch_prices):
    outcomes = cut(garch_prices, max_dates=10_000)
    rows = garch_prices.index.get_indexer(outcomes.dates)
    assert garch_prices.index[rows[0] + 1] == FIRST
    assert garch_prices.index[rows[-1] + 5] == LAST
    assert (np.diff(rows) == outcomes.stride).all()
    assert outcomes.stride == 1


def test_starting_days_are_evenly_spread_and_no_more_than_asked_for(garch_prices):
    outcomes = cut(garch_prices, max_dates=20)
    rows = garch_prices.index.get_indexer(outcomes.dates)
    assert 15 <= len(rows) <= 20
    assert set(np.diff(rows)) == {outcomes.stride}


def test_days_before_a_gap_are_left_out(garch_prices):
    prices = garch_prices.copy()
    gap = prices.index.get_loc(pd.Timestamp("2017-06-01"))
    prices.iloc[gap, 2] = float("nan")
    rows = prices.index.get_indexer(cut(prices, max_dates=10_000).dates)
    missing = set(range(rows[0], rows[-1] + 1)) - set(rows)
    assert missing == set(range(gap - 5, gap + 2))


def test_units_know_no_day_of_the_span(garch_prices):
    changed = garch_prices.copy()
    changed.loc[FIRST:] *= np.linspace(1, 3, len(changed.loc[FIRST:]))[:, None]
    for horizon in (1, 5):
        assert torch.equal(cut(changed).past[horizon], cut(garch_prices).past[horizon])


def test_without_past_days_of_all_assets_there_are_no_units_and_no_starting_days(garch_prices):
    prices = garch_prices.copy()
    prices.iloc[: prices.index.get_loc(FIRST) - 30, 1] = float("nan")
    assert cut(prices).dates == []
    assert len(cut(garch_prices).dates) > 0


@pytest.mark.parametrize(("kind", "gain"), [("price", np.expm1(0.1)), ("level", 0.1)])
def test_gains_compound_unless_the_kind_is_a_level(garch_prices, kind, gain):
    prices = garch_prices.copy()
    prices.attrs = {"kind": kind}
    gains = cut(prices).gains(torch.full((1, 4), 0.1, dtype=torch.float64))
    torch.testing.assert_close(gains, torch.full_like(gains, gain))
