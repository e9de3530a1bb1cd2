import pytest
import torch

from fingan.stress.parting import (
    features_of,
    modes_of,
    parts_of_cloud,
    separation,
    suddenness,
)

CORNERS = 6.0 * torch.eye(3, dtype=torch.float64)


def normals(n_paths, n_features, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(n_paths, n_features, generator=random, dtype=torch.float64)


def equal(features):
    return torch.full((len(features),), 1 / len(features), dtype=torch.float64)


def student(n_paths):
    return normals(n_paths, 4) / normals(n_paths, 3, seed=1).square().mean(1, keepdim=True).sqrt()


@pytest.mark.parametrize(
    "cloud",
    [
        normals(1000, 5),
        normals(1000, 3) * torch.tensor([10.0, 1, 1]),
        student(1000),
        normals(1000, 2).abs(),
        normals(1000, 3).exp(),
    ],
    ids=["round", "long", "heavy tails", "cut off", "skewed"],
)
def test_one_cloud_is_one_mode_however_it_is_stretched(cloud):
    assert not modes_of(cloud, equal(cloud), 4).any()


def test_three_clouds_are_three_modes_the_most_probable_first():
    origin = torch.tensor([0] * 200 + [1] * 500 + [2] * 300)
    cloud = normals(1000, 3) + CORNERS[origin]
    labels = modes_of(cloud, equal(cloud), 4)
    expected = torch.tensor([2, 0, 1])[origin]
    assert (labels == expected).double().mean() > 0.99
    assert all(valley < 0.7 for valley in separation(cloud, equal(cloud), labels))


def test_weights_and_not_numbers_of_paths_say_what_is_probable():
    origin = torch.tensor([0] * 800 + [1] * 200)
    cloud = normals(1000, 3) + CORNERS[origin]
    weights = torch.where(origin == 0, 0.2 / 800, 0.8 / 200).double()
    assert (modes_of(cloud, weights, 4) == 0)[origin == 1].double().mean() > 0.99


def test_more_modes_than_may_be_are_joined():
    origin = torch.arange(900) % 3
    cloud = normals(900, 3) + CORNERS[origin]
    assert int(modes_of(cloud, equal(cloud), 2).max()) == 1
    assert not modes_of(cloud, equal(cloud), 1).any()


def test_what_is_too_rare_is_no_mode():
    cloud = normals(1000, 3)
    cloud[:20] += CORNERS[0]
    assert not modes_of(cloud, equal(cloud), 4).any()


def test_a_cloud_is_cut_where_that_is_asked_and_has_no_valley():
    cloud = normals(1000, 3)
    labels = parts_of_cloud(cloud, equal(cloud), 3)
    assert int(labels.max()) == 2
    assert all(valley > 0.7 for valley in separation(cloud, equal(cloud), labels))
    assert separation(cloud, equal(cloud), torch.zeros_like(labels)) == [None]


def test_paths_that_are_all_alike_are_one_mode():
    cloud = torch.ones(300, 2, dtype=torch.float64)
    assert not modes_of(cloud, equal(cloud), 4).any()
    assert not parts_of_cloud(cloud, equal(cloud), 3).any()


def test_features_are_shares_of_the_loss():
    course = torch.tensor([[0.05, 0.02, 0.2], [0.04, 0.08, 0.1]], dtype=torch.float64)
    parts = torch.tensor([[0.15, 0.05], [0.02, 0.08]], dtype=torch.float64)
    assert suddenness(course).tolist() == pytest.approx([0.9, 0.4])
    expected = torch.tensor([[0.75, 0.25, 0.9], [0.2, 0.8, 0.4]], dtype=torch.float64)
    torch.testing.assert_close(features_of(parts, course), expected)
