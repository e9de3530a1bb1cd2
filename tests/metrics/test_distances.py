import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import wasserstein_distance

from fingan.metrics.distances import (
    aggregated,
    dy_metric,
    earth_mover_distance,
    scaled_earth_mover_distance,
)


def drawn(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=random, dtype=torch.float64)


def values(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize("steps", [1, 5, 60])
def test_aggregated_returns_are_the_rolling_sums_of_pandas(steps):
    returns = drawn(3, 60)
    expected = pd.DataFrame(returns.numpy().T).rolling(steps).sum().dropna().to_numpy().T
    np.testing.assert_allclose(aggregated(returns, steps).numpy(), expected, atol=1e-12)


def test_sums_over_more_days_than_there_are_are_refused():
    with pytest.raises(ValueError, match="between 1 and the 60 days given, got 61"):
        aggregated(drawn(60), 61)


def test_the_earth_mover_distance_is_the_one_of_scipy():
    real, synthetic = drawn(301), 1.3 * drawn(1007, seed=1) + 0.2
    expected = wasserstein_distance(real.numpy(), synthetic.numpy())
    assert earth_mover_distance(real, synthetic) == pytest.approx(expected, rel=1e-10)


def test_moving_every_return_costs_the_move():
    real = drawn(200)
    assert earth_mover_distance(real, real - 0.25) == pytest.approx(0.25)
    assert earth_mover_distance(real, real.flip(0)) == pytest.approx(0, abs=1e-15)


def test_stretching_a_gaussian_costs_its_closed_form():
    distance = earth_mover_distance(drawn(100_000), 1.5 * drawn(100_000, seed=1))
    assert distance == pytest.approx(0.5 * math.sqrt(2 / math.pi), abs=0.01)


def test_the_scaled_distance_has_no_unit():
    real, synthetic = drawn(200), 2 * drawn(300, seed=1)
    scaled = scaled_earth_mover_distance(real, synthetic)
    assert scaled == pytest.approx(earth_mover_distance(real, synthetic) / real.std().item())
    assert scaled_earth_mover_distance(100 * real, 100 * synthetic) == pytest.approx(scaled)


def test_a_market_that_never_moves_has_no_scale():
    assert math.isnan(scaled_earth_mover_distance(torch.zeros(9).double(), drawn(9)))


def test_the_dy_metric_is_the_hand_calculation():
    """Two bins, (.., 2] and (2, ..), of half the market each; synthetic shares 1/5 and 4/5."""
    real, synthetic = values(1, 2, 3, 4), values(2.0, 2.1, 3, 7, 9)
    expected = abs(math.log(0.5 / 0.2)) + abs(math.log(0.5 / 0.8))
    assert dy_metric(real, synthetic, 2) == pytest.approx(expected)


def test_a_bin_without_synthetic_returns_counts_as_half_a_return():
    real, synthetic = values(1, 2, 3, 4), values(5, 6, 7, 8, 9)
    expected = abs(math.log(0.5 / 0.1)) + abs(math.log(0.5 / 1.0))
    assert dy_metric(real, synthetic, 2) == pytest.approx(expected)


def test_equal_returns_share_a_bin():
    """Ten of twelve returns are 0: of six bins, three are left, of 10, 1 and 1 returns."""
    real = torch.cat([torch.zeros(10).double(), values(1, 2)])
    assert dy_metric(real, real, 6) == pytest.approx(0, abs=1e-12)
    assert dy_metric(real, values(1, 2), 6) == pytest.approx(
        math.log(10 / 12 / 0.25) + abs(math.log(2 / 12)), rel=1e-9
    )


def test_the_same_law_scores_what_its_sampling_error_says():
    """A bin of k of n market returns holds a share of about Gamma(k) / n."""
    shares = np.random.default_rng(0).gamma(20, size=100_000) / 20
    expected = 120 * np.abs(np.log(shares)).mean()
    scores = [dy_metric(drawn(2400, seed=seed), drawn(100_000, seed=99)) for seed in range(20)]
    assert np.mean(scores) == pytest.approx(expected, rel=0.05)


def test_a_wrong_volatility_scores_above_the_same_law():
    real = drawn(2400)
    right, wrong = dy_metric(real, drawn(50_000, seed=1)), dy_metric(real, 1.4 * drawn(50_000))
    assert wrong > right + 10


def test_more_bins_than_returns_are_refused():
    with pytest.raises(ValueError, match="between 1 and the 60 returns given, got 120"):
        dy_metric(drawn(60), drawn(60))
