import numpy as np
import pytest
import torch
from arch.univariate import EWMAVariance, ZeroMean, arch_model

from fingan.volatility.filter import MAX_PERSISTENCE, VolatilityFilter, fit_filter

TRUTH = (0.02, 0.03, 0.09, 0.90)  # omega, alpha, gamma, beta: unconditional variance 0.8


def simulated(n_days, n_assets, seed=0):
    """GJR-GARCH returns with Gaussian innovations, the same law for every asset."""
    random = np.random.default_rng(seed)
    omega, alpha, gamma, beta = TRUTH
    variance = np.full(n_assets, omega / (1 - alpha - gamma / 2 - beta))
    returns = np.empty((n_days, n_assets))
    for day in range(n_days):
        returns[day] = np.sqrt(variance) * random.standard_normal(n_assets)
        news = (alpha + gamma * (returns[day] < 0)) * returns[day] ** 2
        variance = omega + news + beta * variance
    return torch.from_numpy(returns)


def with_gaps(returns):
    returns = returns.clone()
    returns[:40, 0] = torch.nan  # starts late
    returns[100:110, 1] = torch.nan  # a gap
    returns[-50:, 2] = torch.nan  # ends early
    return returns


def log_likelihood(fitted, returns):
    variances = fitted.variances(returns)[:-1]
    density = -0.5 * (np.log(2 * np.pi) + variances.log() + returns.square() / variances)
    return density.nansum(0)


@pytest.fixture(scope="module")
def returns():
    return simulated(1500, 4)


@pytest.fixture(scope="module")
def fitted(returns):
    return fit_filter(returns)


def test_a_gjr_filter_is_the_one_that_arch_fits(returns, fitted):
    likelihood = log_likelihood(fitted, returns)
    for asset in range(returns.shape[1]):
        oracle = arch_model(
            returns[:, asset].numpy(), mean="Zero", p=1, o=1, q=1, rescale=False
        ).fit(disp="off", show_warning=False)
        assert likelihood[asset] == pytest.approx(oracle.loglikelihood, abs=0.01)
        ours = [float(values[asset]) for values in (fitted.omega, fitted.alpha)]
        ours += [float(values[asset]) for values in (fitted.gamma, fitted.beta)]
        assert ours == pytest.approx(list(oracle.params), abs=5e-3)
        variances = fitted.variances(returns)[:-1, asset].sqrt().numpy()
        np.testing.assert_allclose(variances, oracle.conditional_volatility, rtol=0.01)


def test_the_variances_are_those_of_arch_at_the_same_parameters(returns, fitted):
    model = arch_model(returns[:, 0].numpy(), mean="Zero", p=1, o=1, q=1, rescale=False)
    parameters = [
        float(values[0]) for values in (fitted.omega, fitted.alpha, fitted.gamma, fitted.beta)
    ]
    oracle = model.fix(parameters).conditional_volatility
    ours = fitted.variances(returns)[:-1, 0].sqrt().numpy()
    np.testing.assert_allclose(ours, oracle, rtol=1e-2)  # the first variances differ
    np.testing.assert_allclose(ours[250:], oracle[250:], rtol=1e-9)


def test_known_parameters_are_recovered():
    fitted = fit_filter(simulated(20_000, 3, seed=1))
    for found, truth, tolerance in (
        (fitted.omega, TRUTH[0], 0.008),
        (fitted.alpha, TRUTH[1], 0.015),
        (fitted.gamma, TRUTH[2], 0.02),
        (fitted.beta, TRUTH[3], 0.02),
    ):
        torch.testing.assert_close(found, torch.full_like(found, truth), atol=tolerance, rtol=0)


