import json
from pathlib import Path

import pytest

from fingan.scenarios.store import ModelStore


def write_model(directory: Path) -> None:
    (directory / "config.json").write_text('{"seed": 7}')
    (directory / "card.json").write_text('{"trained_until": "2014-12-31"}')
    (directory / "generator.safetensors").write_bytes(bytes(64))


@pytest.fixture
def store(tmp_path) -> Path:
    for _ in range(2):
        ModelStore(tmp_path / "store").publish("equities", write_model)
    return tmp_path / "store"


def test_list_names_every_version(run, store):
    ended = run("models", "list", "--store", store, "--json")
    models = json.loads(ended.out)["models"]
    assert [model["model"] for model in models] == ["equities@1", "equities@2"]
    assert all(model["digest"].startswith("sha256:") for model in models)


def test_the_store_may_come_from_the_environment(run, store, monkeypatch):
    monkeypatch.setenv("FINGAN_STORE", str(store))
    assert "equities@2" in run("models", "list").out


def test_an_empty_store_is_no_mistake(run, tmp_path):
    ended = run("models", "list", "--store", tmp_path / "none")
    assert ended == (0, "", "no models\n")


def test_show_prints_card_and_configuration(run, store):
    shown = json.loads(run("models", "show", "equities", "--store", store, "--json").out)
    assert shown["model"] == "equities@2"
    assert shown["card"]["trained_until"] == "2014-12-31"
    assert shown["config"] == {"seed": 7}


def test_verify_says_which_version_is_whole(run, store):
    ended = run("models", "verify", "equities@1", "--store", store, "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["verified"] is True


def test_a_damaged_model_is_refused_and_listed_with_its_problem(run, store):
    (store / "equities" / "1" / "generator.safetensors").write_bytes(bytes(63) + b"x")
    ended = run("models", "verify", "equities@1", "--store", store)
    assert (ended.code, ended.out) == (2, "")
    assert "generator.safetensors" in ended.err


def test_an_unknown_model_is_bad_input_with_the_nearest_name(run, store):
    ended = run("models", "show", "equitys", "--store", store)
    assert ended.code == 2
    assert "did you mean 'equities'?" in ended.err
