import copy
import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest
import torch

from fingan.data.returns import log_returns
from fingan.errors import RequestError, UnknownAssetError
from fingan.models.families import new_generator
from fingan.models.generators import GeneratorConfig
from fingan.pipeline import load_model
from fingan.scenarios.samplers import BLOCK_SIZE, MAX_SEED, STRETCH, ScenarioRequest

HORIZON, SEED = 5, 7


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store)


@pytest.fixture(scope="module")
def scenarios(sampler, garch_prices):
    return sampler.sample(garch_prices, HORIZON, 2 * BLOCK_SIZE + 3, seed=SEED)


def test_a_path_is_the_same_however_many_are_asked_for(sampler, garch_prices, scenarios):
    for n_paths in (1, 17, BLOCK_SIZE, BLOCK_SIZE + 1):
        fewer = sampler.sample(garch_prices, HORIZON, n_paths, seed=SEED)
        assert torch.equal(fewer.log_returns, scenarios.log_returns[:n_paths])


def test_a_thousand_paths_are_the_first_of_twenty_thousand(sampler, garch_prices):
    few, many = (sampler.sample(garch_prices, 3, n, seed=SEED) for n in (1000, 20_000))
    assert torch.equal(few.log_returns, many.log_returns[:1000])
    assert len(many.log_returns.flatten(1).unique(dim=0)) == 20_000


@pytest.mark.parametrize("n_threads", [2, 3])
def test_threads_change_no_bit(sampler, garch_prices, scenarios, n_threads):
    threaded = sampler.sample(
        garch_prices, HORIZON, scenarios.n_paths, seed=SEED, n_threads=n_threads
    )
    assert torch.equal(threaded.log_returns, scenarios.log_returns)


def test_a_longer_horizon_continues_the_paths_of_a_shorter(sampler, garch_prices, scenarios):
    longer = sampler.sample(garch_prices, STRETCH + 30, 64, seed=SEED).log_returns
    assert torch.equal(longer[:, :HORIZON], scenarios.log_returns[:64])


@pytest.fixture(scope="module")
def ensemble(sampler):
    """A sampler of five generators that differ, and each of them alone."""
    random = torch.Generator().manual_seed(1)
    generators = tuple(copy.deepcopy(sampler.model.generators[0]) for _ in range(5))
    for generator in generators:
        torch.nn.init.normal_(generator.innovations.exit.weight, 0, 0.1, random)

    def of(*chosen):
        return replace(sampler, model=replace(sampler.model, generators=chosen))

    return of(*generators), [of(generator) for generator in generators]


def test_path_i_is_of_generator_i_modulo_their_number_and_as_it_draws_it_alone(
    ensemble, garch_prices
):
    together, alone = ensemble
    n_paths = 2 * BLOCK_SIZE + 3  # the second block does not begin with the first generator
    drawn = together.sample(garch_prices, STRETCH + 3, n_paths, seed=SEED)
    for number, one in enumerate(alone):
        own = one.sample(garch_prices, STRETCH + 3, n_paths, seed=SEED).log_returns
        paths = drawn.members == number
        torch.testing.assert_close(drawn.log_returns[paths], own[paths], rtol=1e-4, atol=1e-7)
        assert (drawn.log_returns[~paths] - own[~paths]).abs().max() > 1e-3


def test_a_set_tells_how_many_generators_drew_it(ensemble, garch_prices, scenarios):
    together, _ = ensemble
    drawn = together.sample(garch_prices, 1, 7)
    assert drawn.metadata["n_generators"] == 5
    assert drawn.members.tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert scenarios.metadata["n_generators"] == 2


@pytest.mark.parametrize("horizon", [1, 2, 10, STRETCH + 1])
@pytest.mark.parametrize("n_generators", [1, 2, 3, 5])
def test_blocks_drawn_together_have_the_bits_that_each_has_alone(
    ensemble, garch_prices, horizon, n_generators
):
    five = ensemble[0].model
    model = replace(five, generators=five.generators[:n_generators])
    together = replace(ensemble[0], model=model)
    returns = log_returns(garch_prices)
    draw = together.continuations(returns)(len(returns.dates) - 1, ScenarioRequest(horizon, 1, 9))
    with torch.no_grad():
        whole, parts = draw(0, 5), [draw(0, 2), draw(2), draw(3, 2)]
    assert torch.equal(whole, torch.cat(parts))


