import dataclasses

import pytest
import torch

from fingan.models.critics import MarketCritic
from fingan.training.adversarial import (
    AdversarialConfig,
    adversarial_gradients,
    cosine_rate,
    make_optimizer,
    set_learning_rate,
    synthetic_paths,
    update_average,
)
from fingan.training.dataset import prepare
from fingan.training.energy import energy_pulls
from fingan.training.loop import initial_state
from fingan.training.objectives import (
    critic_loss,
    generator_loss,
    gradient_penalty,
    objective_of,
    penalties,
)

GAMMA = 0.7
CONFIG = AdversarialConfig(gamma=GAMMA)


@pytest.fixture
def config(make_config):
    return make_config()


@pytest.fixture
def state(training_set, config):
    """Networks in float64, with a generator that is no longer silent."""
    state = initial_state(training_set, config, torch.device("cpu"))
    random = torch.Generator().manual_seed(1)
    torch.nn.init.normal_(state.generator.innovations.exit.weight, 0, 0.1, random)
    state.generator.double()
    state.critic.double()
    return state


def cast(batch, kind):
    fields = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    today = fields.pop("today").map(lambda value: value.to(kind))
    others = {name: value.to(kind) for name, value in fields.items() if value is not None}
    return dataclasses.replace(batch, today=today, **others)


@pytest.fixture(params=["whole", "gappy"])
def batch_with_twins(request, training_set, gappy, config, state):
    market = training_set
    if request.param == "gappy":
        market = prepare(gappy, config, torch.device("cpu"))
    found = cast(market.batch(config, state.generator.n_noise, 0), torch.float64)
    assert (found.observed is None) == (request.param == "whole")
    return found


@pytest.fixture
def batch(batch_with_twins):
    """The critic's word alone."""
    return dataclasses.replace(batch_with_twins, twins=None)


def scored(critic, batch, paths):
    return critic(paths, batch.today.state, batch.portfolios)


def gradients(module):
    return {name: weights.grad for name, weights in module.named_parameters()}


def assert_same(found, module, expected):
    for (name, _), theirs in zip(module.named_parameters(), expected, strict=True):
        torch.testing.assert_close(found[name], theirs, rtol=1e-7, atol=1e-11, msg=name)


def test_the_generator_gets_the_gradient_of_its_loss_through_the_critic(state, batch):
    adversarial_gradients(state.generator, state.critic, batch, CONFIG)
    found = gradients(state.generator)
    synthetic = synthetic_paths(state.generator, batch)
    loss = generator_loss(
        scored(state.critic, batch, batch.real), scored(state.critic, batch, synthetic)
    )
    expected = torch.autograd.grad(loss, list(state.generator.parameters()))
    assert_same(found, state.generator, expected)


def test_the_critic_gets_the_gradient_of_its_loss_and_penalties(state, batch):
    terms = adversarial_gradients(state.generator, state.critic, batch, CONFIG)
    found = gradients(state.critic)
    real = batch.real.clone().requires_grad_()
    synthetic = synthetic_paths(state.generator, batch).detach().requires_grad_()
    real_scores = scored(state.critic, batch, real)
    synthetic_scores = scored(state.critic, batch, synthetic)
    (of_real,) = torch.autograd.grad(real_scores.sum(), real, create_graph=True)
    (of_synthetic,) = torch.autograd.grad(synthetic_scores.sum(), synthetic, create_graph=True)
    r1, r2 = (gradient.square().sum((0, 2)).mean() for gradient in (of_real, of_synthetic))
    d_loss = critic_loss(real_scores, synthetic_scores)
    expected = torch.autograd.grad(
        d_loss + GAMMA / 2 * (r1 + r2), list(state.critic.parameters()), allow_unused=True
    )
    expected = [
        torch.zeros_like(weights) if one is None else one
        for weights, one in zip(state.critic.parameters(), expected, strict=True)
    ]
    found = {name: torch.zeros(1) if one is None else one for name, one in found.items()}
    for (name, _), theirs in zip(state.critic.named_parameters(), expected, strict=True):
        assert torch.allclose(found[name].to(theirs), theirs, rtol=1e-7, atol=1e-11), name
    for name, value in (("critic_loss", d_loss), ("r1", r1), ("r2", r2)):
        torch.testing.assert_close(terms[name], value)


