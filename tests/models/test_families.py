import pytest
import torch

from fingan.models.families import is_conditional, new_generator
from fingan.models.generators import FilteredGenerator, GeneratorConfig
from fingan.models.market_filter import MarketFilter
from fingan.models.mlp import WINDOW, MlpGenerator
from fingan.models.states import N_FEATURES, Today
from fingan.models.temporal import TemporalGenerator

N_ASSETS, BATCH = 3, 32


def history(n_days=3000):
    """Returns with t tails, correlated."""
    random = torch.Generator().manual_seed(3)
    normals = torch.randn(n_days, N_ASSETS + 1, generator=random, dtype=torch.float64)
    squares = torch.randn(n_days, N_ASSETS, 5, generator=random, dtype=torch.float64)
    values = 0.6**0.5 * normals[:, :1] + 0.4**0.5 * normals[:, 1:]
    heavy = values / squares.square().mean(-1).sqrt()
    return heavy / heavy.std(0)


HISTORY = history()
LAW, PLAIN = MarketFilter.fit(HISTORY), MarketFilter.unconditional(HISTORY)
FAMILIES = ("filtered", "mlp", "tcn")


def loud(module):
    """Let a new generator's network speak, which the start leaves silent."""
    if isinstance(module, FilteredGenerator):
        torch.nn.init.normal_(module.innovations.exit.weight, 0, 0.3)
    if isinstance(module, TemporalGenerator):
        for block in module.network.blocks:
            torch.nn.init.normal_(block.past.weight, 0, 0.05)


@pytest.fixture(params=FAMILIES)
def generator(request):
    torch.manual_seed(3)
    config = GeneratorConfig(family=request.param, width=8, dilations=(1, 2), n_latent=2)
    made = new_generator(config, LAW).requires_grad_(False)
    loud(made)
    return made


def noise_of(generator, horizon, batch=BATCH):
    random = torch.Generator().manual_seed(9)
    return torch.randn(horizon, batch, generator.n_noise, generator=random)


def today_of(batch=BATCH, variance=1.0, state=0.0):
    variances = torch.full((batch, N_ASSETS), variance)
    states = torch.full((batch, N_FEATURES), state)
    leverage, modes = torch.zeros(batch, 2, N_ASSETS), torch.ones(batch, len(LAW.modes.alpha))
    return Today(variances, variances, leverage, modes, states)


def test_a_word_of_the_configuration_chooses_the_family():
    kinds = [type(new_generator(GeneratorConfig(family=family), LAW)) for family in FAMILIES]
    assert kinds == [FilteredGenerator, MlpGenerator, TemporalGenerator]


def test_returns_up_to_a_step_ignore_noise_after_it(generator):
    noise = noise_of(generator, WINDOW + 20)
    changed = noise.clone()
    changed[WINDOW:] *= -2
    before, _, _ = generator(noise, today_of())
    after, _, _ = generator(changed, today_of())
    assert torch.equal(after[:WINDOW], before[:WINDOW])
    assert not torch.equal(after[WINDOW], before[WINDOW])


@pytest.mark.parametrize("sizes", [(100, 40), (1, 63, 1, 75), (64, 64, 12), (7,) * 20])
def test_stretches_equal_one_pass(generator, sizes):
    noise, today, memory, parts = noise_of(generator, 140), today_of(), None, []
    whole, _, _ = generator(noise, today)
    for stretch in noise.split(sizes):
        returns, today, memory = generator(stretch, today, memory)
        parts.append(returns)
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-5, atol=1e-5)


def test_a_path_is_what_it_is_whatever_the_others(generator):
    noise = noise_of(generator, 70)
    together, _, _ = generator(noise, today_of())
    alone, _, _ = generator(noise[:, 4:5], today_of(1))
    torch.testing.assert_close(alone[:, 0], together[:, 4], rtol=1e-4, atol=1e-5)


