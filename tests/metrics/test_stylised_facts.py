import numpy as np
import pytest
import torch
from arch import arch_model
from statsmodels.tsa.stattools import acf

from fingan.data.catalogue import load_bundled
from fingan.metrics.stylised_facts import (
    acf_score,
    autocorrelation,
    leverage_effect,
    leverage_score,
)


def drawn(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=random, dtype=torch.float64)


def garch_paths(parameters, n_paths, n_days, seed=0, burn=500):
    """Returns of a normal GARCH(1, 1) with a constant mean: paths by days."""
    mean, omega, alpha, beta = parameters
    shocks = np.random.default_rng(seed).standard_normal((burn + n_days, n_paths))
    variance = np.full(n_paths, omega / (1 - alpha - beta))
    for shock in shocks:
        shock *= np.sqrt(variance)
        variance = omega + alpha * shock**2 + beta * variance
    return torch.from_numpy(mean + shocks[burn:].T)


@pytest.fixture(scope="module")
def quant_gans():
    """S&P 500 returns in per cent, May 2009 to 2018, and paths of a GARCH fitted to them.

    2,414 returns to the end of November; the paper has 2,413. Over 100 paths the scores vary by
    .0001, .0012, .0004 (ACF of r, |r|, r^2) and .004 (leverage), standard deviations.
    """
    prices = load_bundled("sp500-index").loc["2009-05-01":"2018-11-30"]
    real = 100 * np.diff(np.log(prices.to_numpy()[:, 0]))
    fitted = arch_model(real, mean="Constant", vol="GARCH", p=1, q=1).fit(disp="off")
    return torch.from_numpy(real), garch_paths(fitted.params.to_numpy(), 100, 4000)


def test_the_autocorrelation_is_the_one_of_statsmodels():
    series = drawn(3, 500).cumsum(-1)
    expected = [acf(path, nlags=40, adjusted=False)[1:] for path in series.numpy()]
    np.testing.assert_allclose(autocorrelation(series, 40).numpy(), expected, rtol=1e-9)


def test_the_autocorrelation_of_an_autoregression_decays_by_its_coefficient():
    series, state = [], torch.zeros(200, dtype=torch.float64)
    for shocks in drawn(2000, 200):
        state = 0.8 * state + shocks
        series.append(state)
    closed = 0.8 ** torch.arange(1.0, 7.0, dtype=torch.float64)
    mean = autocorrelation(torch.stack(series, dim=-1), 6).mean(0)
    torch.testing.assert_close(mean, closed, atol=0.01, rtol=0)


def test_squared_garch_returns_are_correlated_as_in_closed_form():
    alpha, beta = 0.08, 0.87
    squares = garch_paths((0.0, 0.05, alpha, beta), 200, 4000).square()
    first = alpha * (1 - alpha * beta - beta**2) / (1 - 2 * alpha * beta - beta**2)
    closed = first * (alpha + beta) ** torch.arange(10.0, dtype=torch.float64)
    torch.testing.assert_close(autocorrelation(squares, 10).mean(0), closed, atol=0.01, rtol=0)


def test_the_last_lag_is_the_product_of_first_and_last_day():
    series = drawn(30)
    centred = series - series.mean()
    expected = centred[0] * centred[-1] / centred.square().sum()
    torch.testing.assert_close(autocorrelation(series, 29)[-1], expected)


def test_the_leverage_effect_is_the_hand_calculation():
    returns, n_lags = drawn(2, 300) ** 3, 25
    first = (returns - returns.mean(-1, keepdim=True)).numpy()
    squares = (returns.square() - returns.square().mean(-1, keepdim=True)).numpy()
    norm = np.sqrt((first**2).sum(-1) * (squares**2).sum(-1))
    expected = [(first[:, :-lag] * squares[:, lag:]).sum(-1) / norm for lag in range(1, n_lags + 1)]
    np.testing.assert_allclose(leverage_effect(returns, n_lags).numpy(), np.transpose(expected))


def test_a_fall_that_raises_tomorrows_volatility_has_leverage_in_closed_form():
    """r_t = e_t sqrt(1 - c sign(r_{t-1})) with normal e: one lag of leverage, then none."""
    c, shocks = 0.5, drawn(400_000).numpy()
    before = np.sign(np.concatenate([[1.0], shocks[:-1]]))
    returns = torch.from_numpy(shocks * np.sqrt(1 - c * before))
    size = np.sqrt(2 / np.pi) * (np.sqrt(1 - c) + np.sqrt(1 + c)) / 2
    first, *others = leverage_effect(returns, 4).tolist()
    assert first == pytest.approx(-c * size / np.sqrt(2 + 3 * c**2), abs=0.008)
    assert others == pytest.approx([0, 0, 0], abs=0.008)


def test_a_path_that_is_the_market_scores_zero():
    real = drawn(400)
    twice = torch.stack([real, real])
    assert acf_score(real, twice, "absolute", 50) == pytest.approx(0, abs=1e-12)
    assert leverage_score(real, twice, 50) == pytest.approx(0, abs=1e-12)


def test_the_scores_are_root_mean_square_and_plain_euclidean():
    real, synthetic = drawn(400), drawn(5, 600, seed=1)
    gap = autocorrelation(real.abs(), 20) - autocorrelation(synthetic.abs(), 20).mean(0)
    assert acf_score(real, synthetic, "absolute", 20) == pytest.approx(
        float(torch.linalg.vector_norm(gap)) / 20**0.5
    )
    gap = leverage_effect(real, 20) - leverage_effect(synthetic, 20).mean(0)
    assert leverage_score(real, synthetic, 20) == pytest.approx(
        float(torch.linalg.vector_norm(gap))
    )


def test_the_unit_of_the_returns_does_not_matter():
    real, synthetic = drawn(400), drawn(5, 400, seed=1)
    in_per_cent = acf_score(100 * real, 100 * synthetic, "square", 20)
    assert in_per_cent == pytest.approx(acf_score(real, synthetic, "square", 20))


@pytest.mark.parametrize(
    ("transform", "published"), [("identity", 0.0223), ("absolute", 0.0291), ("square", 0.0253)]
)
def test_garch_has_the_acf_scores_of_the_quant_gans_table(quant_gans, transform, published):
    assert acf_score(*quant_gans, transform) == pytest.approx(published, rel=0.1)


def test_garch_has_the_leverage_score_of_the_quant_gans_table(quant_gans):
    assert leverage_score(*quant_gans) == pytest.approx(0.4636, rel=0.1)


def test_shuffled_days_have_lost_their_clustering(quant_gans):
    real, synthetic = quant_gans
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(0))
    shuffled = acf_score(real, real[order].unsqueeze(0), "absolute")
    assert shuffled > 2 * acf_score(real, synthetic, "absolute")


def test_a_series_that_never_moves_has_no_correlation():
    constant = torch.full((50,), 0.1, dtype=torch.float64)
    assert autocorrelation(constant, 3).isnan().all()
    assert leverage_effect(constant, 3).isnan().all()


@pytest.mark.parametrize("n_lags", [0, 50])
def test_as_many_lags_as_days_are_too_many(n_lags):
    with pytest.raises(ValueError, match=f"between 1 and 49 for 50 days, got {n_lags}"):
        autocorrelation(drawn(50), n_lags)
