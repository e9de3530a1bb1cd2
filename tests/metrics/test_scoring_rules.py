import math

import numpy as np
import pytest
import scoringrules
import torch
from scipy import stats

from fingan.metrics.scoring_rules import crps, energy_score


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
