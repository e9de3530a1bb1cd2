import math

import pytest
import torch

from fingan.assessment.comparison import compare, mean_and_error, overlap


@pytest.fixture
def scores():
    return torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_error_of_independent_scores_is_that_of_a_mean(scores):
    mean, error = mean_and_error(scores, n_lags=0)
    assert mean == pytest.approx(float(scores.mean()))
    assert error == pytest.approx(float(scores.std()) / math.sqrt(400), rel=1e-6)


def test_overlapping_scores_have_a_larger_error(scores):
    overlapping = scores.unfold(0, 10, 1).mean(-1)
    _, naive = mean_and_error(overlapping, n_lags=0)
    _, honest = mean_and_error(overlapping, n_lags=20)
    assert honest > 2 * naive


def test_a_sampler_does_not_differ_from_itself(scores):
    found = compare(scores, scores, n_lags=3)
    assert (found.difference, found.t) == (0, 0)


def test_a_worse_sampler_has_a_positive_t(scores):
    noise = torch.randn(400, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = compare(scores + 0.1 + 0.2 * noise, scores, n_lags=3)
    assert found.difference == pytest.approx(0.1, abs=0.03)
    assert found.t > 5


@pytest.mark.parametrize(
    ("horizon", "stride", "n_dates", "lags"), [(1, 1, 100, 4), (20, 2, 100, 9), (10, 8, 16, 2)]
)
def test_lags_cover_the_overlap_of_forecasts(horizon, stride, n_dates, lags):
    assert overlap(horizon, stride, n_dates) == lags
