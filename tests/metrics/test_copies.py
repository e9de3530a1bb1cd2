import pytest
import torch
from replays import garch_returns, replayed_rows

from fingan.metrics.copies import (
    Neighbours,
    longest_duplicates,
    nearest_distances,
    search_copies,
)
from fingan.volatility.filter import VolatilityFilter

N_DAYS, N_PATHS, LENGTH = 1200, 64, 100


@pytest.fixture(scope="module")
def market() -> torch.Tensor:
    return garch_returns(0, N_DAYS, 4)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def planted(market: torch.Tensor, first: int, n_days: int) -> torch.Tensor:
    """A path of another market that repeats a stretch of this one."""
    path = garch_returns(9, LENGTH, market.shape[1]).unsqueeze(0)
    path[0, 30 : 30 + n_days] = market[first : first + n_days]
    return path


def filtered(market: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """FHS: rows of innovations rescaled by the variance of each path."""
    one = torch.ones(market.shape[1], dtype=torch.float64)
    garch = VolatilityFilter(0.02e-4 * one, 0.06 * one, 0 * one, 0.9 * one, 1e-4 * one)
    variances = garch.variances(market)
    innovations = market / variances[:-1].sqrt()
    variance, returns = variances[rows[:, 0] * 7 % len(market)], []
    for column in rows.T:
        returns.append(innovations[column] * variance.sqrt())
        variance = garch.omega + 0.06 * returns[-1].square() + 0.9 * variance
    return torch.stack(returns, 1)


@pytest.mark.parametrize("n_days", [3, 4, 15, 60])
def test_a_planted_stretch_is_found_in_its_length(market, n_days):
    assert longest_duplicates(planted(market, 500, n_days), market).tolist() == [n_days]


def test_single_days_and_pairs_are_no_copies(market):
    for n_days in (1, 2):
        assert longest_duplicates(planted(market, 500, n_days), market).tolist() == [2]


def test_a_rescaled_stretch_is_found_by_the_scale_free_search_alone(market):
    factors = torch.tensor([0.5, 3.0, 1.7, 0.8], dtype=torch.float64)
    path = planted(market, 500, 25)
    path[0, 30:55] *= factors
    assert longest_duplicates(path, market).tolist() == [2]
    assert longest_duplicates(path, market, scale_free=True).tolist() == [25]


def test_a_stretch_copied_with_noise_is_a_near_duplicate(market):
    path = planted(market, 500, 25)
    path[0, 30:55] += 0.02 * market.std(0) * noise(25, 4)
    assert longest_duplicates(path, market).tolist() == [25]


def test_the_nearest_distance_of_a_copied_window_is_zero(market):
    distances = nearest_distances(planted(market, 500, 60), market, window=10)
    assert distances[3:9].max() < 1e-2 < 0.2 < distances[0]


def test_p_value_of_one_window_closer_than_all_real_ones_is_its_rank():
    real = torch.arange(1.0, 100.0)
    assert Neighbours(torch.zeros(1), real).p_value == pytest.approx(1 / 100)
    assert Neighbours(torch.full((1,), 50.0), real).p_value == pytest.approx(1)


def test_share_closer_is_one_percent_for_windows_of_the_same_law():
    random = torch.Generator().manual_seed(1)
    same = Neighbours(torch.rand(50_000, generator=random), torch.rand(50_000, generator=random))
    assert same.share_closer == pytest.approx(0.01, abs=0.002)
    assert not same.is_copy


def copying(market: torch.Tensor) -> dict[str, torch.Tensor]:
    blocks = replayed_rows(len(market), N_PATHS, LENGTH, 20, seed=3)
    few = filtered(market, replayed_rows(len(market), N_PATHS, LENGTH, 1, seed=5))
    few[:2, 10:50] = market[100:140]
    return {
        "block bootstrap": market[blocks],
        "with noise": market[blocks] + 0.1 * market.std(0) * noise(N_PATHS, LENGTH, 4),
        "of filtered innovations": filtered(market, blocks),
        "in two paths of 64": few,
    }


@pytest.mark.parametrize(
    "name", ["block bootstrap", "with noise", "of filtered innovations", "in two paths of 64"]
)
@pytest.mark.parametrize("n_assets", [4, 1])
def test_a_generator_that_replays_stretches_is_caught(market, name, n_assets):
    found = search_copies(copying(market)[name][:, :, :n_assets], market[:, :n_assets])
    assert found.is_copy


@pytest.mark.parametrize("n_assets", [4, 1])
def test_generators_that_resample_single_days_or_none_raise_no_alarm(market, n_assets):
    days = replayed_rows(len(market), N_PATHS, LENGTH, 1, seed=3)
    honest = {
        "historical simulation": market[days],
        "filtered": filtered(market, days),
        "true model": torch.stack([garch_returns(100 + i, LENGTH, 4) for i in range(N_PATHS)]),
    }
    for name, paths in honest.items():
        found = search_copies(paths[:, :, :n_assets], market[:, :n_assets])
        assert not found.is_copy, (name, found.record())
        assert found.plain.ratio < 1.5


@pytest.mark.parametrize("n_assets", [4, 1])
def test_held_out_days_of_the_same_market_are_the_comparison_where_given(market, n_assets):
    training, held_out = market[:900, :n_assets], market[900:, :n_assets]
    true = torch.stack([garch_returns(100 + i, LENGTH, n_assets) for i in range(N_PATHS)])
    assert not search_copies(true, training, held_out).is_copy
    replay = training[replayed_rows(900, N_PATHS, LENGTH, 20, seed=3)]
    assert search_copies(replay, training, held_out).is_copy
    assert len(search_copies(replay, training, held_out).plain.real) == 3


def test_assets_that_start_late_are_compared_where_they_are_observed(market):
    training = market.clone()
    training[:800, 3] = torch.nan
    replay = market[replayed_rows(800, N_PATHS, LENGTH, 20, seed=3)]
    assert search_copies(replay, training).is_copy
    true = torch.stack([garch_returns(100 + i, LENGTH, 4) for i in range(N_PATHS)])
    assert not search_copies(true, training).is_copy


def test_paths_longer_than_the_real_days_are_refused(market):
    with pytest.raises(ValueError, match="at most 300 days"):
        search_copies(market[None, :301], market)
