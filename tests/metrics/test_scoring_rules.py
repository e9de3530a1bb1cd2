import math

import numpy as np
import pytest
import scoringrules
import torch
from scipy import stats

from fingan.metrics.scoring_rules import crps, energy_score, fz0, variogram_score


def drawn(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("outcome", [-2.0, 0.0, 0.7])
def test_the_score_of_a_gaussian_is_the_one_in_closed_form(outcome):
    scenarios = drawn(4000, seed=1)
    scenarios = torch.cat([scenarios, -scenarios])
    closed = outcome * (2 * stats.norm.cdf(outcome) - 1) + 2 * stats.norm.pdf(outcome)
    closed -= 1 / math.sqrt(math.pi)
    assert float(crps(scenarios, torch.tensor(outcome).double())) == pytest.approx(closed, abs=0.02)


def test_crps_is_the_fair_one_of_scoringrules():
    scenarios, outcome = drawn(7, 50), drawn(7, seed=2)
    expected = scoringrules.crps_ensemble(outcome.numpy(), scenarios.numpy(), estimator="fair")
    np.testing.assert_allclose(crps(scenarios, outcome).numpy(), expected, rtol=1e-10)


def test_the_energy_score_is_the_fair_one_of_scoringrules():
    scenarios, outcome = drawn(5, 40, 3), drawn(5, 3, seed=2)
    biased = scoringrules.es_ensemble(outcome.numpy(), scenarios.numpy(), estimator="nrg")
    pairs = torch.cdist(scenarios, scenarios).sum((-1, -2)).numpy()
    expected = biased + pairs / (2 * 40**2) - pairs / (2 * 40 * 39)
    np.testing.assert_allclose(energy_score(scenarios, outcome).numpy(), expected, rtol=1e-10)


def test_the_energy_score_of_one_asset_is_its_crps():
    scenarios, outcome = drawn(6, 30), drawn(6, seed=3)
    joint = energy_score(scenarios.unsqueeze(-1), outcome.unsqueeze(-1))
    torch.testing.assert_close(joint, crps(scenarios, outcome))


def test_the_score_does_not_depend_on_the_size_of_the_ensemble():
    """Fair: small and large ensembles of one law score alike on average."""
    outcome = drawn(20_000, seed=4)
    small, large = (crps(drawn(20_000, n, seed=n), outcome) for n in (2, 20))
    error = (small - large).std() / 20_000**0.5
    assert abs(float(small.mean() - large.mean())) < 4 * float(error)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda paths: 0.7 * paths,
        lambda paths: 1.4 * paths,
        lambda paths: paths + 0.3,
        lambda paths: torch.stack([paths[..., 0], -paths[..., 1]], dim=-1),
    ],
    ids=["too narrow", "too wide", "biased", "wrongly dependent"],
)
def test_the_truth_scores_best(wrong):
    mix = torch.tensor([[1.0, 0.9], [0.0, 0.44]], dtype=torch.float64)
    scenarios, outcome = drawn(4000, 40, 2) @ mix, drawn(4000, 2, seed=5) @ mix
    difference = energy_score(wrong(scenarios), outcome) - energy_score(scenarios, outcome)
    assert difference.mean() > 3 * difference.std() / len(difference) ** 0.5


def test_a_perfect_forecast_scores_zero():
    outcome = drawn(4, 3)
    assert torch.equal(
        energy_score(outcome.unsqueeze(1).expand(4, 8, 3), outcome), torch.zeros(4).double()
    )


def test_doubling_the_units_doubles_the_score():
    scenarios, outcome = drawn(30, 4), drawn(4, seed=6)
    doubled = energy_score(2 * scenarios, 2 * outcome)
    torch.testing.assert_close(doubled, 2 * energy_score(scenarios, outcome))


def test_one_scenario_is_too_few():
    with pytest.raises(ValueError, match="at least 2 paths, got 1"):
        energy_score(drawn(1, 3), drawn(3))
    with pytest.raises(ValueError, match="at least 2 paths, got 1"):
        crps(drawn(5, 1), drawn(5))


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0])
def test_the_variogram_score_is_the_fair_one_of_scoringrules(order):
    scenarios, outcome = drawn(5, 30, 4), drawn(5, 4, seed=2)
    expected = scoringrules.vs_ensemble(
        outcome.numpy(), scenarios.numpy(), p=order, estimator="fair", backend="numpy"
    )
    actual = variogram_score(scenarios, outcome, order)
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-9)


