from collections.abc import Iterator

import pytest
import torch
from gloo_workers import GlooWorkers
from torch import nn
from training_runs import (
    answer_of_first,
    are_equal,
    kill_after,
    largest_difference,
    make_run,
    resumed_blind,
    trained,
    trained_default,
    trained_with_fault,
)

from fingan.errors import FinganError, TrainingDivergedError
from fingan.training.distributed import average_gradients, from_first_worker, own_share

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def workers() -> Iterator[GlooWorkers]:
    both = GlooWorkers(2)
    yield both
    both.close()


def test_two_workers_equal_one(workers, garch_prices, tmp_path):
    one, _ = trained(garch_prices, tmp_path / "one", 50)
    (first, reference), (second, nothing) = workers.run(trained, garch_prices, tmp_path / "two", 50)
    assert (reference, nothing) == ("small@1", None)
    assert are_equal(first, second)
    difference, name = largest_difference(one, first)
    assert difference <= TOLERANCE, name


@pytest.mark.slow
def test_two_workers_equal_one_at_the_default_size(workers):
    one = trained_default(50)
    first, second = workers.run(trained_default, 50)
    assert are_equal(first, second)
    difference, name = largest_difference(one, first)
    print(f"\nlargest difference after 50 steps: {difference:.2e} in {name}")
    assert difference <= TOLERANCE, name


@pytest.mark.parametrize("place", ["term", "nan", "inf"])
def test_what_is_not_finite_on_one_worker_stops_all_in_that_step(
    workers, garch_prices, tmp_path, place
):
    ended = workers.run(trained_with_fault, garch_prices, tmp_path, 60, place)
    assert ended[0] == ended[1]
    step, text, checkpoints = ended[0]
    assert step == 60
    assert text.endswith("in step 60")
    assert checkpoints == ["step-000000050.safetensors"]
    assert not (tmp_path / "small").exists()


def test_workers_resume_where_the_first_one_stands(workers, garch_prices, tmp_path):
    whole, _ = workers.run(trained, garch_prices, tmp_path / "whole", 100)
    kill_after(make_run(garch_prices, tmp_path / "killed", steps=100), 50)
    (first, steps), (second, _) = workers.run(
        resumed_blind, garch_prices, tmp_path / "killed", tmp_path / "elsewhere"
    )
    assert steps == [100]
    assert are_equal(first, second)
    assert largest_difference(whole[0], first)[0] <= 10 * TOLERANCE
    assert not (tmp_path / "elsewhere").exists()


def test_all_workers_hear_the_first_one_and_its_mistakes(workers):
    assert workers.run(answer_of_first, False) == ["from 0", "from 0"]
    assert workers.run(answer_of_first, True) == ["error: the disk is full"] * 2


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
    with pytest.raises(TrainingDivergedError, match="got loss 0.5 in step 3") as caught:
        average_gradients([network], {"loss": torch.tensor(0.5)}, step=3)
    assert caught.value.values == {"loss": 0.5}


def test_opposite_infinities_do_not_cancel():
    network = nn.Linear(2, 1)
    network(torch.ones(1, 2)).sum().backward()
    network.weight.grad[0] = torch.tensor([float("inf"), -float("inf")])
    with pytest.raises(TrainingDivergedError):
        average_gradients([network], {"loss": torch.tensor(0.5)}, step=0)
