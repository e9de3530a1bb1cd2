"""Every family, objective and addition trains, resumes, samples, and does so on two workers."""

import math

import pytest
import torch
from training_runs import are_equal, arrays, fitted, largest_difference, tiny

from fingan.pipeline import fit
from fingan.training import loop
from fingan.training.config import TrainConfig
from fingan.training.selection import collapse

STEPS, EVERY, STOP = 20, 6, 12  # a wasserstein-gp generator moves in steps 5, 10, 15 and 20
MEMBERS = {
    "mlp": {"generator": {"family": "mlp"}},
    "tcn": {"generator": {"family": "tcn"}, "adversarial": {"learning_rate": 2e-4}},
    "minimax": {"adversarial": {"objective": "minimax"}},
    "wasserstein-gp": {"adversarial": {"objective": "wasserstein-gp"}},
    "hinge": {"adversarial": {"objective": "hinge"}},
    "feature matching": {"adversarial": {"feature_matching": 1.0}},
    "growing": {"grow": (8, 16)},
    "all at once": {
        "generator": {"family": "tcn"},
        "adversarial": {"objective": "hinge", "feature_matching": 1.0, "n_critic": 2},
        "grow": (16,),
    },
}
QUICK = ("wasserstein-gp", "all at once")  # every way a step can go
IDENTITY = {"data": "garch"}
OUT_OF_REACH = {"network.blocks.5.past.weight"}  # of a window of 32, by a step of 32 back


def config_of(member, **changes):
    return TrainConfig.model_validate(tiny(STEPS, EVERY) | member | changes)


def train_until(table, config, directory, last=STEPS):
    """Reports up to a step, each check saved; from the newest checkpoint on, if there is one."""
    for progress in loop.fit(table, config, resume=lambda one: one.restore(directory, IDENTITY)):
        progress.state.save(directory, IDENTITY)
        yield progress
        if progress.step == last:
            return


@pytest.fixture(scope="module", params=MEMBERS)
def member(request):
    """What makes this member of the family another than the default."""
    return MEMBERS[request.param]


@pytest.fixture(scope="module")
def whole(member, returns, tmp_path_factory):
    """The last report of a run without break."""
    *_, last = train_until(returns, config_of(member), tmp_path_factory.mktemp("whole"))
    return last


def test_it_trains_and_every_weight_is_finite(whole):
    assert whole.step == STEPS
    assert all(math.isfinite(value) for value in whole.metrics.values())
    for module in (whole.state.generator, whole.state.critic, whole.state.average):
        assert all(tensor.isfinite().all() for tensor in module.state_dict().values())


def test_it_is_healthy_from_the_first_check_on(whole):
    """It starts beside the parametric model: no spread is off, no two paths are alike."""
    assert whole.warning is None
    assert [collapse(record) for record in whole.state.curve] == [None] * len(whole.state.curve)


def test_training_moves_the_generator_and_its_average(whole, training_set, member):
    start = loop.initial_state(training_set, config_of(member), torch.device("cpu"))
    for module in ("generator", "average"):
        before = dict(getattr(start, module).named_parameters())
        after = dict(getattr(whole.state, module).named_parameters())
        still = {name for name in after if torch.equal(before[name], after[name])}
        assert still <= OUT_OF_REACH


def test_it_resumes_to_the_same_bits(whole, member, returns, tmp_path):
    *_, stopped = train_until(returns, config_of(member), tmp_path, STOP)
    *_, resumed = train_until(returns, config_of(member), tmp_path)
    assert (stopped.step, resumed.step) == (STOP, STEPS)
    assert are_equal(arrays(resumed.state), arrays(whole.state))


def test_its_model_draws_joint_paths_of_any_length(member, garch_prices):
    model = fit(garch_prices, config_of(member, steps=1))
    drawn = model.sample(garch_prices, 130, 200, seed=1).log_returns
    shorter = model.sample(garch_prices, 70, 50, seed=1).log_returns
    assert drawn.shape == (200, 130, 4)
    assert drawn.isfinite().all()
    torch.testing.assert_close(shorter, drawn[:50, :70])
    assert (drawn.std((0, 1)) > 0).all()


@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        *(pytest.param(name, marks=pytest.mark.slow) for name in MEMBERS if name not in QUICK),
    ],
)
def test_two_workers_equal_one(two_workers, garch_prices, name):
    values = {
        "steps": 15,
        "ensemble": 1,
        "window": 32,
        "batch_size": 32,
        "selection": {"n_paths": 16, "n_starts": 8},
    } | MEMBERS[name]
    exact = {"precision": "float64"}  # in float32 a rounding may cross the kink of a rectifier
    values["adversarial"] = exact | dict(values.get("adversarial", {}))
    one = fitted(garch_prices, values)
    first, second = two_workers.run(fitted, garch_prices, values)
    assert are_equal(first, second)
    difference, name = largest_difference(one, first)
    assert difference <= 1e-7, f"{name} differs by {difference:.1e}"  # published in float32


@pytest.mark.parametrize("family", ["mlp", "tcn"])
def test_a_family_without_filter_forecasts_alike_whatever_the_volatility(garch_prices, family):
    model = fit(garch_prices, config_of({"generator": {"family": family}}, steps=1))
    wild = garch_prices.copy()
    wild.iloc[-20::2] *= 1.1
    there, here = (
        model.sample(prices, 5, 20, seed=3).log_returns for prices in (wild, garch_prices)
    )
    assert torch.equal(there, here)
