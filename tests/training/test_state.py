import contextlib
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import are_equal, arrays, kill_after, make_run

from fingan.errors import CheckpointError, StoreError
from fingan.pipeline import load_model
from fingan.scenarios.store import ModelStore
from fingan.training.dataset import prepare
from fingan.training.loop import initial_state

STEPS = 40  # checks at 10, 20, 30 and 40


@pytest.fixture(scope="module")
def unbroken(garch_prices, tmp_path_factory):
    """A run to its end: the last state, all reports and the published digest."""
    store = tmp_path_factory.mktemp("unbroken")
    run = make_run(garch_prices, store, steps=STEPS)
    reports = [(progress.step, progress.metrics, arrays(progress.state)) for progress in run]
    return reports, published_weights(store)


@pytest.fixture
def killed(garch_prices, tmp_path):
    """A run that was killed right after its checkpoint at step 30."""
    run = make_run(garch_prices, tmp_path, steps=STEPS)
    kill_after(run, 30)
    assert checkpoints(run) == ["step-000000030.safetensors", "step-000000020.safetensors"]
    return run


def checkpoints(run):
    return sorted((path.name for path in run.directory.glob("step-*")), reverse=True)


def newest(run) -> Path:
    return run.directory / checkpoints(run)[0]


def published_weights(store):
    return ModelStore(store).resolve("tiny").read("generators.safetensors")


def resumed(run, prices):
    again = make_run(prices, Path(run.store), resume=True, steps=STEPS)
    return again, [(progress.step, progress.metrics, arrays(progress.state)) for progress in again]


def assert_ends_as(run, reports, unbroken):
    expected, weights = unbroken
    assert [report[:2] for report in reports] == [
        report[:2] for report in expected[-len(reports) :]
    ]
    assert are_equal(reports[-1][2], expected[-1][2])
    assert published_weights(run.store) == weights


def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(killed, garch_prices, unbroken):
    run, reports = resumed(killed, garch_prices)
    assert [step for step, *_ in reports] == [40]
    assert_ends_as(run, reports, unbroken)


def test_a_run_that_stopped_between_two_checkpoints_repeats_the_steps_since(
    garch_prices, tmp_path, unbroken
):
    run = make_run(garch_prices, tmp_path, steps=STEPS)
    kill_after(run, 20)
    run.directory.joinpath(".fingan-00.tmp").write_bytes(b"half a checkpoint")
    again, reports = resumed(run, garch_prices)
    assert [step for step, *_ in reports] == [30, 40]
    assert_ends_as(again, reports, unbroken)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_checkpoint_is_passed_over_and_changes_no_final_weight(
    killed, garch_prices, unbroken, damage
):
    content = bytearray(newest(killed).read_bytes())
    if damage == "flip":
        content[-5] ^= 1
    newest(killed).write_bytes(content if damage == "flip" else content[:-1])
    run, reports = resumed(killed, garch_prices)
    assert [step for step, *_ in reports] == [30, 40]
    assert_ends_as(run, reports, unbroken)


@pytest.fixture
def fresh_state(garch_prices, tmp_path):
    """The state before the first step."""
    run = make_run(garch_prices, tmp_path / "fresh", steps=STEPS)
    device = torch.device("cpu")
    return initial_state(prepare(run.returns, run.config, device), run.config, device)


def test_every_truncation_and_every_flipped_bit_is_seen(killed, fresh_state):
    path, random = newest(killed), np.random.default_rng(3)
    content = path.read_bytes()
    cuts = [content[:n_bytes] for n_bytes in random.integers(0, len(content), 30)]
    for damaged in [b"", content + b"0", *cuts, *(flipped(content, random) for _ in range(70))]:
        path.write_bytes(damaged)
        assert fresh_state.restore(killed.directory, killed.identity)
        assert fresh_state.step == 20
    path.write_bytes(content)
    assert fresh_state.restore(killed.directory, killed.identity)
    assert fresh_state.step == 30


def flipped(content, random):
    """The same bytes with one bit turned over, as often in the header as in the tensors."""
    header = 8 + int.from_bytes(content[:8], "little")
    place = int(random.integers(0, random.choice([header, len(content)])))
    damaged = bytearray(content)
    damaged[place] ^= 1 << int(random.integers(8))
    return bytes(damaged)


def test_a_run_without_a_whole_checkpoint_is_not_resumed(killed, garch_prices):
    for name in checkpoints(killed):
        (killed.directory / name).write_bytes(b"")
    with pytest.raises(
        CheckpointError, match="no checkpoint is whole, the newest is step-00000003"
    ):
        resumed(killed, garch_prices)


