import numpy as np
import pytest
import torch
from scipy import stats

from fingan.data.returns import log_returns
from fingan.scenarios.baselines import baseline
from fingan.scenarios.filtered import standardised
from fingan.scenarios.samplers import ScenarioRequest
from fingan.scenarios.t_copula import RankedDays

CORRELATION = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.3], [0.3, 0.3, 1.0]])


def t_days(nu, n_days=6000):
    """Joint t numbers under margins that a copula must not see."""
    law = stats.multivariate_t(shape=CORRELATION, df=nu, seed=4)
    return torch.from_numpy(np.sinh(law.rvs(n_days)))


def test_the_copula_of_days_that_have_one_is_found():
    found = RankedDays.of(t_days(5.0)).most_likely()
    assert 4 < found.degrees_of_freedom < 6.3
    assert np.abs(found.correlation.numpy() - CORRELATION).max() < 0.04


def test_days_without_tail_dependence_ask_for_many_degrees_of_freedom():
    normals = np.random.default_rng(1).multivariate_normal(np.zeros(3), CORRELATION, 6000)
    assert RankedDays.of(torch.from_numpy(normals)).most_likely().degrees_of_freedom > 30


@pytest.mark.parametrize("nu", [3.0, 12.0])
def test_the_likelihood_is_that_of_the_joint_t_over_its_margins(nu):
    days = t_days(5.0, n_days=500)
    fitted = RankedDays.of(days).profile(nu)
    levels = (days.argsort(dim=0).argsort(dim=0).numpy() + 0.5) / len(days)
    numbers = stats.t.ppf(levels, nu)
    joint = stats.multivariate_t(shape=fitted.correlation.numpy(), df=nu).logpdf(numbers)
    expected = (joint - stats.t.logpdf(numbers, nu).sum(1)).mean()
    assert fitted.log_likelihood == pytest.approx(expected, abs=1e-9)


def test_no_small_move_of_the_degrees_of_freedom_is_more_likely():
    ranked = RankedDays.of(t_days(5.0, n_days=2000))
    best = ranked.most_likely()
    for factor in (0.85, 1.15):
        moved = ranked.profile(factor * best.degrees_of_freedom)
        assert moved.log_likelihood < best.log_likelihood


def test_margins_are_the_residuals_own(garch_prices):
    sampler = baseline("t-copula", garch_prices)
    law = sampler.law
    residuals = standardised(
        law.scaler.transform(log_returns(garch_prices).values), law.volatility
    ).numpy()
    shocks = law.innovations.draw(ScenarioRequest(1, 1, 2), 0, 40)[0].double().numpy()
    positions = np.linspace(0.02, 0.98, 25)
    for residual, drawn in zip(residuals.T, shocks.T, strict=True):
        assert drawn.min() >= residual.min() - 1e-5
        assert drawn.max() <= residual.max() + 1e-5
        expected = np.quantile(residual, positions, method="hazen")
        assert np.abs(np.quantile(drawn, positions) - expected).max() < 0.08


def test_margins_at_the_table_are_linear_between_order_statistics(garch_prices):
    law = baseline("t-copula", garch_prices).law
    residuals = standardised(
        law.scaler.transform(log_returns(garch_prices).values), law.volatility
    ).numpy()
    nu, margins = law.innovations.degrees_of_freedom, law.innovations.margins
    levels = np.linspace(0.001, 0.999, 400)
    numbers = torch.from_numpy(stats.t.ppf(levels, nu)).float().unsqueeze(1).repeat(1, 4)
    read = margins(numbers).numpy()
    for asset, residual in enumerate(residuals.T):
        expected = np.quantile(residual, levels, method="hazen")
        np.testing.assert_allclose(read[:, asset], expected, atol=0.02)
