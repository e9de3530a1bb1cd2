import math

import pytest
import torch

from fingan.training.objectives import (
    critic_loss,
    generator_loss,
    gradient_penalty,
    hinge_critic_loss,
    minimax_critic_loss,
    non_saturating_loss,
    objective_of,
    penalties,
    score_loss,
    wasserstein_critic_loss,
)

NAMES = ("relativistic", "minimax", "wasserstein-gp", "hinge")


def scores(*values):
    return torch.tensor(values, dtype=torch.float64)


REAL, SYNTHETIC = scores(0.3, -1.2, 2.0), scores(0.5, 0.1, -0.4)


def derivatives(loss, real=REAL, synthetic=SYNTHETIC):
    """Of a loss by market and synthetic scores; zero where it does not depend on them."""
    both = [real.clone().requires_grad_(), synthetic.clone().requires_grad_()]
    found = torch.autograd.grad(loss(*both), both, allow_unused=True)
    return [torch.zeros_like(real) if one is None else one for one in found]


def test_equal_scores_cost_log_two():
    for loss in (critic_loss, generator_loss):
        assert float(loss(scores(1.5, -2), scores(1.5, -2))) == pytest.approx(math.log(2))


def test_the_critic_gains_where_the_market_scores_above_its_partner():
    good, bad = scores(3, 4), scores(-3, -4)
    assert critic_loss(good, bad) < 0.05 < 3 < critic_loss(bad, good)


def test_the_generator_pays_what_the_critic_gains():
    torch.testing.assert_close(generator_loss(REAL, SYNTHETIC), critic_loss(SYNTHETIC, REAL))


def test_pairs_are_compared_not_averages():
    assert critic_loss(scores(1, -1), scores(-1, 1)) > critic_loss(scores(0, 0), scores(0, 0))


def test_a_common_shift_of_all_scores_changes_nothing_where_scores_are_compared():
    for loss in (critic_loss, generator_loss, wasserstein_critic_loss):
        torch.testing.assert_close(loss(REAL + 100, SYNTHETIC + 100), loss(REAL, SYNTHETIC))
    for loss in (minimax_critic_loss, hinge_critic_loss, non_saturating_loss):
        assert not torch.allclose(loss(REAL + 100, SYNTHETIC + 100), loss(REAL, SYNTHETIC))


@pytest.mark.parametrize("name", NAMES)
def test_the_pull_on_synthetic_scores_is_the_derivative_of_the_generators_loss(name):
    objective = objective_of(name)
    _, expected = derivatives(objective.generator_loss)
    torch.testing.assert_close(objective.pull(REAL, SYNTHETIC), expected)
    assert (expected < 0).all()  # a higher score always pays


@pytest.mark.parametrize("name", NAMES)
def test_the_critic_wants_market_scores_up_and_synthetic_ones_down(name):
    real, synthetic = derivatives(objective_of(name).critic_loss)
    assert (real <= 0).all()
    assert (synthetic >= 0).all()
    assert real.sum() < 0 < synthetic.sum()


def test_the_minimax_losses_are_those_of_a_logistic_regression():
    value = -(REAL.sigmoid().log().mean() + (1 - SYNTHETIC.sigmoid()).log().mean())
    torch.testing.assert_close(minimax_critic_loss(REAL, SYNTHETIC), value)
    real, synthetic = derivatives(minimax_critic_loss)
    torch.testing.assert_close(real, -(1 - REAL.sigmoid()) / 3)
    torch.testing.assert_close(synthetic, SYNTHETIC.sigmoid() / 3)
    torch.testing.assert_close(
        non_saturating_loss(REAL, SYNTHETIC), -SYNTHETIC.sigmoid().log().mean()
    )


def test_the_generator_is_still_pulled_where_the_critic_is_sure():
    sure = scores(-30.0)
    saturated = derivatives(lambda _, s: (1 - s.sigmoid()).log().mean(), sure, sure)[1]
    unsaturated = derivatives(non_saturating_loss, sure, sure)[1]
    assert saturated.abs() < 1e-12 < 0.99 < -unsaturated


def test_the_wasserstein_losses_are_differences_of_means():
    found = wasserstein_critic_loss(REAL, SYNTHETIC)
    assert float(found) == pytest.approx(0.2 / 3 - 1.1 / 3)
    assert float(score_loss(REAL, SYNTHETIC)) == pytest.approx(-0.2 / 3)
    real, synthetic = derivatives(wasserstein_critic_loss)
    assert real.tolist() == pytest.approx([-1 / 3] * 3)
    assert synthetic.tolist() == pytest.approx([1 / 3] * 3)


def test_the_hinge_leaves_alone_what_is_beyond_the_margin():
    assert float(hinge_critic_loss(scores(2.0, 1.0), scores(-1.0, -3.0))) == 0
    real, synthetic = derivatives(hinge_critic_loss, scores(0.5, 1.5), scores(-1.5, 0.5))
    assert real.tolist() == [-0.5, 0]
    assert synthetic.tolist() == [0, 0.5]


def test_penalties_are_mean_squared_norms_of_market_and_synthetic_gradients():
    gradient = torch.zeros(3, 4, 2)
    gradient[:, 0] = 2.0  # 6 cells of 4
    gradient[0, 3, 1] = 5.0
    r1, r2 = penalties(gradient)
    assert (float(r1), float(r2)) == (24 / 2, 25 / 2)


def test_the_gradient_penalty_of_a_linear_critic_is_its_distance_from_slope_one():
    weight = torch.tensor([3.0, 4.0], dtype=torch.float64)
    gradient = weight.expand(4, 6, 2)  # horizon 4: the norm is 5 times 2
    assert float(gradient_penalty(gradient)) == pytest.approx((10 - 1) ** 2)


def test_the_gradient_penalty_has_a_derivative_where_the_critic_is_flat():
    flat = torch.zeros(3, 2, 2, requires_grad=True)
    (found,) = torch.autograd.grad(gradient_penalty(flat), flat)
    assert found.isfinite().all()