@pytest.mark.parametrize(
    ("family", "n_generators"),
    [("filtered", 1), ("filtered", 3), ("filtered", 5), ("mlp", 3), ("tcn", 2)],
)
def test_few_paths_are_drawn_alone_with_the_bits_they_have_among_many(
    ensemble, garch_prices, family, n_generators
):
    model = ensemble[0].model
    generators = model.generators[:n_generators]
    if family != "filtered":
        config = GeneratorConfig(family=family)
        generators = tuple(new_generator(config, model.law) for _ in generators)
    sampler = replace(ensemble[0], model=replace(model, generators=generators))
    prepared = sampler.prepared(garch_prices)
    for horizon in (1, 3, 20, STRETCH + 1):
        many = prepared.stream(horizon, 2 * BLOCK_SIZE, seed=SEED).collect().log_returns
        for n_paths in (1, 16, 17, 81, 100, 257, 511, 513, 600, 850):
            few = prepared.stream(horizon, n_paths, seed=SEED)
            *_, last = few.blocks()
            assert torch.equal(last, many[n_paths - len(last) : n_paths]), (horizon, n_paths)


def test_a_set_that_ends_within_a_block_draws_no_more_than_its_paths(ensemble, garch_prices):
    prepared = ensemble[0].prepared(garch_prices)
    with torch.no_grad():
        for n_paths, n_last in ((100, 100), (512, 512), (600, 88)):
            stream = prepared.stream(2, n_paths, seed=SEED)
            assert len(stream.draw_block(stream.n_blocks - 1)) == n_last


def test_seeds_give_other_paths_up_to_the_largest(sampler, garch_prices, scenarios):
    for seed in (0, 8, MAX_SEED):
        other = sampler.sample(garch_prices, HORIZON, 10, seed=seed)
        assert not torch.equal(other.log_returns, scenarios.log_returns[:10])


def test_rows_after_as_of_change_nothing(sampler, garch_prices):
    changed = garch_prices.copy()
    changed.loc["2017-03-17":] *= 3
    one, other = (
        sampler.sample(prices, HORIZON, 50, seed=SEED, as_of="2017-03-16")
        for prices in (garch_prices, changed)
    )
    assert torch.equal(one.log_returns, other.log_returns)
    assert one.header == other.header
    cut = sampler.sample(garch_prices.loc[:"2017-03-16"], HORIZON, 50, seed=SEED)
    assert torch.equal(cut.log_returns, one.log_returns)


def test_today_decides_how_wild_the_paths_are(sampler, garch_prices):
    calm = garch_prices.iloc[:600]
    wild = calm.copy()
    wild.iloc[-1] *= torch.tensor([0.9, 1.1, 0.9, 1.1]).numpy()
    spread = [
        sampler.sample(prices, 1, 2000, seed=SEED).log_returns.std(0) for prices in (calm, wild)
    ]
    assert (spread[1] > 1.3 * spread[0]).all()


def test_prices_continue_from_the_last_close(garch_prices, scenarios):
    assert scenarios.start_prices == tuple(garch_prices.iloc[-1])
    first = scenarios.prices()[:, 0] / torch.tensor(scenarios.start_prices).double()
    torch.testing.assert_close(first, scenarios.log_returns[:, 0].double().exp())


def test_steps_fall_on_the_days_after_as_of(sampler, garch_prices):
    drawn = sampler.sample(garch_prices, 3, 2, as_of="2017-03-18")  # a Saturday
    assert drawn.metadata["as_of"] == "2017-03-17"
    assert drawn.dates is None or drawn.dates[0] == dt.date(2017, 3, 20)


def test_the_head_says_where_the_paths_come_from(sampler, scenarios, tiny_model, garch_prices):
    metadata = scenarios.metadata
    assert metadata["model"] == tiny_model.reference == "tiny@1"
    assert metadata["model_digest"] == sampler.digest
    assert metadata["seed"] == SEED
    assert metadata["as_of"] == f"{garch_prices.index[-1]:%Y-%m-%d}"
    assert metadata["software"].startswith("fingan ")


def test_without_prices_the_stored_history_is_continued(sampler, garch_prices):
    until = garch_prices.loc[:"2017-12-29"]
    stored = sampler.sample(None, HORIZON, 20, seed=SEED)
    given = sampler.sample(until, HORIZON, 20, seed=SEED)
    assert torch.equal(stored.log_returns, given.log_returns)
    assert stored.header == given.header
    assert stored.metadata["as_of"] == "2017-12-29"