@pytest.mark.parametrize("name", ["minimax", "wasserstein-gp", "hinge"])
def test_other_objectives_leave_their_gradients_in_both_networks(state, batch, name):
    objective, config = objective_of(name), AdversarialConfig(objective=name, gamma=GAMMA)
    terms = adversarial_gradients(state.generator, state.critic, batch, config)
    synthetic = synthetic_paths(state.generator, batch)
    both = [scored(state.critic, batch, paths) for paths in (batch.real, synthetic)]
    g_loss = objective.generator_loss(*both)
    weights = list(state.generator.parameters())
    of_generator = torch.autograd.grad(g_loss, weights, retain_graph=True)
    assert_same(gradients(state.generator), state.generator, of_generator)

    d_loss = objective.critic_loss(*both)
    penalty = slope_term(state.critic, batch, synthetic, name)
    expected = torch.autograd.grad(
        d_loss + penalty, list(state.critic.parameters()), materialize_grads=True, allow_unused=True
    )
    found = gradients(state.critic)
    for (key, weights), theirs in zip(state.critic.named_parameters(), expected, strict=True):
        ours = torch.zeros_like(weights) if found[key] is None else found[key]
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-11, msg=key)
    torch.testing.assert_close(terms["critic_loss"], d_loss.detach())
    torch.testing.assert_close(terms["generator_loss"], g_loss.detach())


def slope_term(critic, batch, synthetic, name):
    """What each objective adds to the critic's loss, by plain autograd."""
    if name == "hinge":
        return 0.0
    if name == "minimax":
        slopes = [slope(critic, batch, paths) for paths in (batch.real, synthetic)]
        return GAMMA / 2 * sum(penalties(torch.cat(slopes, 1)))
    share = batch.mixture[:, None]
    return 10 * gradient_penalty(slope(critic, batch, share * synthetic + (1 - share) * batch.real))


def slope(critic, batch, paths):
    paths = paths.detach().requires_grad_()
    scores = scored(critic, batch, paths)
    return torch.autograd.grad(scores.sum(), paths, create_graph=True)[0]


def test_matched_features_add_the_gradient_of_their_distance(state, batch):
    config = AdversarialConfig(gamma=GAMMA, feature_matching=3.0)
    terms = adversarial_gradients(state.generator, state.critic, batch, config)
    found = gradients(state.generator)
    synthetic = synthetic_paths(state.generator, batch)
    told = (batch.today.state, batch.portfolios)
    seen = [state.critic.features(paths, *told).mean(0) for paths in (batch.real, synthetic)]
    distance = (seen[1] - seen[0]).square().sum()
    loss = 3 * distance + generator_loss(
        *(scored(state.critic, batch, paths) for paths in (batch.real, synthetic))
    )
    expected = torch.autograd.grad(loss, list(state.generator.parameters()))
    assert_same(found, state.generator, expected)
    torch.testing.assert_close(terms["feature_distance"], distance.detach())


def test_twins_add_the_gradient_of_the_energy_score(state, batch_with_twins):
    batch = batch_with_twins
    config = AdversarialConfig(gamma=GAMMA, energy=3.0)
    terms = adversarial_gradients(state.generator, state.critic, batch, config)
    found = gradients(state.generator)
    synthetic = synthetic_paths(state.generator, batch)
    twins = synthetic_paths(state.generator, dataclasses.replace(batch, noise=batch.twins))
    score, own, other = energy_pulls(batch.real, synthetic, twins, batch.portfolios)
    loss = generator_loss(
        *(scored(state.critic, batch, paths) for paths in (batch.real, synthetic))
    )
    loss = loss + 3 * ((own * synthetic).sum() + (other * twins).sum())
    expected = torch.autograd.grad(loss, list(state.generator.parameters()))
    assert_same(found, state.generator, expected)
    assert not torch.equal(synthetic, twins)
    torch.testing.assert_close(terms["energy_score"], score)


def test_where_the_generator_waits_the_critic_moves_as_ever(state, batch):
    adversarial_gradients(state.generator, state.critic, batch, CONFIG)
    expected = gradients(state.critic)
    for module in (state.generator, state.critic):
        module.zero_grad(set_to_none=True)
    adversarial_gradients(state.generator, state.critic, batch, CONFIG, False)
    assert all(gradient is None for gradient in gradients(state.generator).values())
    for name, gradient in gradients(state.critic).items():
        assert (gradient is None) == (expected[name] is None)
        assert gradient is None or torch.equal(gradient, expected[name])


