import pytest
import torch

from fingan.metrics.scoring_rules import crps, energy_score
from fingan.training.energy import HORIZONS, SMOOTH, energy_pulls

HORIZON, N_ASSETS = 40, 3
PORTFOLIOS = torch.tensor([[0.5, 1.0], [-0.5, 0.0], [0.7, -1.0]], dtype=torch.float64)


def paths(seed, batch=6, horizon=HORIZON):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(horizon, batch, N_ASSETS, generator=random, dtype=torch.float64)


def test_the_score_is_that_of_two_paths_a_window():
    real, ours, twins = paths(1), paths(2), paths(3)
    score, _, _ = energy_pulls(real, ours, twins, PORTFOLIOS)
    alone, joint = [], []
    for steps in HORIZONS:
        sums = [one[:steps].sum(0) / steps**0.5 for one in (real, ours, twins)]
        outcome, *both = [torch.cat([one, one @ PORTFOLIOS], 1) for one in sums]
        alone.append(crps(torch.stack(both, -1), outcome).mean())
        joint.append(energy_score(torch.stack(sums[1:], 1), sums[0]).mean() / N_ASSETS**0.5)
    expected = torch.stack(alone).mean() + torch.stack(joint).mean()
    torch.testing.assert_close(score, expected, atol=2 * SMOOTH**0.5, rtol=0)


def test_the_pulls_are_the_gradients_of_the_score():
    real, ours, twins = paths(1), paths(2).requires_grad_(), paths(3).requires_grad_()
    _, own, other = energy_pulls(real, ours, twins, PORTFOLIOS)
    move = 1e-6
    for given, pull in ((ours, own), (twins, other)):
        for place in ((0, 0, 0), (7, 3, 1), (39, 5, 2)):
            scores = []
            for sign in (1, -1):
                moved = given.detach().clone()
                moved[place] += sign * move
                pair = (moved, twins) if given is ours else (ours, moved)
                scores.append(energy_pulls(real, *pair, PORTFOLIOS)[0])
            slope = (scores[0] - scores[1]) / (2 * move)
            torch.testing.assert_close(pull[place], slope, atol=1e-6, rtol=1e-4)


def test_the_market_s_own_spread_has_the_lowest_score():
    real, ours, twins = paths(1, 20_000), paths(2, 20_000), paths(3, 20_000)
    scores = [
        float(energy_pulls(real, size * ours, size * twins, PORTFOLIOS)[0])
        for size in (0.8, 1.0, 1.25)
    ]
    assert scores[1] < min(scores[0], scores[2]) - 0.01


@pytest.mark.parametrize("horizon", [1, 8])
def test_short_windows_are_scored_over_what_they_hold(horizon):
    score, own, _ = energy_pulls(*(paths(seed, horizon=horizon) for seed in (1, 2, 3)), PORTFOLIOS)
    assert score.isfinite()
    assert own.shape == (horizon, 6, N_ASSETS)