def test_a_run_that_was_never_started_is_not_resumed(garch_prices, tmp_path):
    with pytest.raises(CheckpointError, match="there is no checkpoint to resume from"):
        next(iter(make_run(garch_prices, tmp_path, resume=True)))


@pytest.mark.parametrize("change", [{"seed": 1}, {"steps": 41}])
def test_a_checkpoint_of_another_configuration_is_refused(killed, garch_prices, change):
    other = make_run(garch_prices, Path(killed.store), resume=True, **{"steps": STEPS} | change)
    assert other.directory != killed.directory
    _copy(newest(killed), other.directory)
    with pytest.raises(CheckpointError, match="of another run: its configuration differs"):
        next(iter(other))


def test_a_checkpoint_of_other_prices_is_refused(killed, garch_prices):
    other = make_run(garch_prices.iloc[:-1], Path(killed.store), resume=True, steps=STEPS)
    _copy(newest(killed), other.directory)
    with pytest.raises(CheckpointError, match="of another run: its data differs"):
        next(iter(other))


def _copy(path, directory):
    directory.mkdir()
    (directory / path.name).write_bytes(path.read_bytes())


def test_a_full_disk_leaves_the_older_checkpoints(killed, garch_prices, unbroken):
    size = newest(killed).stat().st_size
    with full_disk(size // 2), pytest.raises(StoreError, match="cannot be written: File too large"):
        resumed(killed, garch_prices)
    assert checkpoints(killed) == ["step-000000030.safetensors", "step-000000020.safetensors"]
    assert not list(killed.directory.glob(".fingan-*"))
    run, reports = resumed(killed, garch_prices)
    assert_ends_as(run, reports, unbroken)


@contextlib.contextmanager
def full_disk(n_bytes):
    """No file of this process may grow beyond ``n_bytes``."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_two_checkpoints_are_kept_and_none_after_publication(garch_prices, tmp_path):
    run = make_run(garch_prices, tmp_path, steps=40)
    kept = [checkpoints(run) for _ in run]
    assert [len(names) for names in kept] == [1, 2, 2, 2]
    assert kept[-1][0] == "step-000000040.safetensors"
    assert checkpoints(run) == []


def test_a_published_run_has_nothing_left_to_do(garch_prices, tmp_path):
    list(make_run(garch_prices, tmp_path, steps=10))
    again = make_run(garch_prices, tmp_path, steps=10, resume=True)
    assert list(again) == []
    assert again.reference == "tiny@1"
    assert load_model("tiny", str(tmp_path)).reference == "tiny@1"


def test_a_run_killed_while_it_published_publishes_the_same_weights(
    garch_prices, tmp_path, unbroken
):
    run = make_run(garch_prices, tmp_path, steps=STEPS)
    kill_after(run, STEPS)
    again, reports = resumed(run, garch_prices)
    assert [step for step, *_ in reports] == [STEPS]
    assert published_weights(tmp_path) == unbroken[1]
    assert are_equal(reports[-1][2], unbroken[0][-1][2])
    assert again.reference == "tiny@1"


@pytest.fixture(scope="module")
def ensemble(garch_prices, tmp_path_factory):
    """A run of three generators of 20 steps to its end."""
    store = tmp_path_factory.mktemp("ensemble")
    run = make_run(garch_prices, store, steps=20, ensemble=3)
    reports = [(progress.step, progress.metrics, arrays(progress.state)) for progress in run]
    return reports, published_weights(store)


@pytest.mark.parametrize(
    "step", [10, 30, *(pytest.param(step, marks=pytest.mark.slow) for step in (20, 40, 50, 60))]
)
def test_an_ensemble_resumes_bit_for_bit_within_and_between_its_generators(
    garch_prices, tmp_path, ensemble, step
):
    kill_after(make_run(garch_prices, tmp_path, steps=20, ensemble=3), step)
    again = make_run(garch_prices, tmp_path, steps=20, ensemble=3, resume=True)
    reports = [(progress.step, progress.metrics, arrays(progress.state)) for progress in again]
    assert [report[0] for report in reports] == list(range(min(step + 10, 60), 61, 10))
    if step == 60:  # nothing was left to train; the last report stands for what was done
        reports = [(60, ensemble[0][-1][1], reports[0][2])]
    assert_ends_as(again, reports, ensemble)


def test_a_new_run_starts_anew(killed, garch_prices):
    run = make_run(garch_prices, Path(killed.store), steps=STEPS)
    assert next(iter(run)).step == 10