def test_columns_in_any_order_and_number_are_matched_by_name(sampler, garch_prices, scenarios):
    mixed = garch_prices[["DOG", "ABLE", "CHARLIE", "BAKER"]].assign(OTHER=1.0)
    mixed.attrs = dict(garch_prices.attrs)
    drawn = sampler.sample(mixed, HORIZON, 10, seed=SEED)
    assert drawn.assets == ("ABLE", "BAKER", "CHARLIE", "DOG")
    assert torch.equal(drawn.log_returns, scenarios.log_returns[:10])


def test_a_horizon_far_beyond_training_stays_finite(sampler, garch_prices):
    drawn = sampler.sample(garch_prices, 5000, 32, seed=SEED).log_returns.double()
    assert drawn.isfinite().all()
    history = torch.tensor(garch_prices.pct_change().std().to_list())
    late = drawn[:, 2500:].flatten(0, 1).std(0)
    assert (late < 5 * history).all()
    assert (late > history / 5).all()
    assert drawn.abs().max() < 1


def test_paths_are_drawn_when_they_are_read_and_read_twice_alike(sampler, garch_prices):
    stream = sampler.stream(garch_prices, HORIZON, 10**9, seed=SEED)
    first, again = next(stream.blocks()), next(stream.blocks())
    assert torch.equal(first, again)
    assert not first.requires_grad


def test_a_gap_today_is_no_obstacle(sampler, garch_prices):
    prices = garch_prices.copy()
    prices.iloc[-2:, 1] = float("nan")
    drawn = sampler.sample(prices, HORIZON, 10, seed=SEED)
    assert drawn.log_returns.isfinite().all()
    assert drawn.start_prices[1] == prices["BAKER"].iloc[-3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": 0}, "horizon must be at least 1, got 0"),
        ({"horizon": -5}, "horizon must be at least 1, got -5"),
        ({"n_paths": 0}, "n_paths must be at least 1, got 0"),
        ({"n_paths": 10**12}, "n_paths must lie in 1 to 2,147,483,647, got 1,000,000,000,000"),
        ({"seed": -1}, "seed must lie in 0 to 2"),
        ({"seed": 2**64}, "seed must lie in 0 to 2"),
        ({"as_of": "2031-01-01"}, "as_of must lie within the prices"),
        ({"as_of": "1999-01-01"}, "as_of must lie within the prices"),
    ],
)
def test_a_request_out_of_range_is_refused_in_one_sentence(sampler, garch_prices, changes, message):
    request = {"horizon": HORIZON, "n_paths": 10} | changes
    with pytest.raises(RequestError, match=message) as refused:
        sampler.stream(garch_prices, **request)
    assert "\n" not in str(refused.value)


def test_an_asset_that_the_prices_lack_is_named(sampler, garch_prices):
    with pytest.raises(UnknownAssetError, match="asset 'DOG' of model 'tiny@1' is not in"):
        sampler.stream(garch_prices.drop(columns="DOG"), HORIZON, 10)


def test_prices_of_another_kind_are_refused(sampler, garch_prices):
    returns = garch_prices.pct_change().dropna()
    returns.attrs["kind"] = "simple_return"
    with pytest.raises(RequestError, match=r"must be of kind 'price', .* got 'simple_return'"):
        sampler.stream(returns, HORIZON, 10)


def test_a_table_that_never_saw_read_prices_counts_as_prices(sampler, garch_prices, scenarios):
    plain = pd.DataFrame(garch_prices.to_numpy(), garch_prices.index, garch_prices.columns)
    drawn = sampler.sample(plain, HORIZON, 10, seed=SEED)
    assert torch.equal(drawn.log_returns, scenarios.log_returns[:10])


def test_the_largest_request_is_allowed():
    assert ScenarioRequest(1, 1, MAX_SEED).seed == 2**64 - 1


def test_a_horizon_whose_block_exceeds_the_memory_is_refused(sampler, garch_prices):
    with pytest.raises(RequestError, match="a block of 512 paths must fit in memory"):
        sampler.stream(garch_prices, 2_000_000_000, 1)


def test_scenarios_say_until_when_the_model_was_fitted(scenarios, sampler):
    last = pd.Timestamp(int(sampler.model.history.dates[-1]))
    assert scenarios.metadata["fitted_until"] == last.isoformat()
