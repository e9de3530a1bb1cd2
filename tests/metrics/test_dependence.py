import math

import numpy as np
import pytest
import torch
from scipy import stats

from fingan.metrics.dependence import (
    correlation_error,
    eigen_variance_ratios,
    low_eigenvalue_error,
    tail_dependence,
    tail_dependence_error,
)


def drawn(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=random, dtype=torch.float64)


def correlated(n_days, correlation, seed=0):
    factor = torch.linalg.cholesky(torch.tensor([[1, correlation], [correlation, 1.0]]).double())
    return drawn(n_days, 2, seed=seed) @ factor.T


def test_the_correlation_error_is_the_hand_calculation():
    real, synthetic = drawn(50, 3), drawn(80, 3, seed=1) * torch.tensor([1.0, 5.0, 0.1]).double()
    gap = np.corrcoef(real.numpy().T) - np.corrcoef(synthetic.numpy().T)
    pairs = np.array([gap[0, 1], gap[0, 2], gap[1, 2]])
    expected = np.sqrt((pairs**2).mean())
    assert correlation_error(real, synthetic) == pytest.approx(expected, rel=1e-10)


def test_one_asset_or_a_still_one_has_no_correlation():
    assert math.isnan(correlation_error(drawn(50, 1), drawn(50, 1)))
    still = torch.cat([drawn(50, 2), torch.full((50, 1), 0.1).double()], dim=1)
    assert math.isnan(correlation_error(drawn(50, 3), still))


def test_the_markets_own_variances_have_ratio_one():
    real = drawn(300, 5) @ drawn(5, 5, seed=1)
    ratios = eigen_variance_ratios(real, real.flip(0))
    torch.testing.assert_close(ratios, torch.ones(5).double())
    assert low_eigenvalue_error(real, real) == pytest.approx(0, abs=1e-9)


def test_doubled_returns_have_four_times_the_variance_in_every_direction():
    real = drawn(300, 4)
    torch.testing.assert_close(eigen_variance_ratios(real, 2 * real), torch.full((4,), 4).double())
    assert low_eigenvalue_error(real, 2 * real) == pytest.approx(math.log(4))


def test_forgotten_correlation_shows_in_the_closed_form_of_two_assets():
    """The eigenvalues are 1 - c and 1 + c; independent assets have 1 along both."""
    ratios = eigen_variance_ratios(correlated(200_000, 0.8), drawn(200_000, 2, seed=1))
    assert ratios.tolist() == pytest.approx([1 / 0.2, 1 / 1.8], rel=0.02)


def test_a_lost_direction_is_far_from_right():
    real = correlated(300, 0.9)
    market_only = real.mean(1, keepdim=True).expand(-1, 2)
    assert low_eigenvalue_error(real, market_only) > 3


def test_one_asset_has_no_low_direction():
    assert math.isnan(low_eigenvalue_error(drawn(300, 1), drawn(300, 1)))


def test_linearly_dependent_assets_of_the_market_have_no_ratio():
    real = drawn(300, 2)
    real = torch.cat([real, real.sum(1, keepdim=True)], dim=1)
    assert eigen_variance_ratios(real, real).isnan().tolist() == [True, False, False]


def test_only_the_lowest_share_of_directions_counts():
    real = drawn(5000, 4) * torch.tensor([1.0, 1.0, 1.0, 1.0]).double()
    real[:, 3] += 3 * real[:, 0]
    ratios = eigen_variance_ratios(real, drawn(5000, 4, seed=1))
    assert low_eigenvalue_error(real, drawn(5000, 4, seed=1), share=0.5) == pytest.approx(
        float(ratios[:2].log().abs().mean())
    )
    with pytest.raises(ValueError, match=r"share must lie in \(0, 1\], got 0"):
        low_eigenvalue_error(real, real, share=0)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_gaussian_tail_dependence_is_the_one_in_closed_form(correlation):
    """P(both below the 5 % quantile) / 5 %, from the bivariate normal law."""
    quantile = stats.norm.ppf(0.05)
    joint = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    expected = joint.cdf([quantile, quantile]) / 0.05
    matrix = tail_dependence(correlated(400_000, correlation), 0.95)
    assert float(matrix[0, 1]) == pytest.approx(expected, abs=0.01)
    assert torch.equal(matrix, matrix.T)
    assert matrix.diagonal().tolist() == [1, 1]


def test_only_falls_count_and_only_their_ranks():
    fall = drawn(1000)
    rises_apart = torch.where(fall < 0, fall, drawn(1000, seed=1).abs())
    together = torch.stack([fall, rises_apart, -fall, fall.exp()], dim=1)
    matrix = tail_dependence(together, 0.95)
    assert matrix[0].tolist() == [1, 1, 0, 1]


def test_the_tail_dependence_error_is_the_gap_of_the_pairs():
    real = drawn(200, 2)
    together = real[:, :1].expand(-1, 2)
    expected = 1 - float(tail_dependence(real, 0.9)[0, 1])
    assert tail_dependence_error(real, together, 0.9) == pytest.approx(expected)
    assert math.isnan(tail_dependence_error(real[:, :1], real[:, :1]))


def test_fewer_than_one_worst_day_gives_no_dependence():
    assert tail_dependence(drawn(10, 2), 0.95).isnan().all()
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 95"):
        tail_dependence(drawn(10, 2), 95.0)
