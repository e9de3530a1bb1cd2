"""Real Ray, real kills: each waits for something that happens, none sleeps for a result."""

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from ray_trials import WAIT, clean_environment, toml, wait_for
from training_runs import tiny, trained

from fingan.scenarios.store import ModelStore
from ray_jobs.job import TrainJob
from ray_jobs.train import main, train

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("default"),  # Ray's own
]
ROOT = Path(__file__).parents[2]
STEPS, EVERY = 120, 20
LATE = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")  # they give up after a minute


@pytest.fixture(scope="module")
def price_file(garch_prices, tmp_path_factory):
    path = tmp_path_factory.mktemp("prices") / "garch.csv"
    garch_prices.to_csv(path)
    return path


@pytest.fixture(scope="module")
def unbroken(two_workers, garch_prices, tmp_path_factory) -> bytes:
    """The weights that two workers without Ray publish when nothing disturbs them."""
    store = tmp_path_factory.mktemp("unbroken")
    two_workers.run(trained, garch_prices, store, STEPS, EVERY)
    return weights(store)


def weights(store) -> bytes:
    return ModelStore(store).resolve("tiny").read("generators.safetensors")


def job(price_file, store, **values) -> TrainJob:
    given = {"prices": str(price_file), "name": "tiny", "store": str(store)}
    return TrainJob.model_validate(given | {"train": tiny(STEPS, EVERY)} | values)


def newest_step(store: Path) -> int:
    names = [path.name for path in store.glob(".runs/*/step-*.safetensors")]
    return max((int(name[5:14]) for name in names), default=0)


def train_workers(of: psutil.Process) -> list[psutil.Process]:
    """The training workers that this process or its Ray has started."""
    return [
        child
        for child in of.children(recursive=True)
        if child.is_running() and child.name().startswith("ray::RayTrain")
    ]


@pytest.mark.usefixtures("ray_session")
def test_a_killed_worker_changes_no_final_weight(price_file, tmp_path, unbroken):
    killed, ended = [], threading.Event()

    def kill_one():
        wait_for(lambda: newest_step(tmp_path) >= 2 * EVERY, ended.is_set)
        victim = train_workers(psutil.Process())[-1]
        killed.append((newest_step(tmp_path), victim.pid))
        victim.kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    try:
        outcome = train(job(price_file, tmp_path))
    finally:
        ended.set()
        killer.join()
    ((step, pid),) = killed
    assert 2 * EVERY <= step < STEPS
    assert not psutil.pid_exists(pid)
    assert outcome["model"] == "tiny@1"
    assert outcome["scores"].keys() >= {"critic_loss", "validation_score"}
    assert weights(tmp_path) == unbroken
    assert [path.name for path in tmp_path.glob(".runs/*/ray")] == []


@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_a_loss_that_is_not_finite_ends_with_exit_code_1(price_file, tmp_path, capsys):
    path = tmp_path / "job.toml"
    path.write_text(f'prices = "{price_file}"\nname = "tiny"\nstore = "{tmp_path}"\n')
    settings = ["train.window=32", "train.steps=200", "train.adversarial.learning_rate=1e30"]
    code = main(["--config", str(path), *(word for text in settings for word in ("--set", text))])
    assert code == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: loss and gradients must be finite, got critic_loss ")
    assert not (tmp_path / "tiny").exists()


@pytest.mark.slow
def test_a_killed_driver_resumes_and_changes_no_final_weight(price_file, tmp_path, unbroken):
    config = tmp_path / "job.toml"
    config.write_text(
        f'prices = "{price_file}"\nname = "tiny"\nstore = "{tmp_path}"\n{toml(tiny(STEPS, EVERY))}'
    )
    command = [
        sys.executable, "-m", "ray_jobs.train", "--json",
        "--config", str(config),
    ]  # fmt: skip
    clean = clean_environment()
    first = psutil.Popen(command, cwd=ROOT, env=clean, stderr=subprocess.DEVNULL)
    family: list[psutil.Process] = [first]
    try:
        wait_for(lambda: newest_step(tmp_path) >= 2 * EVERY, lambda: first.poll() is not None)
        family += first.children(recursive=True)
        watchful = [process for process in family if process.name() not in LATE]
        first.kill()
        assert not (tmp_path / "tiny").exists()
        _, alive = psutil.wait_procs(watchful, timeout=30)
        assert alive == []
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()  # never another process that has the same number
    step = newest_step(tmp_path)
    assert 2 * EVERY <= step < STEPS
    second = subprocess.run(
        [*command, "--resume"], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=WAIT
    )
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["model"] == "tiny@1"
    assert f"step {step + EVERY}/{STEPS}" in second.stderr
    assert f"step {step}/{STEPS}" not in second.stderr
    assert weights(tmp_path) == unbroken
