import dataclasses
from itertools import product

import pytest
import torch

from fingan.data.returns import ReturnTable
from fingan.errors import PriceDataError
from fingan.training.dataset import prepare, stream_seed

CPU = torch.device("cpu")
N_NOISE = 6


def fields(batch):
    """Every tensor of a batch by its name, also those of where its paths begin."""
    record = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    return record | record.pop("today")._asdict()


def assert_equal(one, other):
    for name, value in fields(one).items():
        theirs = fields(other)[name]
        assert value is theirs is None or torch.equal(value, theirs), name


def test_a_batch_is_a_function_of_seed_and_step(training_set, returns, make_config):
    config = make_config()
    batch = training_set.batch(config, N_NOISE, 17)
    torch.manual_seed(0)  # the state of the process has no say
    assert_equal(prepare(returns, config, CPU).batch(config, N_NOISE, 17), batch)
    for other in (
        training_set.batch(config, N_NOISE, 18),
        training_set.batch(make_config(seed=1), N_NOISE, 17),
    ):
        for name in ("real", "noise", "portfolios"):
            assert not torch.equal(fields(other)[name], fields(batch)[name]), name


@pytest.mark.parametrize("n_workers", [2, 4])
def test_slices_partition_the_global_batch(training_set, make_config, n_workers):
    config = make_config()
    whole = training_set.batch(config, N_NOISE, 5)
    size = config.batch_size // n_workers
    parts = [
        training_set.batch(config, N_NOISE, 5, slice(i * size, (i + 1) * size))
        for i in range(n_workers)
    ]
    for name, axis in (("real", 1), ("noise", 1), ("variance", 0), ("state", 0)):
        joined = torch.cat([fields(part)[name] for part in parts], dim=axis)
        assert torch.equal(joined, fields(whole)[name]), name
    assert all(torch.equal(part.portfolios, whole.portfolios) for part in parts)


def test_a_window_stands_beside_the_state_before_it(training_set, make_config):
    config = make_config()
    batch = training_set.batch(config, N_NOISE, 2)
    scaled, n_days = training_set.windows.values, training_set.split.training.end
    for i in range(config.batch_size):
        (start,) = (
            (training_set.today.variance == batch.today.variance[i]).all(1).nonzero()[0].tolist()
        )
        assert start + config.window <= n_days
        window = scaled[start : start + config.window]
        torch.testing.assert_close(batch.real[:, i] * batch.today.variance[i].sqrt(), window)
        assert torch.equal(batch.today.state[i], training_set.today.state[start])


def test_no_training_window_reaches_the_validation_span(gappy, make_config):
    config = make_config()
    market = prepare(gappy, config, CPU)
    last = int(market.windows.starts.max()) + config.window
    assert last <= market.split.training.end
    assert market.split.validation.start - last >= config.window
    assert market.split.validation.end == len(gappy.dates)


def test_nothing_that_is_fitted_knows_the_validation_span(returns, training_set, make_config):
    end = training_set.split.training.end
    values = returns.values.clone()
    values[end:] *= -7
    changed = prepare(dataclasses.replace(returns, values=values), make_config(), CPU)
    for name in ("correlation", "eigenportfolios"):
        assert torch.equal(getattr(changed, name), getattr(training_set, name)), name
    for name in ("mean", "std"):
        assert torch.equal(getattr(changed.scaler, name), getattr(training_set.scaler, name))
    for name, tensor in training_set.law.tensors().items():
        assert torch.equal(changed.law.tensors()[name], tensor), name
    assert torch.equal(changed.today.variance[: end + 1], training_set.today.variance[: end + 1])
    assert torch.equal(changed.today.state[: end + 1], training_set.today.state[: end + 1])


def test_missing_values_leave_every_tensor_finite(gappy, make_config):
    market = prepare(gappy, make_config(), CPU)
    assert all(tensor.isfinite().all() for tensor in market.today)
    for name in ("correlation", "eigenportfolios"):
        assert getattr(market, name).isfinite().all(), name
    for step in range(20):
        batch = market.batch(make_config(), N_NOISE, step)
        assert all(value.isfinite().all() for value in fields(batch).values() if value is not None)


def test_portfolios_have_unit_variance(training_set, make_config):
    weights = training_set.batch(make_config(), N_NOISE, 0).portfolios
    assert weights.shape == (4, 4)
    variance = (weights * (training_set.correlation @ weights)).sum(0)
    torch.testing.assert_close(variance, torch.ones(4))


def test_streams_of_random_numbers_do_not_meet():
    seeds = {stream_seed(*key) for key in product(range(10), range(4), range(500))}
    assert len(seeds) == 10 * 4 * 500
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert stream_seed(2**64, 1, 2**40) >= 0


def test_windows_fall_on_every_start_alike(training_set, make_config):
    """Over many steps the mean start is that of all windows."""
    config, n_windows = make_config(), len(training_set.windows)
    firsts = []
    for step in range(300):
        real = training_set.batch(config, N_NOISE, step).today.variance
        rows = (training_set.today.variance[:n_windows, 0, None] == real[:, 0]).nonzero()
        firsts.append(rows[:, 0])
    starts = torch.cat(firsts).double() / (n_windows - 1)
    assert float(starts.mean()) == pytest.approx(0.5, abs=4 / (12 * len(starts)) ** 0.5)


@pytest.mark.parametrize("n_days", [2, 30, 137])
def test_a_short_history_is_refused_in_one_sentence(returns, make_config, n_days):
    short = ReturnTable(returns.assets, returns.dates[:n_days], returns.values[:n_days])
    with pytest.raises(PriceDataError, match=rf"at least 138 steps of history.* got {n_days};"):
        prepare(short, make_config(), CPU)


def test_a_validation_span_without_room_for_its_horizon_is_refused(returns, make_config):
    selection = {"share": 0.005, "horizon": 5, "n_starts": 16, "n_paths": 32, "every": 20}
    with pytest.raises(PriceDataError, match=r"selection\.share"):
        prepare(returns, make_config(selection=selection), CPU)


def test_a_market_of_short_lives_is_refused_in_one_sentence(returns, make_config):
    values = returns.values.clone()
    for asset in range(4):
        values[: 200 * asset, asset] = torch.nan
        values[200 * (asset + 1) :, asset] = torch.nan
    values[:3] = values[-3:] = 0.01
    with pytest.raises(PriceDataError, match=r"lower least_observed|at least two different"):
        prepare(dataclasses.replace(returns, values=values), make_config(), CPU)
