import torch

from fingan.volatility.drift import expected_returns

RANDOM = torch.Generator().manual_seed(7)
N_DAYS = 4000
ONES = torch.ones(N_DAYS, 10, dtype=torch.float64)
NOISE = torch.randn(N_DAYS, 10, generator=RANDOM, dtype=torch.float64)


def test_means_that_chance_explains_become_the_common_one():
    found = expected_returns(NOISE + 0.03, ONES)
    assert found.std() < 0.3 * NOISE.mean(0).std()
    torch.testing.assert_close(found.mean(), (NOISE + 0.03).mean(), atol=1e-9, rtol=0)


def test_means_that_are_far_apart_are_kept():
    truth = torch.linspace(-1, 1, 10, dtype=torch.float64)
    torch.testing.assert_close(expected_returns(NOISE + truth, ONES), truth, atol=0.06, rtol=0)


def test_wild_days_count_little():
    variances = ONES.clone()
    variances[::2] = 100.0
    returns = 0.05 + NOISE * variances.sqrt()
    error = (expected_returns(returns, variances) - 0.05).abs().mean()
    assert error < (returns.mean(0) - 0.05).abs().mean() / 2


def test_a_single_asset_is_weighted_and_not_shrunk():
    returns, variances = NOISE[:, :1] + 0.2, ONES[:, :1]
    torch.testing.assert_close(expected_returns(returns, variances), returns.mean(0))


def test_missing_days_count_nothing():
    gappy = NOISE.clone()
    gappy[: N_DAYS // 2, 0] = torch.nan
    assert expected_returns(gappy, ONES).isfinite().all()