@pytest.mark.parametrize("kind", ["gjr", "ewma"])
def test_persistence_stays_below_one_even_where_variance_never_returns(kind):
    random = np.random.default_rng(3)
    steps = 0.1 * random.standard_normal((1000, 2)).cumsum(0)  # volatility is a random walk
    wild = torch.from_numpy(np.exp(steps) * random.standard_normal((1000, 2)))
    fitted = fit_filter(wild, kind)
    assert (fitted.persistence < 1).all()
    assert (fitted.persistence <= MAX_PERSISTENCE).all()
    for values in (fitted.omega, fitted.alpha, fitted.alpha + fitted.gamma, fitted.beta):
        assert (values >= 0).all()
        assert values.isfinite().all()


def test_an_ewma_filter_decays_as_the_one_that_arch_fits(returns):
    fitted = fit_filter(returns, "ewma")
    assert torch.equal(fitted.gamma, torch.zeros(4).double())
    torch.testing.assert_close(fitted.persistence, torch.full((4,), 0.999).double())
    for asset in range(4):
        model = ZeroMean(returns[:, asset].numpy(), volatility=EWMAVariance(None))
        oracle = model.fit(disp="off", show_warning=False)
        assert float(fitted.beta[asset]) == pytest.approx(oracle.params["lam"], abs=0.01)


def test_ewma_averages_squares_with_geometric_weights():
    one = torch.ones(1, dtype=torch.float64)
    average = VolatilityFilter(0 * one, 0.06 * one, 0 * one, 0.94 * one, one)
    returns = simulated(200, 1)
    weights = 0.06 * 0.94 ** torch.arange(199, -1, -1).double()
    expected = 0.94**200 + (weights * returns[:, 0].square()).sum()
    torch.testing.assert_close(average.variances(returns)[-1, 0], expected)


def test_later_rows_change_no_earlier_variance(returns, fitted):
    changed = returns.clone()
    changed[1000:] *= -3
    assert torch.equal(fitted.variances(changed)[:1001], fitted.variances(returns)[:1001])
    assert not torch.equal(fitted.variances(changed)[1001], fitted.variances(returns)[1001])


def test_a_gap_moves_the_variance_to_its_own_expectation(returns, fitted):
    gap = returns.clone()
    gap[500:520] = torch.nan
    variances = fitted.variances(gap)
    expected = variances[500]
    for _ in range(20):
        expected = fitted.omega + fitted.persistence * expected
    torch.testing.assert_close(variances[520], expected)


def test_before_the_first_observation_the_variance_waits(returns, fitted):
    late = returns.clone()
    late[:300, 1] = torch.nan
    variances = fitted.variances(late)
    assert torch.equal(variances[:301, 1], fitted.initial[1].expand(301))
    assert variances[301, 1] != fitted.initial[1]


def test_an_asset_is_fitted_as_if_the_others_were_not_there(returns):
    gappy = with_gaps(returns)
    together, alone = fit_filter(gappy), fit_filter(gappy[:, 3:])
    torch.testing.assert_close(together.alpha[3:], alone.alpha, atol=1e-6, rtol=0)
    torch.testing.assert_close(together.beta[3:], alone.beta, atol=1e-6, rtol=0)


def test_missing_values_cost_precision_and_no_more(returns, fitted):
    gappy = fit_filter(with_gaps(returns))
    for name in ("omega", "alpha", "gamma", "beta"):
        found, whole = getattr(gappy, name), getattr(fitted, name)
        assert found.isfinite().all()
        torch.testing.assert_close(found, whole, atol=0.03, rtol=0)
    assert torch.equal(found[3], whole[3]) or abs(float(found[3] - whole[3])) < 1e-6


def test_the_fit_of_gappy_data_has_no_slope_left(returns):
    """No small move of a parameter makes the observed days more likely."""
    gappy = with_gaps(returns)
    fitted = fit_filter(gappy)
    best = log_likelihood(fitted, gappy)
    for name in ("omega", "alpha", "gamma", "beta"):
        for factor in (0.98, 1.02):
            moved = {field: getattr(fitted, field) for field in fitted.__dataclass_fields__}
            moved[name] = moved[name] * factor
            assert (log_likelihood(VolatilityFilter(**moved), gappy) <= best + 1e-6).all()
