import math

import pytest
import torch

from fingan.metrics.distances import earth_mover_distance
from fingan.metrics.floors import real_against_real, sampling_floor, sampling_floors
from fingan.metrics.stylised_facts import acf_score


def noise(n_paths, seed, n_days=250):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(n_paths, n_days, generator=random, dtype=torch.float64)


def gap_of_means(real, synthetic):
    return float((real.mean() - synthetic.mean()).abs())


def absolute_acf(real, synthetic):
    return acf_score(real, synthetic, "absolute", 20)


def test_the_floor_of_a_mean_is_the_one_in_closed_form():
    """|mean of n normals| is half-normal with scale 1 / sqrt(n)."""
    floor = sampling_floor(gap_of_means, noise, n_paths=2000, n_repetitions=2000)
    scale = 250**-0.5
    assert floor.mean == pytest.approx(math.sqrt(2 / math.pi) * scale, rel=0.05)
    assert floor.std == pytest.approx(math.sqrt(1 - 2 / math.pi) * scale, rel=0.06)
    assert floor.p10 == pytest.approx(0.1257 * scale, rel=0.2)
    assert floor.p90 == pytest.approx(1.6449 * scale, rel=0.06)
    assert floor.n_repetitions == 2000


def test_uncorrelated_noise_does_not_score_zero_in_its_own_acf():
    """n_lags sample correlations of size 1 / sqrt(n) about the mean path's -1 / n."""
    floor = sampling_floor(absolute_acf, noise, n_paths=200, n_repetitions=40)
    assert floor.mean == pytest.approx(250**-0.5, rel=0.1)


def test_a_shorter_market_path_has_a_higher_floor():
    full = sampling_floor(gap_of_means, noise, n_paths=50, n_repetitions=200)
    short = sampling_floor(gap_of_means, noise, n_days=25, n_paths=50, n_repetitions=200)
    assert short.mean == pytest.approx(full.mean * 10**0.5, rel=0.25)


def test_several_floors_cost_one_simulation_and_are_the_single_ones():
    calls = []

    def simulate(n_paths, seed):
        calls.append((n_paths, seed))
        return noise(n_paths, seed)

    metrics = {"mean": gap_of_means, "acf": absolute_acf}
    floors = sampling_floors(metrics, simulate, n_paths=30, n_repetitions=5, seed=3)
    assert calls == [(35, 3)]
    for name, metric in metrics.items():
        single = sampling_floor(metric, simulate, n_paths=30, n_repetitions=5, seed=3)
        assert floors[name] == single


def test_a_market_path_is_never_among_the_synthetic_ones():
    def is_there(real, synthetic):
        return float((synthetic == real).all(-1).any())

    floor = sampling_floor(is_there, noise, n_paths=20, n_repetitions=20)
    assert (floor.mean, floor.p90) == (0, 0)


def test_a_metric_that_does_not_exist_has_no_floor():
    floor = sampling_floor(lambda *_: math.nan, noise, n_paths=2, n_repetitions=2)
    assert math.isnan(floor.mean)
    assert math.isnan(floor.p10)


def test_real_against_real_is_the_mean_of_both_directions():
    real = torch.arange(7.0, dtype=torch.float64)

    def metric(market, synthetic):
        assert synthetic.shape == (1, 3)
        return float(market.sum() + 10 * synthetic.sum())

    earlier, later = 0 + 1 + 2, 4 + 5 + 6
    assert real_against_real(metric, real) == (11 * earlier + 11 * later) / 2


def test_a_market_that_changed_is_far_from_itself():
    def distance(market, synthetic):
        return earth_mover_distance(market, synthetic.flatten())

    calm, changed = noise(1, 0, 2000)[0], noise(1, 0, 2000)[0]
    changed[1000:] *= 3
    assert real_against_real(distance, changed) > 5 * real_against_real(distance, calm)


def test_several_assets_are_cut_in_time():
    real = noise(4, 0).T

    def shapes(market, synthetic):
        assert (market.shape, synthetic.shape) == ((125, 4), (1, 125, 4))
        return 0.5

    assert real_against_real(shapes, real) == 0.5


def test_one_repetition_and_a_path_too_long_are_refused():
    with pytest.raises(ValueError, match="n_repetitions must be at least 2, got 1"):
        sampling_floor(gap_of_means, noise, n_paths=2, n_repetitions=1)
    with pytest.raises(ValueError, match=r"n_days must lie in \[1, 250\] as simulated, got 300"):
        sampling_floor(gap_of_means, noise, n_days=300, n_paths=2)
