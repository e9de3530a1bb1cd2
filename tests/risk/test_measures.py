import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fingan.risk.measures import expected_shortfall, quantiles, value_at_risk

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


@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(1, 5)), min_size=3, max_size=30), LEVELS)
def test_a_weighted_path_counts_as_that_many_equal_ones(pairs, level):
    losses, counts = (tensor(column) for column in zip(*pairs, strict=True))
    repeated = losses.repeat_interleave(counts.long())
    for measure in (value_at_risk, expected_shortfall):
        weighted = measure(losses, level, counts / counts.sum())
        assert float(weighted) == pytest.approx(float(measure(repeated, level)), abs=1e-9)


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1)), min_size=5), LEVELS
)
def test_weighted_expected_shortfall_is_coherent(rows, level):
    first, second, weights = tensor(rows).unbind(1)
    weights = weights / weights.sum()

    def shortfall(losses):
        return float(expected_shortfall(losses, level, weights))

    assert shortfall(first + second) <= shortfall(first) + shortfall(second) + 1e-9
    assert shortfall(first.maximum(second)) >= shortfall(first) - 1e-9  # monotone
    assert shortfall(3 * first + 0.5) == pytest.approx(3 * shortfall(first) + 0.5)


def test_quantiles_of_several_columns_are_those_of_each():
    values = torch.randn(50, 3, 2, generator=torch.Generator().manual_seed(4)).double()
    asked, equal = tensor([0.0, 0.1, 0.5, 1.0]), torch.full((50,), 0.02, dtype=torch.float64)
    found = quantiles(values, asked)
    torch.testing.assert_close(found, quantiles(values, asked, equal))
    torch.testing.assert_close(found[:, 2, 1], values[:, 2, 1].sort().values[[0, 4, 24, 49]])


def test_value_at_risk_and_shortfall_are_those_of_skfolio():
    from skfolio.measures import cvar
    from skfolio.measures import value_at_risk as skfolio_value_at_risk

    returns = torch.randn(1_003, generator=torch.Generator().manual_seed(5)).double()
    for level in (0.95, 0.975, 0.99):
        assert float(expected_shortfall(-returns, level)) == pytest.approx(
            cvar(returns.numpy(), beta=level)
        )
        assert float(value_at_risk(-returns, level)) == pytest.approx(
            skfolio_value_at_risk(returns.numpy(), beta=level)
        )