@pytest.mark.parametrize(
    ("config", "moves"),
    [
        (AdversarialConfig(), [0, 1, 2, 3, 4, 5]),
        (AdversarialConfig(objective="wasserstein-gp"), [4]),
        (AdversarialConfig(objective="wasserstein-gp", n_critic=1), [0, 1, 2, 3, 4, 5]),
        (AdversarialConfig(n_critic=3), [2, 5]),
    ],
)
def test_the_generator_moves_once_in_so_many_steps(config, moves):
    assert [step for step in range(6) if config.moves_generator(step)] == moves


def test_what_the_market_did_not_observe_is_zero_on_both_sides(gappy, config, state):
    market = prepare(gappy, config, torch.device("cpu"))
    batch = cast(market.batch(config, state.generator.n_noise, 3), torch.float64)
    absent = batch.observed == 0
    assert absent.any()
    assert (batch.real[absent] == 0).all()
    synthetic = synthetic_paths(state.generator, batch)
    assert (synthetic[absent] == 0).all()
    assert (synthetic[~absent] != 0).all()


def test_a_small_step_down_the_critics_gradient_lowers_its_objective(state, batch):
    def loss():
        synthetic = synthetic_paths(state.generator, batch)
        paths = torch.cat([batch.real, synthetic], dim=1).detach().requires_grad_()
        scores = state.critic(paths, batch.today.state.repeat(2, 1), batch.portfolios)
        (gradient,) = torch.autograd.grad(scores.sum(), paths)
        r1, r2 = penalties(gradient)
        d_loss = critic_loss(*scores.chunk(2))
        return float((d_loss + GAMMA / 2 * (r1 + r2)).detach())

    before = loss()
    adversarial_gradients(state.generator, state.critic, batch, CONFIG)
    with torch.no_grad():
        for weights in state.critic.parameters():
            if weights.grad is not None:
                weights -= 1e-3 * weights.grad
    assert loss() < before


def test_the_rate_falls_along_a_cosine_to_a_fiftieth():
    assert cosine_rate(1e-3, 0, 100) == 1e-3
    assert cosine_rate(1e-3, 50, 100) == pytest.approx(5e-4)
    assert cosine_rate(1e-3, 100, 100) == pytest.approx(2e-5)
    rates = [cosine_rate(1e-3, step, 100) for step in range(101)]
    assert rates == sorted(rates, reverse=True)


def test_the_rate_of_a_step_reaches_every_optimizer(state):
    optimizers = [
        make_optimizer(module, AdversarialConfig()) for module in (state.generator, state.critic)
    ]
    set_learning_rate(optimizers, 0.125)
    assert [group["lr"] for one in optimizers for group in one.param_groups] == [0.125] * 2


def test_the_average_moves_to_the_weights_and_remembers_longer_with_time():
    module, average = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.ones_(module.weight)
    torch.nn.init.zeros_(average.weight)
    update_average(average, module, 0.99, step=0)
    assert float(average.weight.detach()) == pytest.approx(0.9)
    torch.nn.init.zeros_(average.weight)
    update_average(average, module, 0.99, step=100_000)
    assert float(average.weight.detach()) == pytest.approx(0.01)


def test_the_critic_scores_market_and_synthetic_paths_alike(state, batch):
    """One network for both halves of the batch: exchanged, they exchange their scores."""
    assert isinstance(state.critic, MarketCritic)
    synthetic = synthetic_paths(state.generator, batch).detach()
    twice = batch.today.state.repeat(2, 1)
    ahead = state.critic(torch.cat([batch.real, synthetic], 1), twice, batch.portfolios)
    behind = state.critic(torch.cat([synthetic, batch.real], 1), twice, batch.portfolios)
    torch.testing.assert_close(ahead, behind.roll(len(behind) // 2))


def test_networks_in_bfloat16_give_gradients_in_float32_that_differ_by_rounding(
    state, batch_with_twins
):
    batch, generator, critic = batch_with_twins, state.generator.float(), state.critic.float()
    batch = cast(batch, torch.float32)
    found = []
    for precision in ("float32", "bfloat16"):
        config = CONFIG.model_copy(update={"precision": precision})
        generator.zero_grad()
        critic.zero_grad()
        adversarial_gradients(generator, critic, batch, config)
        given = [*gradients(generator).values(), *gradients(critic).values()]
        assert {one.dtype for one in given if one is not None} == {torch.float32}
        found.append(torch.cat([one.flatten() for one in given if one is not None]))
    exact, rounded = found
    assert not torch.equal(exact, rounded)
    assert float((exact - rounded).norm() / exact.norm()) < 0.25
