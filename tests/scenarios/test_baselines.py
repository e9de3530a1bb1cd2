import pytest
import torch

from fingan.data.returns import log_returns
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.baselines import BASELINES, baseline
from fingan.scenarios.samplers import ScenarioRequest

MANY_STEPS = tuple(name for name in BASELINES if name != "vine")
WITHOUT_MEMORY = ("historical", "block-bootstrap", "factor-bootstrap", "gaussian", "vine")


@pytest.fixture(scope="module")
def samplers(garch_prices):
    return {name: baseline(name, garch_prices) for name in BASELINES}


def steps(name, horizon):
    return 1 if name == "vine" else horizon


@pytest.mark.parametrize("name", BASELINES)
def test_paths_do_not_depend_on_their_number_nor_on_threads(samplers, garch_prices, name):
    horizon = steps(name, 4)
    many = samplers[name].sample(garch_prices, horizon, 1300, seed=3)
    few = samplers[name].sample(garch_prices, horizon, 70, seed=3)
    threaded = samplers[name].sample(garch_prices, horizon, 1300, seed=3, n_threads=2)
    assert torch.equal(few.log_returns, many.log_returns[:70])
    assert torch.equal(threaded.log_returns, many.log_returns)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("horizon", [1, 5])
def test_blocks_drawn_together_are_those_drawn_one_by_one(samplers, garch_prices, name, horizon):
    table = log_returns(garch_prices)
    request = ScenarioRequest(steps(name, horizon), 1, 2**64 - 1)
    draw = samplers[name].continuations(table)(500, request)
    alone = torch.cat([draw(block) for block in range(2, 7)])
    assert torch.equal(draw(2, 5), alone)


@pytest.mark.parametrize("name", BASELINES)
def test_a_seed_gives_its_own_paths_and_the_same_again(samplers, garch_prices, name):
    horizon = steps(name, 3)
    one, again, other = (
        samplers[name].sample(garch_prices, horizon, 600, seed=seed).log_returns
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert (one == other).double().mean() < 0.01
    assert not torch.equal(one[:88], one[512:])  # nor do two blocks share their numbers


@pytest.mark.parametrize("name", BASELINES)
def test_rows_after_as_of_change_nothing(samplers, garch_prices, name):
    changed = garch_prices.copy()
    changed.loc["2017-03-17":] *= 2
    one, other = (
        samplers[name].sample(prices, steps(name, 4), 30, as_of="2017-03-16")
        for prices in (garch_prices, changed)
    )
    assert torch.equal(one.log_returns, other.log_returns)
    assert one.header == other.header


@pytest.mark.parametrize("name", BASELINES)
def test_a_wild_day_is_remembered_by_what_has_a_memory(samplers, garch_prices, name):
    wild = garch_prices.copy()
    wild.iloc[-1] *= 0.8
    calm_spread, wild_spread = (
        samplers[name].sample(prices, 1, 1000, seed=4).log_returns.std()
        for prices in (garch_prices, wild)
    )
    if name in WITHOUT_MEMORY:
        assert wild_spread == calm_spread
    else:
        assert wild_spread > 1.5 * calm_spread


@pytest.mark.parametrize("name", MANY_STEPS)
def test_a_long_horizon_stays_finite(samplers, garch_prices, name):
    drawn = samplers[name].sample(garch_prices, 2000, 16).log_returns
    assert drawn.isfinite().all()


@pytest.mark.parametrize("name", BASELINES)
def test_one_step_has_the_mean_spread_and_correlation_of_a_calm_day(samplers, garch_prices, name):
    returns = log_returns(garch_prices).values
    law = samplers[name].law
    spread = returns.std(0)
    if name not in WITHOUT_MEMORY:
        scaled = law.scaler.transform(returns)
        spread = law.scaler.std * law.volatility.variances(scaled)[-1].sqrt()
    drawn = samplers[name].sample(garch_prices, 1, 20_000, seed=6).log_returns[:, 0].double()
    assert ((drawn.mean(0) - returns.mean(0)).abs() < 0.1 * spread).all()
    torch.testing.assert_close(drawn.std(0), spread, rtol=0.1, atol=0)
    difference = torch.corrcoef(drawn.T) - torch.corrcoef(returns.T)
    tolerance = 0.3 if name == "factor-bootstrap" else 0.08  # four assets are too few for factors
    assert difference.abs().max() < tolerance


@pytest.mark.parametrize("name", MANY_STEPS)
def test_one_asset_is_enough(garch_prices, name):
    prices = garch_prices[["DOG"]]
    prices.attrs = garch_prices.attrs
    drawn = baseline(name, prices).sample(prices, 3, 2000, seed=1).log_returns
    assert drawn.shape == (2000, 3, 1)
    assert float(drawn[:, 0].std()) == pytest.approx(float(drawn[:, 2].std()), rel=0.15)


@pytest.mark.parametrize("name", BASELINES)
def test_assets_that_start_late_or_pause_are_drawn_all_the_same(garch_prices, name):
    prices = garch_prices.copy()
    prices.iloc[:300, 0] = float("nan")
    prices.iloc[500:510, 2] = float("nan")
    drawn = baseline(name, prices).sample(prices, steps(name, 4), 600).log_returns
    assert drawn.isfinite().all()
    assert (drawn.flatten(0, 1).std(0) > 0.002).all()


def test_the_head_names_the_baseline(samplers, garch_prices):
    drawn = samplers["fhs-gjr"].sample(garch_prices, 1, 2, seed=9)
    assert drawn.metadata["model"] == "fhs-gjr"
    assert drawn.metadata["seed"] == 9
    assert drawn.assets == tuple(garch_prices.columns)


def test_an_unknown_baseline_is_refused_with_those_that_exist(garch_prices):
    with pytest.raises(RequestError, match=r"one of historical, .*, vine, got 'garch'"):
        baseline("garch", garch_prices)


@pytest.mark.parametrize("name", [n for n in BASELINES if n not in ("garch-t", "gjr-skew-t")])
def test_too_few_joint_days_are_refused(garch_prices, name):
    with pytest.raises(PriceDataError, match=r"at least 100 days .* got 60"):
        baseline(name, garch_prices.iloc[:61])
