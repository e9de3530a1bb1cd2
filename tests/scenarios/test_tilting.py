import pytest
import torch

from fingan.pipeline import load_model
from fingan.scenarios.tilting import log_ratios, path_noise, tilted, tilted_stream

HORIZON, N_PATHS = 4, 6000


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store)


@pytest.fixture(scope="module")
def shift(sampler):
    random = torch.Generator().manual_seed(5)
    return torch.randn(HORIZON, sampler.model.n_noise, generator=random, dtype=torch.float64) / 6


def test_no_shift_gives_the_bits_of_the_model_and_a_ratio_of_one(sampler, garch_prices, shift):
    scenarios, ratios = tilted(sampler, garch_prices, HORIZON, 700, 0 * shift, seed=3)
    own = sampler.sample(garch_prices, HORIZON, 700, seed=3)
    assert torch.equal(scenarios.log_returns, own.log_returns)
    assert ratios.abs().max() < 1e-12


def test_the_ratio_of_one_shift_is_the_closed_form(sampler, shift):
    noise = path_noise(sampler, torch.arange(700), HORIZON, seed=3)
    exact = -(noise * shift).sum((1, 2)) - shift.square().sum() / 2
    torch.testing.assert_close(log_ratios(sampler, 700, shift[None], seed=3), exact)


@pytest.mark.parametrize("n_shifts", [1, 3])
def test_weighted_tilted_paths_have_the_models_own_law(sampler, garch_prices, shift, n_shifts):
    shifts = torch.stack([shift, 0 * shift, -shift])[:n_shifts]
    stream = tilted_stream(sampler, garch_prices, HORIZON, N_PATHS, shifts, seed=3)
    moves = stream.collect().log_returns.double().sum(1)
    weights = log_ratios(sampler, N_PATHS, shifts, seed=3).exp()
    own = sampler.sample(garch_prices, HORIZON, N_PATHS, seed=4).log_returns.double().sum(1)

    def check(values, usual):
        error = (values.var(0) / N_PATHS + usual.var(0) / N_PATHS).sqrt()
        assert bool(((values.mean(0) - usual.mean(0)).abs() < 4 * error).all())

    check(weights, torch.ones(N_PATHS, dtype=torch.float64) + 0 * weights)
    check(weights[:, None] * moves, own)
    check(weights[:, None] * moves.square(), own.square())
    assert n_shifts > 1 or bool(((moves.mean(0) - own.mean(0)).abs() > 1e-3).any())


def test_a_path_depends_on_its_number_and_not_on_how_many_are_asked_for(
    sampler, garch_prices, shift
):
    few, ratios = tilted(sampler, garch_prices, HORIZON, 10, shift, seed=3)
    many, all_ratios = tilted(sampler, garch_prices, HORIZON, 1030, shift, seed=3)
    assert torch.equal(few.log_returns, many.log_returns[:10])
    assert torch.equal(ratios, all_ratios[:10])
