import contextlib
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import are_equal, arrays, kill_after, make_run, unpublished

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
    return reports_of(run), published_weights(store)


@pytest.fixture(scope="module")
def store_of_killed(garch_prices, tmp_path_factory):
    """The store of a run that was killed right after its checkpoint at step 30."""
    store = tmp_path_factory.mktemp("killed")
    kill_after(make_run(garch_prices, store, steps=STEPS), 30)
    return store


@pytest.fixture
def killed(store_of_killed, garch_prices, tmp_path):
    """That run, where it may be damaged or resumed."""
    shutil.copytree(store_of_killed, tmp_path, dirs_exist_ok=True)
    run = make_run(garch_prices, tmp_path, steps=STEPS)
    assert checkpoints(run) == ["step-000000030.safetensors", "step-000000020.safetensors"]
    return run


def checkpoints(run):
    return sorted((path.name for path in run.directory.glob("step-*")), reverse=True)


def newest(run) -> Path:
    return run.directory / checkpoints(run)[0]


def published_weights(store):
    return ModelStore(store).resolve("tiny").read("generators.safetensors")


def reports_of(run):
    return [(progress.step, progress.metrics, arrays(progress.state)) for progress in run]


def again(run, prices):
    return make_run(prices, Path(run.store), resume=True, steps=STEPS)


def resumed(run, prices):
    return reports_of(unpublished(again(run, prices)))


def assert_ends_as(reports, expected):
    assert [report[:2] for report in reports] == [
        report[:2] for report in expected[-len(reports) :]
    ]
    assert are_equal(reports[-1][2], expected[-1][2])


def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(killed, garch_prices, unbroken):
    expected, weights = unbroken
    reports = reports_of(again(killed, garch_prices))
    assert [step for step, *_ in reports] == [40]
    assert_ends_as(reports, expected)
    assert published_weights(killed.store) == weights


def test_a_run_that_stopped_between_two_checkpoints_repeats_the_steps_since(
    garch_prices, tmp_path, unbroken
):
    run = make_run(garch_prices, tmp_path, steps=STEPS)
    kill_after(run, 20)
    run.directory.joinpath(".fingan-00.tmp").write_bytes(b"half a checkpoint")
    reports = resumed(run, garch_prices)
    assert [step for step, *_ in reports] == [30, 40]
    assert_ends_as(reports, unbroken[0])


@pytest.mark.parametrize("damage", [pytest.param("cut", marks=pytest.mark.slow), "flip"])
def test_a_damaged_checkpoint_is_passed_over_and_changes_no_final_weight(
    killed, garch_prices, unbroken, damage
):
    content = bytearray(newest(killed).read_bytes())
    if damage == "flip":
        content[-5] ^= 1
    newest(killed).write_bytes(content if damage == "flip" else content[:-1])
    reports = resumed(killed, garch_prices)
    assert [step for step, *_ in reports] == [30, 40]
    assert_ends_as(reports, unbroken[0])


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
    assert_ends_as(resumed(killed, garch_prices), unbroken[0])


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
    last = again(run, garch_prices)
    reports = reports_of(last)
    assert [step for step, *_ in reports] == [STEPS]
    assert published_weights(tmp_path) == unbroken[1]
    assert are_equal(reports[-1][2], unbroken[0][-1][2])
    assert last.reference == "tiny@1"


@pytest.fixture(scope="module")
def ensemble(garch_prices, tmp_path_factory):
    """A run of three generators of 20 steps to its end."""
    store = tmp_path_factory.mktemp("ensemble")
    return reports_of(unpublished(make_run(garch_prices, store, steps=20, ensemble=3)))


@pytest.mark.parametrize(
    "step", [30, *(pytest.param(step, marks=pytest.mark.slow) for step in (10, 20, 40, 50, 60))]
)
def test_an_ensemble_resumes_bit_for_bit_within_and_between_its_generators(
    garch_prices, tmp_path, ensemble, step
):
    kill_after(make_run(garch_prices, tmp_path, steps=20, ensemble=3), step)
    rest = make_run(garch_prices, tmp_path, steps=20, ensemble=3, resume=True)
    reports = reports_of(unpublished(rest))
    assert [report[0] for report in reports] == list(range(min(step + 10, 60), 61, 10))
    if step == 60:  # nothing was left to train; the last report stands for what was done
        reports = [(60, ensemble[-1][1], reports[0][2])]
    assert_ends_as(reports, ensemble)


def test_a_new_run_starts_anew(killed, garch_prices):
    run = make_run(garch_prices, Path(killed.store), steps=STEPS)
    assert next(iter(run)).step == 10
