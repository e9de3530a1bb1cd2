import torch

from fingan.volatility.correlation import shrunk_correlation


def drawn(n_days, n_assets, rho=0.5, seed=0):
    random = torch.Generator().manual_seed(seed)
    common = torch.randn(n_days, 1, generator=random, dtype=torch.float64)
    own = torch.randn(n_days, n_assets, generator=random, dtype=torch.float64)
    return rho**0.5 * common + (1 - rho) ** 0.5 * own


def assert_is_correlation(matrix):
    torch.testing.assert_close(matrix.diagonal(), torch.ones(len(matrix)).double())
    torch.testing.assert_close(matrix, matrix.T)
    torch.linalg.cholesky(matrix)
    assert torch.linalg.eigvalsh(matrix)[0] > 1e-4


def test_of_a_long_clean_history_it_is_the_sample_correlation():
    innovations = drawn(5000, 4)
    innovations[:, 3] = innovations[:, 0] - innovations[:, 1]  # far from constant correlation
    sample = torch.corrcoef(innovations.T)
    torch.testing.assert_close(shrunk_correlation(innovations), sample, atol=0.03, rtol=0)


def test_it_is_positive_definite_with_more_assets_than_days():
    assert_is_correlation(shrunk_correlation(drawn(30, 60)))


def test_it_is_positive_definite_when_assets_miss_different_days():
    innovations = drawn(80, 25)
    absent = torch.rand(80, 25, generator=torch.Generator().manual_seed(1)) < 0.6
    innovations[absent] = torch.nan
    assert_is_correlation(shrunk_correlation(innovations))


def test_it_is_positive_definite_for_an_asset_given_twice():
    innovations = drawn(500, 3)
    assert_is_correlation(shrunk_correlation(torch.cat([innovations, innovations[:, :1]], dim=1)))


def test_assets_that_never_meet_get_the_mean_correlation_of_the_rest():
    innovations = drawn(400, 3, rho=0.6)
    innovations[200:, 0] = torch.nan
    innovations[:200, 1] = torch.nan
    matrix = shrunk_correlation(innovations)
    assert_is_correlation(matrix)
    assert 0 <= matrix[0, 1] < 0.6


def test_shrinking_brings_a_short_history_nearer_to_the_truth():
    truth = torch.full((20, 20), 0.5, dtype=torch.float64).fill_diagonal_(1)
    innovations = drawn(40, 20)
    raw = (torch.corrcoef(innovations.T) - truth).square().sum()
    assert (shrunk_correlation(innovations) - truth).square().sum() < raw / 2


def test_one_asset_is_correlated_with_itself():
    assert torch.equal(shrunk_correlation(drawn(50, 1)), torch.ones(1, 1).double())
