import pytest
import torch
from gloo_workers import GlooWorkers
from torch import nn
from training_runs import (
    answer_of_first,
    are_equal,
    fitted,
    killed,
    largest_difference,
    resumed_blind,
    trained,
    trained_with_fault,
)

from fingan.errors import FinganError, TrainingDivergedError
from fingan.training.distributed import average_gradients, from_first_worker, own_share

TOLERANCE = 1e-10  # in float64; in float32 a rounding may cross the kink of a rectifier


def assert_all_equal_one(workers, prices, values):
    one = fitted(prices, values)
    first, *others = workers.run(fitted, prices, values)
    assert all(are_equal(first, other) for other in others)
    difference, name = largest_difference(one, first)
    assert difference <= TOLERANCE, f"{name} differs by {difference:.1e}"


VALUES = {
    "steps": 25,
    "ensemble": 2,
    "window": 32,
    "batch_size": 32,
    "adversarial": {"precision": "float64"},
    "selection": {"n_paths": 16, "n_starts": 8},
}


DEFAULT = {"steps": 50, "ensemble": 1, "adversarial": {"precision": "float64"}}


def test_two_workers_equal_one(two_workers, garch_prices):
    assert_all_equal_one(two_workers, garch_prices, VALUES)


def test_two_workers_equal_one_where_one_has_a_window_more(two_workers, garch_prices):
    adversarial = VALUES["adversarial"] | {"feature_matching": 0.5}
    uneven = {"ensemble": 1, "batch_size": 7, "adversarial": adversarial}
    assert_all_equal_one(two_workers, garch_prices, VALUES | uneven)


@pytest.mark.slow
def test_four_workers_equal_one_with_the_default_model_on_the_bundled_stocks():
    four = GlooWorkers(4)
    try:
        assert_all_equal_one(four, "sp500-20", DEFAULT)
    finally:
        four.close()


@pytest.mark.slow
def test_two_workers_equal_one_with_the_default_model_on_the_bundled_stocks(two_workers):
    assert_all_equal_one(two_workers, "sp500-20", DEFAULT)


@pytest.mark.parametrize("place", ["term", "nan", "inf"])
def test_what_is_not_finite_on_one_worker_stops_all_in_that_step(
    two_workers, garch_prices, tmp_path, place
):
    ended = two_workers.run(trained_with_fault, garch_prices, tmp_path, 25, place)
    assert ended[0] == ended[1]
    step, text, checkpoints = ended[0]
    assert step == 25
    assert text.endswith("in step 25")
    assert checkpoints == ["step-000000010.safetensors", "step-000000020.safetensors"]
    assert not (tmp_path / "tiny").exists()


@pytest.mark.parametrize(
    ("ensemble", "last", "left"),
    [pytest.param(1, 30, [40], marks=pytest.mark.slow), (2, 50, [60, 70, 80])],
)
def test_workers_resume_where_the_first_one_stands(
    two_workers, garch_prices, tmp_path, ensemble, last, left
):
    whole = two_workers.run(trained, garch_prices, tmp_path / "whole", 40, 10, ensemble)
    assert [reference for _, reference in whole] == ["tiny@1", None]
    two_workers.run(killed, garch_prices, tmp_path / "killed", last, ensemble)
    (first, steps), (second, _) = two_workers.run(
        resumed_blind, garch_prices, tmp_path / "killed", tmp_path / "elsewhere", ensemble
    )
    assert steps == left
    assert are_equal(first, second)
    assert are_equal(first, whole[0][0])
    assert not (tmp_path / "elsewhere").exists()


def test_all_workers_hear_the_first_one_and_its_mistakes(two_workers):
    assert two_workers.run(answer_of_first, False) == ["from 0", "from 0"]
    assert two_workers.run(answer_of_first, True) == ["error: the disk is full"] * 2


def test_one_process_hears_itself():
    assert from_first_worker(lambda: b"") == b""

    def fail() -> bytes:
        raise FinganError("the disk is full")

    with pytest.raises(FinganError, match="the disk is full"):
        from_first_worker(fail)


def test_one_process_has_the_whole_batch():
    assert own_share(7) == slice(0, 7)


def test_gradients_that_are_finite_pass_unchanged_in_one_process():
    network = nn.Linear(2, 1)
    network(torch.ones(1, 2)).sum().backward()
    assert average_gradients([network], {"loss": torch.tensor(0.5)}, step=3) == {"loss": 0.5}
    assert network.weight.grad.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_gradient_that_is_not_finite_names_step_and_terms(value):
    network = nn.Linear(2, 1)
    network(torch.ones(1, 2)).sum().backward()
    network.weight.grad[0, 1] = value
    with pytest.raises(TrainingDivergedError, match=r"got loss 0\.5 in step 3") as caught:
        average_gradients([network], {"loss": torch.tensor(0.5)}, step=3)
    assert caught.value.values == {"loss": 0.5}


def test_opposite_infinities_do_not_cancel():
    network = nn.Linear(2, 1)
    network(torch.ones(1, 2)).sum().backward()
    network.weight.grad[0] = torch.tensor([float("inf"), -float("inf")])
    with pytest.raises(TrainingDivergedError):
        average_gradients([network], {"loss": torch.tensor(0.5)}, step=0)
