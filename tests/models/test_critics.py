import pytest
import torch
from torch import nn

from fingan.models import critics
from fingan.models.critics import CriticConfig, MarketCritic, sign_and_size
from fingan.training.objectives import penalties

N_ASSETS, N_FEATURES, HORIZON, BATCH = 5, 3, 24, 6
CONFIG = CriticConfig(
    width=8, directions=3, patch=4, n_patches=3, n_portfolios=4, aggregates=(5, 20, 100)
)


def plain_sign_and_size(paths, **_):
    """The two channels as autograd differentiates them, to any order."""
    sign = paths / (1 + paths.square() / critics.SOFT**2).sqrt()
    return torch.cat([sign, torch.log1p(paths.square())], dim=-1)


@pytest.fixture
def critic():
    random = torch.Generator().manual_seed(3)
    critic = MarketCritic(CONFIG, N_ASSETS, N_FEATURES, HORIZON).double()
    for weights in critic.parameters():
        nn.init.normal_(weights, 0, 0.5, random)
    return critic


@pytest.fixture
def given():
    """Paths, states and portfolios."""
    random = torch.Generator().manual_seed(4)
    paths = torch.randn(HORIZON, BATCH, N_ASSETS, generator=random, dtype=torch.float64)
    state = torch.randn(BATCH, N_FEATURES, generator=random, dtype=torch.float64)
    weights = torch.randn(N_ASSETS, 4, generator=random, dtype=torch.float64)
    return paths, state, weights


def gradient_by_paths(critic, paths, state, weights):
    paths = paths.clone().requires_grad_()
    scores = critic(paths, state, weights)
    return torch.autograd.grad(scores.sum(), paths, create_graph=True)[0]


def test_the_channels_are_a_bounded_sign_and_a_logarithmic_size():
    paths = torch.tensor([[-1e6, -2.0, 0.0, 2.0, 1e6]], dtype=torch.float64)
    torch.testing.assert_close(sign_and_size(paths), plain_sign_and_size(paths))
    assert sign_and_size(paths)[:, :5].abs().max() <= critics.SOFT


def test_gradients_of_the_channels_are_those_of_finite_differences(given):
    paths = given[0][:3].requires_grad_()
    assert torch.autograd.gradcheck(sign_and_size, paths)


def test_gradients_of_the_critic_are_those_of_finite_differences(critic, given):
    paths, state, weights = given
    paths = paths[:, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda paths: critic(paths, state[:2], weights), paths)


@pytest.mark.parametrize("penalty", [0, 1], ids=["r1", "r2"])
def test_the_penalties_have_the_parameter_gradients_of_plain_autograd(
    critic, given, penalty, monkeypatch
):
    def gradients():
        gradient = gradient_by_paths(critic, *given)
        value = penalties(gradient)[penalty]
        found = torch.autograd.grad(value, list(critic.parameters()), allow_unused=True)
        return value, [torch.zeros(1) if one is None else one for one in found]

    value, fast = gradients()
    monkeypatch.setattr(critics, "sign_and_size", plain_sign_and_size)
    plain_value, plain = gradients()
    torch.testing.assert_close(value, plain_value)
    for (name, _), ours, theirs in zip(critic.named_parameters(), fast, plain, strict=True):
        assert torch.allclose(ours, theirs.to(ours), rtol=1e-8, atol=1e-10), name


def test_the_penalty_of_a_linear_critic_is_its_squared_weight(given):
    paths = given[0]
    weight = torch.randn(N_ASSETS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    gradient = gradient_by_paths(lambda paths, *_: (paths @ weight).sum(0), *given)
    r1, r2 = penalties(gradient)
    torch.testing.assert_close(r1, len(paths) * weight.square().sum())
    torch.testing.assert_close(r2, r1)


def test_a_path_is_scored_as_if_the_others_were_not_there(critic, given):
    paths, state, weights = given
    together = critic(paths, state, weights)
    alone = torch.cat([critic(paths[:, [i]], state[[i]], weights) for i in range(BATCH)])
    torch.testing.assert_close(together, alone)


def test_every_kind_of_critic_has_its_say(critic, given):
    paths, state, weights = given
    parts = critic.joint(paths, state) + critic.portfolio(paths, state, weights)
    assert len(critic.aggregates) == 2  # a stretch of 100 days does not fit
    for aggregate in critic.aggregates:
        parts = parts + aggregate(paths, state)
    torch.testing.assert_close(critic(paths, state, weights), parts)


def test_the_aggregate_critic_sees_sums_alone(critic, given):
    paths, state, _ = given
    shuffled = paths.clone()
    shuffled[:5] = paths[[3, 1, 4, 0, 2]]
    weekly = critic.aggregates[0]
    torch.testing.assert_close(weekly(shuffled, state), weekly(paths, state))
    shuffled[[0, 7]] = paths[[7, 0]]
    assert not torch.allclose(weekly(shuffled, state), weekly(paths, state))


def test_the_state_moves_every_score(critic, given):
    paths, state, weights = given
    for part in (critic.joint, *critic.aggregates):
        assert (part(paths, state) != part(paths, state + 1)).all()
    moved = critic.portfolio(paths, state + 1, weights)
    assert (critic.portfolio(paths, state, weights) != moved).all()


def test_scores_are_made_of_the_features(critic, given):
    layers = [critic.joint.score, critic.portfolio.score]
    layers += [aggregate.score for aggregate in critic.aggregates]
    weights = torch.cat([layer.weight for layer in layers], dim=1)
    torch.testing.assert_close(critic.features(*given) @ weights[0], critic(*given))


def test_spectral_normalisation_holds_every_layers_largest_singular_value_at_one(critic, given):
    torch.manual_seed(1)  # of the power iteration's start
    critic.normalise_spectrally()
    for _ in range(400):  # one power iteration a pass
        critic(*given)
    critic.eval()
    layers = [module for module in critic.modules() if isinstance(module, torch.nn.Linear)]
    assert len(layers) == 4 + 4 + 2 * 4
    for layer in layers:
        assert float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) == pytest.approx(
            1, abs=1e-3
        )
