import pytest
import torch
from controls import garch_market, thin_tailed

from fingan.pipeline import load_model
from fingan.risk.portfolio import equal_weights
from fingan.stress.losing import course_of, losing, losses_of
from fingan.stress.reverse_request import ReverseRequest


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store)


def weights_of(sampler):
    return equal_weights(sampler.assets).weights_of(sampler.assets)


def test_the_losses_are_those_of_a_portfolio_that_is_bought_and_held():
    log_returns = torch.tensor([[[0.1, -0.2], [-0.3, 0.1]]])
    weights = torch.tensor([0.6, 0.5], dtype=torch.float64)
    course = course_of(log_returns, weights)
    by_hand = -(torch.tensor([[0.1, -0.2], [-0.2, -0.1]]).double().expm1() @ weights)
    torch.testing.assert_close(course[0], by_hand, rtol=0, atol=1e-7)
    assert losses_of(log_returns, weights).item() == pytest.approx(course[0, -1].item())
    level = losses_of(log_returns, weights, is_level=True)
    assert level.item() == pytest.approx(0.6 * 0.2 + 0.5 * 0.1)


def test_moved_noise_gives_the_probability_that_brute_force_finds(sampler, garch_prices):
    weights = weights_of(sampler)
    rare = ReverseRequest(loss=0.06, horizon=3, n_pool=15_000)
    found = losing(sampler, garch_prices, weights, rare)
    assert found.ratios is not None
    many = sampler.sample(garch_prices, 3, 80_000, seed=9)
    brute = (losses_of(many.log_returns, weights) >= 0.06).double().mean()
    ours = found.probability()
    error = (brute / 80_000).sqrt()
    assert 0 < brute < 0.01
    assert abs(ours.estimate - brute) < 4 * (ours.mc_se**2 + error**2) ** 0.5
    assert ours.mc_se < (brute / 15_000).sqrt()  # better than as many paths of the model's own
    assert found.ess > 200
    assert (losses_of(found.log_returns, weights) >= 0.06).all()


def test_a_common_loss_is_met_by_the_models_own_paths(sampler, garch_prices):
    request = ReverseRequest(loss=0.02, horizon=4)
    found = losing(sampler, garch_prices, weights_of(sampler), request)
    assert found.ratios is None
    assert len(found.losses) < request.n_pool  # drawing ends when there are enough
    chosen = torch.arange(len(found.numbers)) % 2 == 0
    whole, half = found.probability(), found.probability(chosen)
    assert half.estimate == pytest.approx(whole.estimate * found.share(chosen).estimate)
    torch.testing.assert_close(found.members, found.numbers % 2)


def test_what_cannot_be_searched_has_its_pool_alone():
    market = garch_market(400, 3, 1)
    law = thin_tailed(market)
    request = ReverseRequest(loss=0.5, horizon=3, n_pool=11_000)
    found = losing(law, market, weights_of(law), request)
    assert (found.ess, len(found.losses)) == (0.0, 11_000)
    assert found.probability().estimate == 0
    assert found.probability().upper > 0
