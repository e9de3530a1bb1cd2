"""A run whose store is behind a URL keeps its checkpoints there, and resumes from them."""

import uuid

import fsspec
import pytest
from training_runs import are_equal, arrays, kill_after, make_run, unpublished

from fingan.errors import CheckpointError
from fingan.training.state import latest_step


@pytest.fixture
def bucket():
    root = f"memory://{uuid.uuid4().hex}"
    yield root
    fsspec.filesystem("memory").rm(root, recursive=True)


def test_a_killed_run_goes_on_from_the_bucket(garch_prices, tmp_path, bucket):
    *_, unbroken = unpublished(make_run(garch_prices, tmp_path))
    kill_after(make_run(garch_prices, bucket), 20)
    run = make_run(garch_prices, bucket, resume=True)
    assert str(run.directory).startswith(f"{bucket}/.runs/tiny-")
    assert latest_step(run.directory) == 20
    progress = list(run)
    assert [one.step for one in progress] == [30, 40]
    assert are_equal(arrays(progress[-1].state), arrays(unbroken.state))
    assert run.reference == "tiny@1"
    left = {path.name for path in run.directory.iterdir()}
    assert left == {"published", "tensorboard"}


def test_a_truncated_checkpoint_costs_one_interval(garch_prices, bucket):
    kill_after(make_run(garch_prices, bucket), 20)
    run = make_run(garch_prices, bucket, resume=True)
    newest = run.directory / "step-000000020.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    assert next(iter(run)).step == 20


def test_a_new_start_forgets_what_is_there(garch_prices, bucket):
    kill_after(make_run(garch_prices, bucket), 20)
    run = make_run(garch_prices, bucket)
    run.open()
    assert latest_step(run.directory) is None
    with pytest.raises(CheckpointError, match="there is no checkpoint to resume from"):
        make_run(garch_prices, bucket, resume=True).open()
