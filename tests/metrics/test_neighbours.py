import pytest
import torch

from fingan.metrics.neighbours import NearSearch, mean_squares


def normals(*shape: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=torch.float64)


def brute_force_longest(path: torch.Tensor, training: torch.Tensor, tolerance: float) -> int:
    near = (path[:, None] - training).square().mean(-1).sqrt() <= tolerance
    run, longest = torch.zeros(len(training), dtype=torch.int64), 0
    for row in near:
        run = torch.where(row, torch.cat([run.new_zeros(1), run[:-1]]) + 1, 0)
        longest = max(longest, int(run.max()))
    return longest


def test_mean_squares_are_those_of_all_pairs():
    ours, theirs = normals(7, 6), normals(5, 6, seed=1)
    chunks = list(mean_squares(ours, theirs))
    expected = (ours[:, None] - theirs).square().mean(-1)
    torch.testing.assert_close(torch.cat([squares for _, squares in chunks]), expected)


def test_mean_squares_are_over_what_both_have_observed():
    ours, theirs = normals(4, 6).float(), normals(3, 6, seed=1).float()
    ours[0, :2] = theirs[1, 2] = torch.nan
    ours[3, :5] = torch.nan
    ((_, squares),) = mean_squares(ours, theirs)
    expected = (ours[:, None] - theirs).square().nanmean(-1)
    torch.testing.assert_close(squares[:3], expected[:3])
    assert squares[3].isinf().all()  # a sixth of the cells says nothing


@pytest.mark.parametrize("seed", range(6))
def test_the_longest_run_is_that_of_a_search_of_every_pair(seed):
    training, paths = normals(400, 1, seed=seed), normals(6, 150, 1, seed=100 + seed)
    paths[0, 40:71] = training[9:40]
    search = NearSearch.of(paths, training, scale_free=False)
    unit = (training - training.mean(0)).square().mean(0).sqrt()
    expected = [brute_force_longest(path / unit, training / unit, 0.2) for path in paths]
    assert min(expected) >= 3  # chance makes runs of this length: there is something to find
    assert search.longest(1, 2, 0.2).tolist() == expected


def test_the_nearest_distance_is_that_of_every_pair():
    training, paths = normals(60, 3), normals(2, 12, 3, seed=1)
    found = NearSearch.of(paths, training, scale_free=False).nearest(4, 4)
    unit = (training - training.mean(0)).square().mean(0).sqrt()
    windows = (training / unit).unfold(0, 4, 1).movedim(-1, 1).flatten(1)
    ours = (paths / unit).unflatten(1, (3, 4)).flatten(2)
    expected = (ours[:, :, None] - windows).square().mean(-1).amin(-1).sqrt()
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


def test_unobserved_training_days_are_near_to_nothing():
    training = normals(60, 3)
    paths = training[20:32].unsqueeze(0).clone()
    training[25] = torch.nan
    search = NearSearch.of(paths, training, scale_free=False)
    assert int(search.longest(1, 2, 0.1)) == 6  # rows 26 to 31
    assert float(search.nearest(12, 12)) > 0.3
