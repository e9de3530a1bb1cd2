import math

import pytest
import torch

from fingan.training.objectives import critic_loss, generator_loss, penalties


def scores(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_equal_scores_cost_log_two():
    for loss in (critic_loss, generator_loss):
        assert float(loss(scores(1.5, -2), scores(1.5, -2))) == pytest.approx(math.log(2))


def test_the_critic_gains_where_the_market_scores_above_its_partner():
    good, bad = scores(3, 4), scores(-3, -4)
    assert critic_loss(good, bad) < 0.05 < 3 < critic_loss(bad, good)


def test_the_generator_pays_what_the_critic_gains():
    real, synthetic = scores(0.3, -1.2, 2.0), scores(0.5, 0.1, -0.4)
    torch.testing.assert_close(generator_loss(real, synthetic), critic_loss(synthetic, real))


def test_pairs_are_compared_not_averages():
    assert critic_loss(scores(1, -1), scores(-1, 1)) > critic_loss(scores(0, 0), scores(0, 0))


def test_a_common_shift_of_all_scores_changes_nothing():
    real, synthetic = scores(0.3, -1.2), scores(0.5, 0.1)
    shifted = critic_loss(real + 100, synthetic + 100)
    torch.testing.assert_close(shifted, critic_loss(real, synthetic))


def test_penalties_are_mean_squared_norms_of_market_and_synthetic_gradients():
    gradient = torch.zeros(3, 4, 2)
    gradient[:, 0] = 2.0  # 6 cells of 4
    gradient[0, 3, 1] = 5.0
    r1, r2 = penalties(gradient)
    assert (float(r1), float(r2)) == (24 / 2, 25 / 2)
