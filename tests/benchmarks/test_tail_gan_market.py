import math

import pytest
import torch

from benchmarks.tail_gan_market import KINDS, N_STEPS, SyntheticMarket


@pytest.fixture(scope="module")
def market() -> SyntheticMarket:
    return SyntheticMarket.drawn(5, seed=3)


@pytest.fixture(scope="module")
def clustered() -> SyntheticMarket:
    return SyntheticMarket.drawn(5, seed=3, is_clustered=True)


def lagged_correlation(values: torch.Tensor) -> torch.Tensor:
    """At lag 1, of each asset over all paths."""
    today, later = values[:, :-1], values[:, 1:]
    return (today * later).mean((0, 1)) / values.square().mean((0, 1))


def test_every_path_has_the_deviation_of_its_asset_exactly(market: SyntheticMarket) -> None:
    paths = market.increments(20, seed=1).double()
    assert paths.shape == (20, N_STEPS, 5)
    expected = market.deviations.expand(20, 5)
    torch.testing.assert_close(paths.std(1, correction=0), expected, rtol=1e-5, atol=0)
    assert ((market.deviations * math.sqrt(25_000) > 0.3) & (market.deviations < 0.5)).all()


def test_assets_move_as_their_kind_says(market: SyntheticMarket) -> None:
    paths = market.increments(1_000, seed=1)
    correlation = lagged_correlation(paths)
    expected = torch.tensor([0.0, 0.5, -0.12, 0.0, 0.0])
    torch.testing.assert_close(correlation, expected, atol=0.03, rtol=0)
    kurtosis = paths.pow(4).mean((0, 1)) / paths.square().mean((0, 1)).square()
    assert abs(float(kurtosis[0]) - 3) < 0.1
    assert kurtosis[3] > kurtosis[4] > 3.4


def test_volatility_of_garch_assets_moves_only_where_it_is_asked_to(
    market: SyntheticMarket, clustered: SyntheticMarket
) -> None:
    def clustering(law: SyntheticMarket) -> torch.Tensor:
        sizes = law.increments(1_000, seed=1).abs()
        return lagged_correlation(sizes - sizes.mean(1, keepdim=True))[3:]

    assert clustering(market).abs().max() < 0.03
    assert clustering(clustered).min() > 0.05


@pytest.mark.parametrize("is_clustered", [False, True])
def test_paths_that_are_not_rescaled_have_the_deviation_on_average(is_clustered: bool) -> None:
    market = SyntheticMarket.drawn(5, seed=3, is_clustered=is_clustered)
    paths = market.increments(4_000, seed=1, is_rescaled=False).double()
    ratio = paths.square().mean((0, 1)).sqrt() / market.deviations
    torch.testing.assert_close(ratio, torch.ones_like(ratio), atol=0.05, rtol=0)
    assert (paths.std(1).std(0) > 0.05 * market.deviations).all()


def test_noise_is_correlated_by_the_factor(market: SyntheticMarket) -> None:
    correlation = market.factor @ market.factor.T
    torch.testing.assert_close(correlation.diagonal(), torch.ones(5, dtype=torch.float64))
    assert (correlation > 0).all()
    found = torch.corrcoef(market.increments(2_000, seed=1).sum(1).T).double()
    assert abs(float(found[0, 2] - correlation[0, 2])) < 0.05


def test_a_history_is_the_levels_of_paths_laid_end_to_end(market: SyntheticMarket) -> None:
    table = market.history(3, seed=1)
    paths = market.increments(3, seed=1).double().flatten(0, 1)
    assert table.attrs["kind"] == "level"
    assert table.index.is_monotonic_increasing
    moves = torch.from_numpy(table.diff().iloc[1:].to_numpy(copy=True))
    torch.testing.assert_close(moves, paths, atol=1e-12, rtol=0)


def test_the_same_seed_gives_the_same_market_and_paths(market: SyntheticMarket) -> None:
    again = SyntheticMarket.drawn(5, seed=3)
    assert torch.equal(market.increments(5, seed=1), again.increments(5, seed=1))
    assert not torch.equal(market.increments(5, seed=1), market.increments(5, seed=2))


def test_kinds_divide_the_assets_evenly() -> None:
    large = SyntheticMarket.drawn(20, seed=0)
    assert [kind.name for kind in large.kinds[:5]] == ["Gauss"] * 4 + ["AR(+.5)"]
    assert len(set(large.assets)) == 4 * len(KINDS)
    with pytest.raises(ValueError, match="n_assets must be a multiple of 5, got 7"):
        SyntheticMarket.drawn(7, seed=0)
