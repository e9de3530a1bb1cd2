import math

import pytest
import torch

from fingan.risk.model_error import model_error


def test_the_error_is_the_standard_error_of_the_mean_over_generators():
    estimates = torch.tensor([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0]], dtype=torch.float64)
    expected = torch.tensor([2 / math.sqrt(3), 0.0], dtype=torch.float64)
    torch.testing.assert_close(model_error(estimates), expected)


def test_it_covers_the_truth_as_often_as_a_standard_error_does():
    """Within two errors lies the mean in as many cases as Student's t with 4 degrees says."""
    random = torch.Generator().manual_seed(3)
    estimates = 0.7 + torch.randn(5, 20_000, generator=random, dtype=torch.float64)
    inside = (estimates.mean(0) - 0.7).abs() <= 2 * model_error(estimates)
    assert float(inside.double().mean()) == pytest.approx(0.8839, abs=0.01)


def test_one_generator_has_no_spread():
    with pytest.raises(ValueError, match="at least 2 generators, got 1"):
        model_error(torch.ones(1, 3))
