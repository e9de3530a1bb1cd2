import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import minimize

from fingan.metrics.tails import hill_index, tail_quantile, tail_quantile_error


def draw(law, n, seed=0):
    return torch.from_numpy(law.rvs(size=n, random_state=np.random.default_rng(seed)))


def test_hills_index_is_the_hand_calculation():
    """The largest four tenths of e^0 .. e^9 lie 1, 2, 3 and 4 above e^5 in logarithms, 10 times."""
    losses = torch.arange(10.0, dtype=torch.float64).exp().repeat(10)
    index = hill_index(losses, share=0.4)
    assert index.estimate == pytest.approx(1 / 2.5)
    assert index.standard_error == pytest.approx(index.estimate / 40**0.5)
    assert index.n_tail == 40


@pytest.mark.parametrize("alpha", [2.0, 3.5])
def test_hills_index_of_a_pareto_law_is_its_exponent(alpha):
    index = hill_index(draw(stats.pareto(alpha), 20_000), share=0.1)
    assert abs(index.estimate - alpha) < 3 * index.standard_error
    assert index.high - index.low == pytest.approx(2 * 1.96 * index.standard_error, rel=1e-4)


def test_hills_interval_holds_the_exponent_as_often_as_it_says():
    indices = [hill_index(draw(stats.pareto(3), 2000, seed)) for seed in range(200)]
    covered = np.mean([index.low <= 3 <= index.high for index in indices])
    assert 0.91 < covered < 0.985


def test_the_unit_does_not_matter_to_the_index():
    losses = draw(stats.t(4), 2000)
    assert hill_index(100 * losses).estimate == pytest.approx(hill_index(losses).estimate)


def test_a_tail_too_thin_has_no_index():
    index = hill_index(draw(stats.pareto(3), 300))
    assert math.isnan(index.estimate)
    assert index.n_tail == 15
    assert math.isnan(hill_index(-draw(stats.pareto(3), 2000)).estimate)
    assert math.isnan(hill_index(torch.ones(2000).double()).estimate)


def test_the_tail_quantile_is_the_one_of_scipys_fit():
    losses = draw(stats.t(4), 2000)
    quantile = tail_quantile(losses, 0.999)
    ordered = losses.sort(descending=True).values.numpy()
    shape, _, scale = stats.genpareto.fit(ordered[:100] - ordered[100], floc=0)
    expected = ordered[100] + stats.genpareto.ppf(1 - 0.001 / 0.05, shape, scale=scale)
    assert quantile.estimate == pytest.approx(expected, rel=1e-3)
    assert quantile.shape == pytest.approx(shape, abs=2e-3)
    assert quantile.threshold == ordered[100]


def test_the_interval_ends_where_the_likelihood_ratio_is_rejected():
    """Twice the loss of log-likelihood is 3.84 at both ends, by another optimiser."""
    losses = draw(stats.t(3), 3000, seed=2)
    quantile = tail_quantile(losses, 0.998)
    ordered = losses.sort(descending=True).values.numpy()
    excesses = ordered[:150] - ordered[150]

    def cost(shape, at):
        scale = (at - quantile.threshold) * shape / ((0.05 / 0.002) ** shape - 1)
        return -stats.genpareto.logpdf(excesses, shape, scale=scale).sum()

    def profile(at):
        return minimize(lambda x: cost(x[0], at), [0.3], method="Nelder-Mead").fun

    best = profile(quantile.estimate)
    assert 2 * (profile(quantile.low) - best) == pytest.approx(3.8415, abs=0.02)
    assert 2 * (profile(quantile.high) - best) == pytest.approx(3.8415, abs=0.02)


def test_the_interval_holds_the_quantile_as_often_as_it_says():
    law, level = stats.t(4), 0.999
    quantiles = [tail_quantile(draw(law, 2500, seed), level) for seed in range(40)]
    covered = np.mean([q.low <= law.ppf(level) <= q.high for q in quantiles])
    assert covered > 0.8  # 95 % less what the law's own curvature and 40 draws take away


@pytest.mark.parametrize(
    "law", [stats.uniform(), stats.norm(), stats.pareto(1.2)], ids=["uniform", "normal", "Pareto"]
)
def test_short_and_very_heavy_tails_have_an_interval_around_the_estimate(law):
    quantile = tail_quantile(draw(law, 2000, seed=3), 0.99)
    assert quantile.low < quantile.estimate < quantile.high
    assert quantile.estimate == pytest.approx(law.ppf(0.99), rel=0.3)


def test_doubling_the_losses_doubles_the_quantile():
    losses = draw(stats.t(4), 2000)
    one, two = tail_quantile(losses, 0.995), tail_quantile(2 * losses, 0.995)
    assert (two.estimate, two.low, two.high) == pytest.approx(
        (2 * one.estimate, 2 * one.low, 2 * one.high), rel=1e-6
    )


def test_the_right_tail_is_within_error_and_a_thin_one_is_not():
    real = draw(stats.t(3), 5000)
    right = tail_quantile_error(real, draw(stats.t(3), 200_000, seed=1), 0.995)
    wrong = tail_quantile_error(real, 1.2 * draw(stats.norm(), 200_000, seed=1), 0.995)
    assert right.is_within_error
    assert right.estimate == pytest.approx(0, abs=0.15)
    assert not wrong.is_within_error
    assert wrong.high < 0


def test_the_error_is_relative_to_the_quantile_and_to_its_interval():
    real = draw(stats.t(4), 3000)
    market = tail_quantile(real, 0.99)
    synthetic = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    error = tail_quantile_error(real, synthetic, 0.99)
    assert error.estimate == pytest.approx(0.99 / market.estimate - 1, rel=1e-3)
    assert error.low == pytest.approx(0.99 / market.high - 1, rel=1e-3)
    assert error.high == pytest.approx(0.99 / market.low - 1, rel=1e-3)


def test_too_few_losses_on_either_side_give_no_error():
    losses = draw(stats.t(4), 2000)
    assert math.isnan(tail_quantile_error(losses, losses[:900], 0.99).estimate)
    assert math.isnan(tail_quantile_error(losses[:300], losses, 0.99).estimate)
    assert not tail_quantile_error(losses[:300], losses, 0.99).is_within_error


def test_a_quantile_outside_the_tail_is_refused():
    losses = draw(stats.t(4), 2000)
    with pytest.raises(ValueError, match=r"between 1 - share = 0.95 and 1, got 0.9"):
        tail_quantile(losses, 0.9)
    with pytest.raises(ValueError, match=r"share must lie in \(0, 1\), got 1.5"):
        hill_index(losses, 1.5)
