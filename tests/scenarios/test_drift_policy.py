import pandas as pd
import pytest
import torch

from fingan.data.returns import log_returns
from fingan.errors import RequestError
from fingan.pipeline import load_model
from fingan.scenarios.baselines import baseline
from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.samplers import ScenarioRequest

HORIZON, N_PATHS = 5, 60_000


@pytest.fixture
def sampler(garch_prices: pd.DataFrame):
    return baseline("gaussian", garch_prices)


def test_neutral_paths_are_expected_to_return_the_rate_at_every_step(sampler, garch_prices):
    drawn = with_drift(sampler, "neutral", rate=0.001).sample(garch_prices, HORIZON, N_PATHS)
    gross = drawn.log_returns.double().cumsum(1).exp()
    steps = torch.arange(1, HORIZON + 1, dtype=torch.float64).unsqueeze(1)
    error = gross.std(0) / N_PATHS**0.5
    assert ((gross.mean(0) - 1.001**steps).abs() < 5 * error).all()
    assert drawn.metadata["drift_policy"] == "neutral"
    assert drawn.metadata["drift_rate"] == 0.001


def test_a_policy_shifts_all_paths_alike(sampler, garch_prices):
    ours = with_drift(sampler, "shrunk").sample(garch_prices, HORIZON, 700, seed=3)
    plain = sampler.sample(garch_prices, HORIZON, 700, seed=3)
    shift = ours.log_returns - plain.log_returns
    torch.testing.assert_close(shift, shift[:1].expand_as(shift), rtol=0, atol=1e-7)


def test_a_path_does_not_depend_on_the_number_of_paths(sampler, garch_prices):
    neutral = with_drift(sampler, "neutral")
    few = neutral.sample(garch_prices, HORIZON, 10, seed=1).log_returns
    many = neutral.sample(garch_prices, HORIZON, 2_000, seed=1).log_returns
    assert torch.equal(few, many[:10])


def test_equilibrium_pays_more_for_what_moves_more_with_the_market(sampler, garch_prices):
    shifted = [with_drift(sampler, policy) for policy in ("equilibrium", "neutral")]
    ours, neutral = (one.sample(garch_prices, 1, 10).log_returns for one in shifted)
    premium = (ours - neutral)[0, 0]
    moves = garch_prices.pct_change()
    with_market = moves.apply(lambda column: column.cov(moves.mean(axis=1)))
    assert premium.argsort().tolist() == list(with_market.argsort())
    assert (premium > 0).all()


def test_the_model_policy_changes_nothing(sampler):
    assert with_drift(sampler, "model") is sampler


def test_what_no_policy_is_is_refused(sampler):
    with pytest.raises(RequestError, match="must be one of model, neutral"):
        with_drift(sampler, "momentum")
    with pytest.raises(RequestError, match="rate must be"):
        with_drift(sampler, "neutral", rate=2.0)


@pytest.mark.parametrize("policy", ["shrunk", "equilibrium"])
def test_a_drift_is_not_estimated_from_a_price_that_stands_still(garch_prices, policy):
    rows = garch_prices.assign(BAKER=100.0)
    drifted = with_drift(baseline("historical", rows), policy)
    with pytest.raises(RequestError, match="'BAKER' stands still"):
        drifted.sample(rows, 2, 512)


def test_each_generator_of_an_ensemble_gets_the_drift(tiny_model, garch_prices):
    model = load_model(tiny_model.reference, tiny_model.store)
    drawn = with_drift(model, "neutral", n_pool=2_048).sample(garch_prices, HORIZON, 2_048)
    gross = 1 + drawn.terminal()
    for member in range(2):
        mean = gross[drawn.members == member].mean(0)
        torch.testing.assert_close(mean, torch.ones_like(mean), rtol=0, atol=1e-6)


def test_a_step_goes_on_as_a_sample_does(sampler, garch_prices):
    neutral, returns = with_drift(sampler, "neutral"), log_returns(garch_prices)
    request = ScenarioRequest(HORIZON, 600, 3)
    draw = neutral.continuations(returns)(len(returns.dates) - 1, request)
    whole = neutral.sample(garch_prices, HORIZON, 600, seed=3).log_returns
    assert torch.equal(draw(0, 2)[:600], whole)
    beyond = draw(20)
    assert torch.equal(beyond[0], draw(19, 2)[512])


def test_a_mean_scatters_from_seed_to_seed_no_more_than_its_error_says(sampler, garch_prices):
    neutral = with_drift(sampler, "neutral", n_pool=512)
    runs = [neutral.sample(garch_prices, 2, 1_024, seed=seed).terminal() for seed in range(40)]
    means = torch.stack([run.mean(0) for run in runs])
    stated = runs[0].std(0) / 1_024**0.5
    assert (means.std(0) < 1.3 * stated).all()
    assert (means.mean(0).abs() < 4 * stated / 40**0.5).all()
