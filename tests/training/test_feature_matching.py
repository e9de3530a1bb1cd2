import torch

from fingan.training.feature_matching import feature_pull

HORIZON, BATCH, N_ASSETS = 5, 6, 3


def paths(seed):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(HORIZON, BATCH, N_ASSETS, generator=random, dtype=torch.float64)


def sums_and_squares(paths):
    return torch.cat([paths.sum(0), paths.square().sum(0)], dim=1)


def test_the_distance_is_that_of_mean_features_in_closed_form():
    real, synthetic = paths(1), paths(2)
    distance, _ = feature_pull(lambda paths: paths.sum(0), real, synthetic)
    gap = synthetic.sum(0).mean(0) - real.sum(0).mean(0)
    torch.testing.assert_close(distance, gap.square().sum())


def test_linear_features_pull_every_path_alike():
    real, synthetic = paths(1), paths(2)
    _, pull = feature_pull(lambda paths: paths.sum(0), real, synthetic)
    gap = synthetic.sum(0).mean(0) - real.sum(0).mean(0)
    torch.testing.assert_close(pull, (2 * gap / BATCH).expand_as(synthetic))


def test_the_pull_is_the_gradient_of_the_distance():
    real, synthetic = paths(1), paths(2).requires_grad_()
    _, pull = feature_pull(sums_and_squares, real, synthetic)
    gap = sums_and_squares(synthetic).mean(0) - sums_and_squares(real).mean(0)
    (expected,) = torch.autograd.grad(gap.square().sum(), synthetic)
    torch.testing.assert_close(pull, expected)


def test_equal_means_pull_nowhere():
    real = paths(1)
    distance, pull = feature_pull(sums_and_squares, real, real[:, torch.arange(BATCH).flip(0)])
    assert distance < 1e-20
    assert pull.abs().max() < 1e-12
