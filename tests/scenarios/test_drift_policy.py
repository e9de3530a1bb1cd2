import pandas as pd
import pytest
import torch

from fingan.errors import RequestError
from fingan.scenarios.baselines import baseline
from fingan.scenarios.drift_policy import with_drift

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
