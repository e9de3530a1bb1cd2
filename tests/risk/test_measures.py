import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fingan.risk.measures import expected_shortfall, value_at_risk

LOSSES = st.lists(st.floats(-1, 1), min_size=5, max_size=60)
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.975, 0.99])


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def test_value_at_risk_is_the_loss_that_the_level_does_not_exceed():
    losses = tensor(range(1, 101))
    assert value_at_risk(losses, 0.95) == 95  # 95 of 100 paths lose no more
    assert value_at_risk(losses, 0.951) == 96
    assert value_at_risk(losses, 0.9) == 90  # though (1 - 0.9) * 100 is 9.999...


def test_expected_shortfall_is_the_mean_of_the_worst_share():
    losses = tensor(range(1, 101))
    assert expected_shortfall(losses, 0.95) == pytest.approx((96 + 97 + 98 + 99 + 100) / 5)
    assert expected_shortfall(losses, 0.9) == pytest.approx(95.5)


def test_the_path_astride_the_quantile_counts_in_part():
    losses = tensor([0.0, 1.0, 2.0, 3.0])
    assert expected_shortfall(losses, 0.625) == pytest.approx((3 + 0.5 * 2) / 1.5)


def test_expected_shortfall_minimises_what_rockafellar_and_uryasev_minimise():
    losses = tensor(torch.randn(333, generator=torch.Generator().manual_seed(1)).tolist())
    level = 0.97
    thresholds = losses[:, None]
    objective = thresholds[:, 0] + (losses - thresholds).clamp(min=0).mean(1) / (1 - level)
    assert expected_shortfall(losses, level) == pytest.approx(float(objective.min()))
    assert value_at_risk(losses, level) == pytest.approx(float(losses[objective.argmin()]))


def test_of_normal_losses_both_measures_are_the_closed_forms():
    losses = torch.randn(400_000, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for level in (0.95, 0.975, 0.99):
        quantile = float(torch.special.ndtri(tensor([level])))
        density = math.exp(-(quantile**2) / 2) / math.sqrt(2 * math.pi)
        assert value_at_risk(losses, level) == pytest.approx(quantile, abs=0.015)
        assert expected_shortfall(losses, level) == pytest.approx(density / (1 - level), abs=0.02)


def test_each_portfolio_is_measured_alone():
    losses = torch.randn(200, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    for measure in (value_at_risk, expected_shortfall):
        measured = measure(losses, 0.95)
        assert measured.shape == (3, 2)
        assert measured[2, 1] == measure(losses[:, 2, 1], 0.95)


@given(LOSSES, LEVELS)
def test_expected_shortfall_is_no_less_than_value_at_risk_and_no_more_than_the_worst(values, level):
    losses = tensor(values)
    shortfall = float(expected_shortfall(losses, level))
    assert float(value_at_risk(losses, level)) <= shortfall + 1e-9
    assert shortfall <= max(values) + 1e-9


@given(LOSSES, LEVELS, st.floats(0.1, 10), st.floats(-1, 1))
def test_measures_are_homogeneous_and_shift_with_the_losses(values, level, factor, shift):
    losses = tensor(values)
    for measure in (value_at_risk, expected_shortfall):
        moved = measure(factor * losses + shift, level)
        assert float(moved) == pytest.approx(factor * float(measure(losses, level)) + shift)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=5, max_size=60), LEVELS)
def test_expected_shortfall_is_subadditive(pairs, level):
    first, second = tensor(pairs).unbind(1)
    apart = expected_shortfall(first, level) + expected_shortfall(second, level)
    assert float(expected_shortfall(first + second, level)) <= float(apart) + 1e-9


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0])
def test_a_level_outside_0_to_1_is_refused(level):
    for measure in (value_at_risk, expected_shortfall):
        with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got"):
            measure(tensor([1.0, 2.0]), level)
