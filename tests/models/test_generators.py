import math

import pytest
import torch

from fingan.models.generators import (
    FilteredGenerator,
    GeneratorConfig,
    InnovationGenerator,
    VolatilityRecursion,
)
from fingan.models.states import N_FEATURES, Today
from fingan.volatility.filter import MAX_PERSISTENCE, VolatilityFilter

N_ASSETS, N_NOISE, BATCH = 3, 5, 16
CHOLESKY = torch.linalg.cholesky(0.4 * torch.eye(N_ASSETS) + 0.6)
TAILS = torch.tensor([[0.9, 0.95, 1.0], [0.05, 0.1, 0.0], [0.02, 0.1, 0.15]])


def fitted(omega, alpha, gamma, beta, n_assets=1):
    one = torch.ones(n_assets, dtype=torch.float64)
    return VolatilityFilter(omega * one, alpha * one, gamma * one, beta * one, one)


def make_generator(loudness=0.3):
    """A generator whose network speaks: with 0 it is as silent as a new one."""
    config = GeneratorConfig(width=8, dilations=(1, 2, 4), n_latent=2)
    innovations = InnovationGenerator(config, CHOLESKY, TAILS, N_FEATURES)
    if loudness:
        random = torch.Generator().manual_seed(5)
        for weights in innovations.exit.parameters():
            torch.nn.init.normal_(weights, 0, loudness, random)
    volatility = VolatilityRecursion(fitted(0.02, 0.03, 0.08, 0.9, N_ASSETS))
    return FilteredGenerator(innovations, volatility).requires_grad_(False)


def gaussian_route(noise):
    """Innovations of the Gaussian copula with the assets' own tails."""
    values, (scale, fall, rise) = noise[..., :N_ASSETS] @ CHOLESKY.T, TAILS
    h = torch.where(values < 0, fall, rise)
    mean = scale * (1 / (1 - rise) - 1 / (1 - fall)) / math.sqrt(2 * math.pi)
    return scale * values * (h * values.square() / 2).exp() - mean


def given(horizon=40, batch=BATCH):
    random = torch.Generator().manual_seed(9)
    noise = torch.randn(horizon, batch, N_NOISE, generator=random)
    variance = torch.rand(batch, N_ASSETS, generator=random) + 0.5
    state = torch.randn(batch, N_FEATURES, generator=random)
    return noise, Today(variance, torch.ones(batch, N_ASSETS), torch.ones(batch, 0), state)


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


def test_a_new_generator_is_silent_its_innovations_are_the_mapped_gaussians():
    generator, (noise, today) = make_generator(0), given()
    innovations, _ = generator.innovations(noise, today.state)
    torch.testing.assert_close(innovations, gaussian_route(noise), rtol=1e-4, atol=1e-5)


def test_a_new_generator_has_no_mean():
    generator, (noise, today) = make_generator(0), given(2000, 200)
    innovations, _ = generator.innovations(noise, today.state)
    error = innovations.flatten(0, 1).std(0) / 400_000**0.5
    assert (innovations.mean((0, 1)).abs() < 4 * error).all()


def test_innovations_keep_the_correlation_they_were_given():
    generator, (noise, _) = make_generator(0), given(1000, 100)
    innovations, _ = generator.innovations(noise, torch.zeros(100, N_FEATURES))
    correlation = torch.corrcoef(innovations.flatten(0, 1).T)
    expected = torch.full((3, 3), 0.6).fill_diagonal_(1)
    torch.testing.assert_close(correlation, expected, atol=0.03, rtol=0)


def test_the_loudest_network_stretches_an_innovation_some_twenty_times_at_most():
    generator, (noise, today) = make_generator(1000), given()
    innovations, _ = generator.innovations(noise, today.state)
    values = TAILS[0] * (noise[..., :N_ASSETS] @ CHOLESKY.T)
    assert (innovations.abs() <= math.exp(3.01) * values.abs() + 0.1).all()
    assert innovations.abs().max() > 20


def test_recentring_takes_the_mean_off_over_its_noise():
    generator, (noise, today) = make_generator(), given()
    before, _ = generator.innovations(noise, today.state)
    generator.recentre(noise, today)
    generator.recentre(noise, today)  # starts afresh, does not add up
    after, _ = generator.innovations(noise, today.state)
    torch.testing.assert_close(after, before - before.mean((0, 1)), atol=1e-5, rtol=0)
    torch.testing.assert_close(after.mean((0, 1)), torch.zeros(N_ASSETS), atol=1e-5, rtol=0)


def test_the_recursion_starts_from_the_fitted_filter():
    recursion = VolatilityRecursion(fitted(0.02, 0.03, 0.08, 0.9))
    coefficients = torch.cat(recursion.coefficients())
    torch.testing.assert_close(coefficients, torch.tensor([0.02, 0.03, 0.11, 0.9]))


def test_simulating_with_a_filter_and_filtering_the_result_agree():
    volatility = fitted(0.02, 0.03, 0.08, 0.9)
    innovations = torch.randn(500, 1, 1, generator=torch.Generator().manual_seed(4))
    returns, last = VolatilityRecursion(volatility)(innovations, torch.ones(1, 1))
    variances = volatility.variances(returns[:, 0].detach().double())
    torch.testing.assert_close(last[0].double(), variances[-1], rtol=1e-4, atol=0)
    shocks = returns[:, 0].double() / variances[:-1].sqrt()
    torch.testing.assert_close(shocks.float(), innovations[:, 0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("values", [(0.0, 0.0, 0.0, 0.0), (0.1, 0.5, 0.9, 0.9), (0.1, 0, 0, 1)])
def test_the_recursion_keeps_persistence_below_one(values):
    recursion = VolatilityRecursion(fitted(*values))
    with torch.no_grad():
        recursion.persistence_logit += 50
    omega, rise, fall, beta = recursion.coefficients()
    assert ((rise + fall) / 2 + beta <= MAX_PERSISTENCE + 1e-6).all()
    for coefficient in (omega, rise, fall, beta):
        assert (coefficient >= 0).all()
        assert coefficient.isfinite().all()