def test_the_variogram_score_is_the_hand_calculation():
    """Differences 1 and 3 of the scenarios, variance 2; 4 of the outcome: 2 ((4 - 2)^2 - 2 / 2)."""
    scenarios = torch.tensor([[0.0, 1.0], [1.0, 4.0]], dtype=torch.float64)
    outcome = torch.tensor([2.0, -2.0], dtype=torch.float64)
    assert float(variogram_score(scenarios, outcome, order=1.0)) == pytest.approx(6)


def test_the_variogram_score_sees_dependence_and_no_common_shift():
    mix = torch.tensor([[1.0, 0.9], [0.0, 0.44]], dtype=torch.float64)
    scenarios, outcome = drawn(4000, 40, 2) @ mix, drawn(4000, 2, seed=5) @ mix
    right = variogram_score(scenarios, outcome)
    loose = variogram_score(torch.stack([scenarios[..., 0], -scenarios[..., 1]], -1), outcome)
    difference = loose - right
    assert difference.mean() > 3 * difference.std() / len(difference) ** 0.5
    torch.testing.assert_close(variogram_score(scenarios + 7, outcome), right)


def test_one_asset_has_no_variogram():
    assert torch.equal(variogram_score(drawn(3, 9, 1), drawn(3, 1)), torch.zeros(3).double())


def test_fz0_is_the_published_equation_for_returns():
    """Patton, Ziegel & Chen (2019): -1{Y <= v} (v - Y) / (alpha e) + v / e + log(-e) - 1."""
    alpha, returns = 0.025, drawn(200).numpy()
    v, e = -1.1 - drawn(200, seed=1).abs().numpy() / 5, -1.7 - drawn(200, seed=2).abs().numpy()
    beyond = np.where(returns <= v, v - returns, 0)
    expected = -beyond / (alpha * e) + v / e + np.log(-e) - 1
    actual = fz0(*(torch.from_numpy(-x) for x in (v, e, returns)), 1 - alpha)
    assert (returns <= v).sum() > 10
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-10)


def test_fz0_of_a_calm_and_of_a_violated_day_are_the_hand_calculations():
    days = (torch.tensor([x, x], dtype=torch.float64) for x in (2.0, 4.0))
    losses = torch.tensor([1.0, 3.0], dtype=torch.float64)
    calm = 2 / 4 + math.log(4) - 1
    assert fz0(*days, losses, 0.95).tolist() == pytest.approx([calm, calm + 1 / (0.05 * 4)])


@pytest.mark.parametrize("level", [0.95, 0.975, 0.99])
@pytest.mark.parametrize("wrong", [(0.9, 0.9), (1.1, 1.1), (1.0, 1.15), (0.9, 1.0)])
def test_the_true_value_at_risk_and_shortfall_score_lowest(level, wrong):
    losses = torch.linspace(0, 1, 200_001, dtype=torch.float64)[1:-1]
    losses = torch.special.ndtri(losses)  # a normal law, evenly
    value_at_risk = torch.tensor(stats.norm.ppf(level)).expand_as(losses)
    shortfall = torch.tensor(stats.norm.pdf(stats.norm.ppf(level)) / (1 - level)).expand_as(losses)
    right = fz0(value_at_risk, shortfall, losses, level).mean()
    assert right == pytest.approx(math.log(shortfall[0]), abs=1e-3)  # as in closed form
    assert fz0(wrong[0] * value_at_risk, wrong[1] * shortfall, losses, level).mean() > right


def test_per_cent_adds_log_100_to_fz0_of_every_day():
    value_at_risk, shortfall = 0.01 + drawn(50).abs() / 100, 0.03 + drawn(50, seed=1).abs() / 100
    losses = drawn(50, seed=2) / 50
    in_per_cent = fz0(100 * value_at_risk, 100 * shortfall, 100 * losses, 0.99)
    torch.testing.assert_close(
        in_per_cent, fz0(value_at_risk, shortfall, losses, 0.99) + math.log(100)
    )


def test_a_shortfall_that_is_no_loss_has_no_score():
    one = torch.ones(3, dtype=torch.float64)
    shortfall = torch.tensor([1.0, 0.0, -1.0], dtype=torch.float64)
    assert fz0(one, shortfall, one, 0.99).isnan().tolist() == [False, True, True]
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 1.0"):
        fz0(one, one, one, 1.0)
