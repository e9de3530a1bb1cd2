import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skfolio import measures

from fingan.risk import drawdowns

WEALTH = st.lists(st.floats(0.2, 3), min_size=1, max_size=40)


def path(values):
    return torch.tensor([values], dtype=torch.float64)


def test_a_portfolio_is_bought_and_held():
    """Shares of the initial value grow apart: no trading back to the weights."""
    steps = torch.tensor([[[math.log(2), 0.0], [math.log(2), math.log(0.5)]]])
    wealth = drawdowns.wealth_paths(steps, torch.tensor([0.5, 0.5], dtype=torch.float64))
    torch.testing.assert_close(wealth, path([1.5, 2.25]), atol=1e-6, rtol=0)


def test_what_is_not_invested_is_cash():
    steps = torch.full((1, 3, 1), math.log(1.1))
    wealth = drawdowns.wealth_paths(steps, torch.tensor([0.2], dtype=torch.float64))
    torch.testing.assert_close(wealth, 0.8 + 0.2 * path([1.1, 1.21, 1.331]), atol=1e-6, rtol=0)


def test_each_measure_of_a_path_by_hand():
    wealth = path([0.9, 1.2, 0.9, 0.6, 1.5])  # 10 %, 0, 25 %, 50 %, 0 below the peak
    assert drawdowns.max_drawdown(wealth).tolist() == pytest.approx([0.5])
    assert drawdowns.average_drawdown(wealth).tolist() == pytest.approx([0.17])
    assert drawdowns.ulcer_index(wealth).tolist() == pytest.approx([math.sqrt(0.3225 / 5)])
    assert drawdowns.time_under_water(wealth).tolist() == pytest.approx([0.6])
    assert drawdowns.conditional_drawdown(wealth, 0.6).tolist() == pytest.approx([0.375])


def test_the_start_is_the_first_peak():
    assert drawdowns.max_drawdown(path([0.8, 0.9])).tolist() == pytest.approx([0.2])
    assert drawdowns.max_drawdown(path([1.1, 1.2])).tolist() == [0.0]


@given(WEALTH)
def test_the_measures_of_one_path_are_those_of_skfolio(values):
    """Their arithmetic on compounded returns, a wealth of 1 put before the first."""
    wealth = np.array([1.0, *values])
    returns = np.array([0.0, *(wealth[1:] / wealth[:-1] - 1)])
    depths = measures.get_drawdowns(returns, compounded=True)
    ours = drawdowns.drawdowns(path(values))[0].numpy()
    np.testing.assert_allclose(ours, -depths[1:], atol=1e-9)


@given(WEALTH)
def test_no_drawdown_is_deeper_than_the_deepest_nor_is_the_mean(values):
    wealth = path(values)
    deepest = float(drawdowns.max_drawdown(wealth))
    worst = float(drawdowns.conditional_drawdown(wealth, 0.9))
    assert 0 <= float(drawdowns.average_drawdown(wealth)) <= worst + 1e-12
    assert worst <= deepest + 1e-12
    assert float(drawdowns.average_drawdown(wealth)) <= float(drawdowns.ulcer_index(wealth)) + 1e-12
    assert deepest >= 1 - min(values) - 1e-12  # of the start


def test_paths_are_measured_each_alone():
    """Read as one long series, as row-wise libraries do, they would have other drawdowns."""
    wealth = torch.tensor([[1.5, 1.4], [0.9, 0.95]], dtype=torch.float64)
    apart = [float(drawdowns.max_drawdown(row.unsqueeze(0))) for row in wealth]
    assert drawdowns.max_drawdown(wealth).tolist() == pytest.approx(apart)
