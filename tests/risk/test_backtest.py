import math
import time

import numpy as np
import pytest
import torch
import vartests
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.ar_model import AutoReg

from fingan.risk import backtest as tests

NORMAL_VAR, NORMAL_ES = 2.3263478740408408, 2.665214220345808  # at 99 %, unit variance


def days(n_days, violated, spread=1):
    """True on the first ``violated`` of every ``spread``-th day."""
    flags = torch.zeros(n_days, dtype=torch.bool)
    flags[: violated * spread : spread] = True
    return flags


def normals(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_kupiec_is_the_likelihood_ratio_by_hand_and_that_of_vartests():
    violated = days(250, 7, spread=20)
    free = 7 * math.log(7 / 250) + 243 * math.log(243 / 250)
    held = 7 * math.log(0.01) + 243 * math.log(0.99)
    found = tests.kupiec(violated, 0.99)
    assert found.statistic == pytest.approx(2 * (free - held))
    assert found.p == pytest.approx(stats.chi2.sf(2 * (free - held), 1))
    assert found.p == pytest.approx(
        vartests.kupiec_test(violated.int().tolist(), risk_conf_level=0.99)["p-value"]
    )


def test_kupiec_gives_no_violation_its_likelihood_too():
    found = tests.kupiec(days(500, 0), 0.99)
    assert found.statistic == pytest.approx(-2 * 500 * math.log(0.99))


def test_independence_is_the_likelihood_ratio_of_a_markov_chain_by_hand():
    violated = days(400, 20)  # in one cluster: 19 follow another, one stands first
    n01, n11, n10 = 0, 19, 1
    n00 = 399 - n01 - n11 - n10
    share = (n01 + n11) / 399
    held = (n00 + n10) * math.log(1 - share) + (n01 + n11) * math.log(share)
    free = n00 * math.log(1.0) + n11 * math.log(n11 / (n10 + n11)) + n10 * math.log(n10 / 20)
    found = tests.christoffersen_independence(violated, 0.95)
    assert found.statistic == pytest.approx(2 * (free - held))
    assert found.p == pytest.approx(1 / (tests.SIMULATIONS + 1))  # none simulated was as clustered


def test_conditional_coverage_is_the_sum_of_both():
    violated = days(1000, 45, spread=9)
    found = tests.conditional_coverage(violated, 0.95)
    apart = tests.kupiec(violated, 0.95), tests.christoffersen_independence(violated, 0.95)
    assert found.statistic == pytest.approx(sum(one.statistic for one in apart))
    assert found.p == pytest.approx(stats.chi2.sf(found.statistic, 2))


def test_conditional_coverage_of_few_violations_is_simulated():
    found = tests.conditional_coverage(days(250, 4, spread=30), 0.99)
    assert found.p != pytest.approx(stats.chi2.sf(found.statistic, 2), abs=1e-3)
    assert (found.p * (tests.SIMULATIONS + 1)) % 1 == pytest.approx(0, abs=1e-6)


def test_dq_is_the_regression_by_hand():
    losses, value_at_risk = normals(600, seed=4), 1.6 + 0.2 * normals(600, seed=5).abs()
    hits = (losses > value_at_risk).double() - 0.05
    columns = [torch.ones(596), *(hits[4 - lag : -lag] for lag in range(1, 5)), value_at_risk[4:]]
    design = torch.stack([column.double() for column in columns], 1).numpy()
    explained = design @ np.linalg.lstsq(design, hits[4:].numpy(), rcond=None)[0]
    found = tests.dynamic_quantile(losses, value_at_risk, 0.95)
    assert found.statistic == pytest.approx((explained**2).sum() / (0.05 * 0.95))
    shifted = tests.dynamic_quantile(losses - 5, value_at_risk - 5, 0.95)  # VaR below 0
    assert shifted.statistic == pytest.approx(found.statistic)


def test_dq_over_4529_days_takes_no_longer_than_two_seconds():
    losses, value_at_risk = normals(4529), NORMAL_VAR + 0.1 * normals(4529, seed=1).abs()
    tests.dynamic_quantile(losses[:100], value_at_risk[:100], 0.99)  # imports
    began = time.process_time()
    found = tests.dynamic_quantile(losses, value_at_risk, 0.99)
    assert time.process_time() - began < 2
    assert found.p > 0.01


def test_a_forecast_that_is_right_passes_and_one_of_half_the_risk_fails():
    n_days = 2000
    losses, draws = normals(n_days), normals(n_days, 499, seed=6)
    for scale, passes in ((1.0, True), (0.5, False)):
        threshold = torch.full((n_days,), scale * NORMAL_VAR, dtype=torch.float64)
        shortfall = torch.full((n_days,), scale * NORMAL_ES, dtype=torch.float64)
        violated = tests.violations(losses, threshold)
        found = [
            tests.kupiec(violated, 0.99),
            tests.conditional_coverage(violated, 0.99),
            tests.dynamic_quantile(losses, threshold, 0.99),
            tests.acerbi_szekely(losses, threshold, shortfall, 0.99, scale * draws),
        ]
        assert [one.p > 0.05 for one in found] == [passes] * 4


def test_z2_is_the_sum_by_hand_and_its_p_value_the_share_of_draws_below():
    losses, draws = normals(300, seed=7), normals(300, 499, seed=8)
    threshold, shortfall = torch.full_like(losses, 1.3), torch.full_like(losses, 1.7)

    def by_hand(lost):
        return 1 - (lost * (lost > 1.3) / 1.7).sum(0) / (300 * 0.1)

    found = tests.acerbi_szekely(losses, threshold, shortfall, 0.9, draws)
    assert found.statistic == pytest.approx(float(by_hand(losses)))
    below = int((by_hand(draws) <= found.statistic).sum())
    assert found.p == pytest.approx((1 + below) / 500)


def test_es_too_small_fails_z2_while_the_coverage_of_var_is_right():
    losses, draws = normals(3000, seed=3), normals(3000, 499, seed=2)
    losses = torch.where(losses > NORMAL_VAR, 2 * losses, losses)  # as often, but twice as much
    threshold, shortfall = torch.full_like(losses, NORMAL_VAR), torch.full_like(losses, NORMAL_ES)
    assert tests.kupiec(tests.violations(losses, threshold), 0.99).p > 0.05
    assert tests.acerbi_szekely(losses, threshold, shortfall, 0.99, draws).p < 0.01


@pytest.mark.parametrize(
    ("violated", "zone"), [(0, "green"), (4, "green"), (5, "amber"), (9, "amber"), (10, "red")]
)
def test_the_traffic_light_is_the_table_of_the_supervisor(violated, zone):
    year = days(250, violated, spread=20)
    assert tests.traffic_light(year, 0.99) == zone
    before = torch.ones(100, dtype=torch.bool)  # older than the window
    assert tests.traffic_light(torch.cat([before, year]), 0.99) == zone


@pytest.mark.parametrize(
    ("n_days", "level", "factor", "power"),
    [(250, 0.99, 1, 0.095), (250, 0.99, 2, 0.24), (1000, 0.99, 2, 0.78), (250, 0.975, 2, 0.60)],
)
def test_power_is_the_published_one(n_days, level, factor, power):
    assert tests.coverage_power(n_days, level, factor) == pytest.approx(power, abs=0.005)


def test_power_is_the_share_of_simulated_series_that_kupiec_rejects():
    random = np.random.default_rng(3)
    counts, often = np.unique(random.binomial(1000, 0.075, 4000), return_counts=True)
    rejected = [tests.kupiec(days(1000, int(count)), 0.95).p < 0.05 for count in counts]
    assert np.average(rejected, weights=often) == pytest.approx(
        tests.coverage_power(1000, 0.95, 1.5), abs=0.02
    )


def test_berkowitz_is_the_ratio_of_an_autoregression_and_rejects_what_is_not_uniform():
    uniform = torch.special.ndtr(normals(1500, seed=9))
    found = tests.berkowitz(uniform)
    normal = torch.special.ndtri(uniform).numpy()
    fitted = AutoReg(normal, 1, trend="c").fit()
    ratio = 2 * (fitted.llf - stats.norm.logpdf(normal[1:]).sum())
    assert found.statistic == pytest.approx(ratio)
    assert found.p > 0.05
    assert tests.berkowitz(torch.special.ndtr(1.2 * normals(1500, seed=9))).p < 0.001
    walk = normals(1500, seed=9)
    walk[1:] = (walk[1:] + walk[:-1]) / math.sqrt(2)
    assert tests.berkowitz(torch.special.ndtr(walk)).p < 0.001


def test_diebold_mariano_is_the_statistic_by_hand():
    scores, reference = normals(400, seed=10), normals(400, seed=11) + 0.1
    found = tests.diebold_mariano(scores, reference, n_lags=3)
    difference = (scores - reference).numpy()
    centred = difference - difference.mean()
    covariances = [(centred[lag:] * centred[: 400 - lag]).sum() / 400 for lag in range(4)]
    variance = covariances[0] + 2 * sum((1 - lag / 4) * covariances[lag] for lag in range(1, 4))
    correction = math.sqrt((400 + 1 - 2 * 4 + 4 * 3 / 400) / 400)
    t = correction * difference.mean() / math.sqrt(variance / 400)
    assert found.statistic == pytest.approx(t)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), 399))


