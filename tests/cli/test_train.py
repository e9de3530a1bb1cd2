import json
import sys
from types import SimpleNamespace

import pytest

import fingan
from fingan.errors import TrainingDivergedError


class Training:
    """Three steps that were already thought of."""

    reference = "mine@1"
    card = {"scores": {"skipped": "an asset is missing"}}  # noqa: RUF012 - a stub

    def __init__(self, diverges: bool) -> None:
        self.diverges = diverges

    def __iter__(self):
        for step in (1, 2, 3):
            if self.diverges and step == 3:
                raise TrainingDivergedError(3, {"critic_loss": float("inf")})
            yield SimpleNamespace(
                step=step,
                total_steps=3,
                metrics={"critic_loss": 1 / step},
                seconds=0.1 * step,
                warning=None,
                member=0,
                n_members=1,
            )


@pytest.fixture
def training(monkeypatch):
    """Replace the training by three steps; holds what it was asked for."""
    asked = SimpleNamespace(diverges=False)

    def train(prices, config, **settings):
        asked.prices, asked.config, asked.settings = prices, config, settings
        return Training(asked.diverges)

    pipeline = SimpleNamespace(train=train)
    monkeypatch.setitem(sys.modules, "fingan.pipeline", pipeline)
    monkeypatch.setattr(fingan, "pipeline", pipeline, raising=False)
    return asked


@pytest.fixture
def price_file(tmp_path, garch_prices):
    path = tmp_path / "prices.csv"
    garch_prices.to_csv(path)
    return path


def test_train_hands_the_request_over_and_prints_the_reference(run, training, price_file, tmp_path):
    ended = run(
        "train", "--prices", price_file, "--name", "mine", "--until", "2016-12-30", "--seed", 7,
        "--store", tmp_path / "store", "--json",
    )  # fmt: skip
    assert ended.code == 0
    assert json.loads(ended.out)["model"] == "mine@1"
    assert training.prices.shape == (800, 4)
    assert training.config.seed == 7
    assert training.settings == {
        "name": "mine",
        "store": str(tmp_path / "store"),
        "until": "2016-12-30",
        "resume": False,
    }
    assert "step 3/3" in ended.err


@pytest.mark.usefixtures("training")
def test_a_setting_that_does_not_exist_is_bad_input(run, price_file):
    ended = run("train", "--prices", price_file, "--name", "mine", "--set", "sead=7")
    assert (ended.code, ended.out) == (2, "")
    assert "did you mean 'seed'?" in ended.err


@pytest.mark.usefixtures("training")
def test_a_missing_configuration_is_bad_input(run, price_file, tmp_path):
    absent = tmp_path / "run.toml"
    ended = run("train", "--prices", price_file, "--name", "mine", "--config", absent)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {absent}: no such file")


def test_a_training_that_diverges_ends_with_exit_code_1(run, training, price_file):
    training.diverges = True
    ended = run("train", "--prices", price_file, "--name", "mine")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].endswith("got critic_loss inf in step 3")
