import pytest
import torch

from fingan.training.adversarial import synthetic_paths
from fingan.training.dataset import prepare
from fingan.training.growing import shortened, window_length
from fingan.training.loop import initial_state

LENGTH = 12


@pytest.fixture
def state(training_set, make_config):
    return initial_state(training_set, make_config(), torch.device("cpu"))


@pytest.fixture(params=["whole", "gappy"])
def batch(request, training_set, gappy, make_config, state):
    config, market = make_config(), training_set
    if request.param == "gappy":
        market = prepare(gappy, config, torch.device("cpu"))
    return market.batch(config, state.generator.n_noise, 0)


def test_every_stage_has_the_same_share_of_the_steps():
    lengths = [window_length((16, 32), 64, step, 9) for step in range(9)]
    assert lengths == [16] * 3 + [32] * 3 + [64] * 3


def test_without_stages_every_window_is_whole():
    assert {window_length((), 64, step, 5) for step in range(5)} == {64}


def test_a_batch_of_whole_windows_is_left_as_it_is(batch):
    assert shortened(batch, len(batch.real)) is batch


def test_short_windows_are_the_beginnings_of_whole_ones(batch, state):
    short = shortened(batch, LENGTH)
    assert short.real.shape == batch.real.shape
    assert torch.equal(short.real[:LENGTH], batch.real[:LENGTH])
    assert (short.real[LENGTH:] == 0).all()
    whole, part = (synthetic_paths(state.generator, one) for one in (batch, short))
    torch.testing.assert_close(part[:LENGTH], whole[:LENGTH])
    assert part.shape == whole.shape
    assert (part[LENGTH:] == 0).all()


def test_the_generator_is_asked_for_short_paths_only(batch, state):
    seen = []
    state.generator.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    synthetic_paths(state.generator, shortened(batch, LENGTH))
    assert seen == [LENGTH]