def test_the_better_forecaster_has_a_negative_t():
    found = tests.diebold_mariano(normals(300), normals(300, seed=1) + 0.5, n_lags=4)
    assert found.statistic < -2
    assert found.p < 0.01


def test_the_confidence_set_keeps_the_best_and_its_twin_and_drops_the_worst():
    best = normals(500, seed=12)
    scores = {"best": best, "worst": best + 1 + 0.1 * normals(500, seed=13), "twin": best.clone()}
    assert tests.model_confidence_set(scores) == {"best", "twin"}
    assert tests.model_confidence_set({"best": best, "twin": best}) == {"best", "twin"}


def test_holm_adjusts_as_by_hand_and_as_statsmodels():
    p_values = np.random.default_rng(1).uniform(size=15).tolist()
    adjusted = multipletests(p_values, method="holm")[1]
    assert tests.holm(p_values) == pytest.approx(adjusted.tolist())
    assert tests.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert tests.holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert tests.holm([]) == []


def test_days_too_few_to_say_anything_give_nothing():
    none, short = days(50, 0), torch.full((50,), 0.01, dtype=torch.float64)
    assert tests.kupiec(none, 0.99) is None
    assert tests.conditional_coverage(none, 0.99) is None
    assert tests.christoffersen_independence(days(500, 1), 0.99) is None
    assert tests.dynamic_quantile(short, short, 0.99) is None
    assert tests.acerbi_szekely(short, short, short, 0.99, short[:, None]) is None
    assert tests.traffic_light(days(249, 3), 0.99) is None
    assert tests.berkowitz(torch.full((29,), 0.5, dtype=torch.float64)) is None
    assert tests.diebold_mariano(short[:29], short[:29] + 1, 1) is None
    assert tests.diebold_mariano(short, short, 1) is None
    assert tests.model_confidence_set({"alone": normals(500)}) is None


def test_a_var_that_is_a_gain_on_some_day_has_no_z2():
    losses, threshold = normals(500), torch.full((500,), 1.5, dtype=torch.float64)
    threshold[3] = -0.1
    draws = normals(500, 99)
    assert tests.acerbi_szekely(losses, threshold, threshold + 1, 0.95, draws) is None