def test_only_the_filtered_family_knows_today(generator):
    noise = noise_of(generator, 30)
    calm, _, _ = generator(noise, today_of(variance=0.5))
    wild, _, _ = generator(noise, today_of(variance=3.0, state=1.0))
    knows = isinstance(generator, FilteredGenerator)
    assert torch.equal(calm, wild) != knows
    assert is_conditional("filtered")
    assert not is_conditional("mlp")
    assert not is_conditional("tcn")


@pytest.mark.parametrize("family", ["mlp", "tcn"])
def test_recentring_takes_the_mean_off_over_its_noise(family):
    torch.manual_seed(3)
    config = GeneratorConfig(family=family)
    generator = new_generator(config, PLAIN)
    noise = noise_of(generator, 10, 400)

    def means():
        returns, _, _ = generator(noise, today_of(400))
        return returns.mean((0, 1)).abs().max()

    before = means()
    generator.recentre(noise, today_of(400))
    generator.recentre(noise, today_of(400))  # starts afresh, does not add up
    assert means() < 1e-5 < 1e-3 < before


@pytest.mark.parametrize("family", ["mlp", "tcn"])
def test_returns_start_with_the_variance_of_scaled_ones(family):
    torch.manual_seed(5)
    config = GeneratorConfig(family=family)
    generator = new_generator(config, PLAIN)
    returns, _, _ = generator(noise_of(generator, 130, 2000), today_of(2000))
    window = returns[:WINDOW].detach()
    torch.testing.assert_close(window.var((0, 1)), torch.ones(N_ASSETS), rtol=0.3, atol=0)


def test_the_temporal_network_remembers_nothing_until_it_has_learnt_to():
    torch.manual_seed(5)
    generator = new_generator(GeneratorConfig(family="tcn"), PLAIN)
    noise = noise_of(generator, 20)
    changed = noise.clone()
    changed[0] *= -1
    before, after = (generator(one, today_of())[0] for one in (noise, changed))
    assert torch.equal(before[1:], after[1:])
    loud(generator)
    before, after = (generator(one, today_of())[0] for one in (noise, changed))
    assert (before[1] != after[1]).all()


def test_the_temporal_network_maps_its_values_to_the_margins_it_was_given():
    torch.manual_seed(5)
    generator = new_generator(GeneratorConfig(family="tcn"), PLAIN).requires_grad_(False)
    noise = noise_of(generator, 200, 400)
    values = generator.exit(generator.network(generator.entry(noise))[0])
    returns, _, _ = generator(noise, today_of(400))
    torch.testing.assert_close(returns, PLAIN.margins.table(values.clamp(-4, 4)))
    assert (returns.std((0, 1)) > 0.7).all()


def test_the_temporal_network_learns_through_its_margins():
    torch.manual_seed(5)
    generator = new_generator(GeneratorConfig(family="tcn"), PLAIN)
    returns, _, _ = generator(noise_of(generator, 20), today_of())
    returns.square().mean().backward()
    assert generator.exit.weight.grad.abs().max() > 0
    assert generator.exit.weight.grad.isfinite().all()


def test_no_temporal_path_explodes_whatever_the_noise():
    generator = new_generator(GeneratorConfig(family="tcn"), PLAIN)
    returns, _, _ = generator(50 * noise_of(generator, 60), today_of())
    edges = PLAIN.margins.table.values[:, [0, -1]].abs().max(1).values
    assert (returns.abs() <= 1.001 * edges).all()


def test_windows_of_the_plain_network_are_independent_of_each_other():
    generator = new_generator(GeneratorConfig(family="mlp"), PLAIN)
    noise = noise_of(generator, 2 * WINDOW)
    swapped = torch.cat([noise[WINDOW:], noise[:WINDOW]])
    there, _, _ = generator(noise, today_of())
    back, _, _ = generator(swapped, today_of())
    torch.testing.assert_close(back, there.roll(WINDOW, 0))


def test_the_law_of_a_family_without_filter_sees_no_volatility():
    returns = 4 * HISTORY[:50]
    today = PLAIN.today(returns)
    assert (today.variance == 1).all()
    assert today.modes.shape == (51, 0)
