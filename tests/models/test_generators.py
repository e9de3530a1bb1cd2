import math

import pytest
import torch

from fingan.models.generators import FilteredGenerator, GeneratorConfig, VolatilityRecursion
from fingan.models.market_filter import MarketFilter
from fingan.models.states import N_FEATURES, Today

N_ASSETS, N_NOISE, BATCH = 3, 5, 16


def history(n_days=1500):
    random = torch.Generator().manual_seed(3)
    common = torch.randn(n_days, 1, generator=random, dtype=torch.float64)
    own = torch.randn(n_days, N_ASSETS, generator=random, dtype=torch.float64)
    return 0.6**0.5 * common + 0.4**0.5 * own


LAW = MarketFilter.fit(history())


def make_generator(loudness=0.1):
    """A generator whose network speaks: with 0 it is as silent as a new one."""
    config = GeneratorConfig(width=8, dilations=(1, 2, 4), n_latent=2)
    random = torch.Generator().manual_seed(5)
    generator = FilteredGenerator(config, LAW, N_FEATURES)
    for weights in generator.innovations.parameters():
        torch.nn.init.uniform_(weights, -0.35, 0.35, random)
    for weights in generator.innovations.exit.parameters():
        torch.nn.init.zeros_(weights)
    if loudness:
        for weights in generator.innovations.exit.parameters():
            torch.nn.init.normal_(weights, 0, loudness, random)
    return generator.requires_grad_(False)


def given(horizon=40, batch=BATCH):
    random = torch.Generator().manual_seed(9)
    noise = torch.randn(horizon, batch, N_NOISE, generator=random)
    slow = torch.rand(batch, N_ASSETS, generator=random) + 0.5
    leverage = 0.2 * torch.randn(batch, 2, N_ASSETS, generator=random)
    modes = torch.rand(batch, len(LAW.modes.alpha), generator=random) + 0.5
    state = torch.randn(batch, N_FEATURES, generator=random)
    return noise, Today(slow * leverage.sum(1).exp(), slow, leverage, modes, state)


@pytest.mark.parametrize("loudness", [0.3, 0])
def test_returns_up_to_a_step_ignore_noise_after_it(loudness):
    generator, (noise, today) = make_generator(loudness), given()
    changed = noise.clone()
    changed[25:] *= -2
    before, _, _ = generator(noise, today)
    after, _, _ = generator(changed, today)
    assert torch.equal(after[:25], before[:25])
    assert not torch.equal(after[25], before[25])


@pytest.mark.parametrize("sizes", [(20, 20), (1, 39), (3, 30, 7), (1,) * 40])
def test_stretches_equal_one_pass(sizes):
    generator, (noise, today) = make_generator(), given()
    whole, last, _ = generator(noise, today)
    memory, parts = None, []
    for stretch in noise.split(sizes):
        returns, today, memory = generator(stretch, today, memory)
        parts.append(returns)
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(today.variance, last.variance, rtol=1e-5, atol=1e-5)
    assert torch.equal(today.state, last.state)


def test_a_new_generator_is_silent_its_innovations_are_those_of_the_filter():
    generator, (noise, today) = make_generator(0), given()
    innovations, modes, _ = generator.innovations(noise, today)
    shocks, after = generator.innovations.route(noise, today.modes)
    assert torch.equal(innovations, shocks)
    assert torch.equal(modes, after)


def test_a_new_generator_has_no_mean():
    generator, (noise, today) = make_generator(0), given(2000, 200)
    innovations, _, _ = generator.innovations(noise, today)
    error = innovations.flatten(0, 1).std(0) / 400_000**0.5
    assert (innovations.mean((0, 1)).abs() < 5 * error).all()


def test_scores_have_unit_variance_and_a_correlation_that_follows_the_first_mode():
    generator, (noise, today) = make_generator(0), given(1, 100_000)
    found = []
    for level in (0.5, 1.0, 2.0):
        modes = torch.full_like(today.modes, 1.0)
        modes[:, 0] = level
        innovations, _ = generator.innovations.route(noise, modes)
        scores = LAW.margins.scores(innovations[0])
        torch.testing.assert_close(scores.var(0).float(), torch.ones(N_ASSETS), atol=0.02, rtol=0)
        found.append(float(torch.corrcoef(scores.T)[0, 1]))
    assert found[0] < found[1] - 0.1 < found[2] - 0.2
    assert abs(found[1] - float(LAW.correlation[0, 1])) < 0.01


def test_the_loudest_network_stretches_an_innovation_seven_times_at_most():
    generator, (noise, today) = make_generator(1000), given()
    innovations, _, _ = generator.innovations(noise, today)
    shocks, _ = generator.innovations.route(noise, today.modes)
    assert (innovations.abs() <= math.exp(2.01) * shocks.abs() + 1e-6).all()
    assert innovations.abs().max() > 8


def test_recentring_takes_the_mean_off_that_the_stretch_brings_in():
    generator, (noise, today) = make_generator(), given()
    before, _, _ = generator.innovations(noise, today)
    shocks, _ = generator.innovations.route(noise, today.modes)
    generator.recentre(noise, today)
    generator.recentre(noise, today)  # starts afresh, does not add up
    after, _, _ = generator.innovations(noise, today)
    added = (before - shocks).mean((0, 1))
    assert added.abs().max() > 1e-3
    torch.testing.assert_close(after, before - added, atol=1e-5, rtol=0)


def test_a_silent_network_needs_no_recentring():
    generator, (noise, today) = make_generator(0), given()
    generator.recentre(noise, today)
    assert not generator.innovations.centre.any()


def test_simulating_with_a_filter_and_filtering_the_result_agree():
    noise, today = given(300, 1)
    innovations = noise[..., :N_ASSETS]
    returns, last = VolatilityRecursion(LAW.volatility)(innovations, today)
    slow, leverage = today.slow[0].double(), today.leverage[0].double()
    law = LAW.volatility
    for shock, value in zip(innovations[:, 0].double(), returns[:, 0].double(), strict=True):
        variance = slow * leverage.sum(0).exp()
        torch.testing.assert_close(value, shock * variance.sqrt(), rtol=1e-3, atol=1e-4)
        square = shock.square()
        news = square + law.shared * (square @ law.likeness - square)
        slow = law.omega + (law.alpha * news + law.beta) * slow
        leverage = law.decay * leverage + law.own * shock + law.peers * (shock @ law.weights)
    torch.testing.assert_close(last.slow[0].double(), slow, rtol=1e-3, atol=0)


def test_long_paths_from_any_state_stay_finite():
    generator, (_, today) = make_generator(), given()
    noise = torch.randn(5000, BATCH, N_NOISE, generator=torch.Generator().manual_seed(2))
    returns, after, _ = generator(noise, today)
    assert returns.isfinite().all()
    assert after.variance.isfinite().all()
