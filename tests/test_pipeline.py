import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import fingan
from fingan.cli.app import main
from fingan.data.quality import data_digest
from fingan.errors import (
    CheckpointError,
    ModelDamagedError,
    ModelNotFoundError,
    PriceDataError,
    StoreError,
)
from fingan.pipeline import fit, load_model, refit, train
from fingan.scenarios.store import ModelStore
from fingan.training.config import TrainConfig

UNTIL = "2017-12-29"


@pytest.fixture
def config(tiny_settings):
    return TrainConfig.model_validate(tiny_settings | {"steps": 10})


@pytest.fixture
def card(tiny_model):
    return ModelStore(tiny_model.store).resolve(tiny_model.reference).card


def test_training_publishes_the_model_under_its_name(tiny_model):
    assert tiny_model.reference == "tiny@1"
    assert tiny_model.steps[-1] == 120
    (entry,) = ModelStore(tiny_model.store).list()
    assert (entry.reference, entry.problem) == ("tiny@1", None)
    sampler = load_model("tiny", tiny_model.store)
    assert sampler.reference == "tiny@1"
    assert sampler.digest == entry.digest


def test_the_card_tells_what_the_model_learnt_from(card, garch_prices):
    data, seen = card["data"], garch_prices.loc[:UNTIL]
    assert data["source"] == "garch"
    assert data["assets"] == list(garch_prices.columns)
    assert (data["first"], data["last"]) == ("2015-01-02", UNTIL)
    assert data["n_rows"] == len(seen)
    assert data["digest"] == data_digest(seen)


def test_the_card_tells_how_the_weights_were_chosen(card):
    assert card["selection"]["left_out"] == []
    assert len(card["selection"]["generators"]) == 2
    for chosen in card["selection"]["generators"]:
        start, *later = chosen["curve"]
        worthy = [start, *(record for record in later if record["gain"] > record["gain_error"])]
        best = min(worthy, key=lambda record: record["validation_score"])
        assert [record["step"] for record in chosen["curve"]] == [0, 20, 40, 60]
        assert chosen["chosen_step"] == best["step"]
        assert chosen["scores"]["validation_score"] == best["validation_score"]
    assert card["status"] == "trained"
    assert card["gates"]["failed"] == []
    assert card["limits"]


def test_the_card_scores_the_model_beside_a_baseline(card):
    rows = card["scores"]["rows"]
    assert set(rows) == {"model", card["scores"]["reference"]}
    assert rows["fhs-gjr"]["difference"] == 0
    ratio = rows["model"]["mean"] / rows["fhs-gjr"]["mean"]
    assert ratio == pytest.approx(1, abs=0.2)


def test_the_configuration_is_kept_with_the_model(tiny_model, tiny_settings, garch_prices):
    kept = ModelStore(tiny_model.store).resolve(tiny_model.reference).config
    assert TrainConfig.model_validate(kept["train"]) == TrainConfig.model_validate(tiny_settings)
    assert kept["until"] == UNTIL
    assert kept["data_digest"] == data_digest(garch_prices.loc[:UNTIL])


def test_a_finished_run_leaves_no_checkpoint(tiny_model):
    assert not list(Path(tiny_model.store).rglob("step-*"))
    assert list(Path(tiny_model.store).rglob("events.out.tfevents.*"))


def test_rows_after_until_change_nothing(tiny_model, tiny_settings, garch_prices, tmp_path):
    changed = garch_prices.copy()
    changed.loc["2018-01-01":] *= 4
    config = TrainConfig.model_validate(tiny_settings)
    run = train(changed, config, name="tiny", store=str(tmp_path), until=UNTIL)
    *_, last = run
    assert last.step == 120
    mine, theirs = (
        {name: content for name, content in published.contents.items() if name != "card.json"}
        for published in (
            ModelStore(tmp_path).resolve("tiny"),
            ModelStore(tiny_model.store).resolve("tiny"),
        )
    )
    assert mine == theirs


def test_fit_gives_the_model_that_train_publishes(garch_prices, config, tmp_path):
    list(train(garch_prices, config, name="same", store=str(tmp_path)))
    published, fitted = load_model("same", str(tmp_path)), fit(garch_prices, config)
    drawn = [one.sample(garch_prices, 3, 20, seed=1).log_returns for one in (published, fitted)]
    assert torch.equal(*drawn)


def test_a_published_filter_knows_all_rows_and_no_row_after_them(tiny_model, garch_prices):
    """Weights are chosen with days held back; the filter is fitted again without holding back."""
    published = load_model("tiny", tiny_model.store)
    again = refit(published, garch_prices.loc[:UNTIL])
    for name, tensor in published.model.law.tensors().items():
        assert torch.equal(again.model.law.tensors()[name], tensor), name
    held_back = refit(published, garch_prices.loc[:"2017-06-30"])
    assert not torch.equal(
        held_back.model.law.volatility.omega, published.model.law.volatility.omega
    )


def test_refitting_keeps_the_networks_and_moves_the_rest(tiny_model, garch_prices):
    published = load_model("tiny", tiny_model.store)
    later = refit(published, garch_prices)
    assert later.fitted_until == garch_prices.index[-1]
    assert later.reference == published.reference
    for one, other in zip(published.model.generators, later.model.generators, strict=True):
        theirs = other.state_dict()
        assert all(torch.equal(theirs[name], tensor) for name, tensor in one.state_dict().items())
    assert not torch.equal(later.model.std, published.model.std)
    ours, before = (
        model.sample(garch_prices, 5, 100, seed=1).log_returns for model in (later, published)
    )
    assert ours.isfinite().all()
    assert not torch.equal(ours, before)


def test_refitting_takes_the_assets_of_the_model(tiny_model, garch_prices):
    published = load_model("tiny", tiny_model.store)
    with pytest.raises(fingan.errors.UnknownAssetError):
        refit(published, garch_prices.iloc[:, :2])


def test_fit_writes_nothing(garch_prices, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(garch_prices, config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_broken_off_resumes_to_the_same_model(garch_prices, config, tmp_path):
    config = config.model_copy(
        update={"selection": config.selection.model_copy(update={"every": 4})}
    )
    arguments = {"name": "run", "store": str(tmp_path / "store")}
    for progress in train(garch_prices, config, **arguments):
        if progress.step == 8:
            break  # as a process that dies
    resumed = train(garch_prices, config, **arguments, resume=True)
    steps = [progress.step for progress in resumed]
    assert steps == [10, 14, 18, 20]
    list(train(garch_prices, config, name="run", store=str(tmp_path / "whole")))
    weights = [
        ModelStore(tmp_path / place).resolve("run").read("generators.safetensors")
        for place in ("store", "whole")
    ]
    assert weights[0] == weights[1]


def test_without_a_checkpoint_there_is_nothing_to_resume(garch_prices, config, tmp_path):
    run = train(garch_prices, config, name="run", store=str(tmp_path), resume=True)
    with pytest.raises(CheckpointError, match="no checkpoint to resume from"):
        next(iter(run))
    assert ModelStore(tmp_path).list() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_without_rights_is_refused_before_training(garch_prices, config, tmp_path):
    closed = tmp_path / "store"
    closed.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="store"):
        next(iter(train(garch_prices, config, name="run", store=str(closed))))


def test_a_store_that_is_a_file_is_refused_before_training(garch_prices, config, tmp_path):
    occupied = tmp_path / "store"
    occupied.write_text("not a directory")
    with pytest.raises(StoreError, match="store"):
        next(iter(train(garch_prices, config, name="run", store=str(occupied))))
    assert occupied.read_text() == "not a directory"


def test_an_until_before_the_first_row_is_refused(garch_prices, config):
    with pytest.raises(PriceDataError, match="until must not lie before the first row, 2015-01-02"):
        train(garch_prices, config, name="run", until="2001-01-01")


def test_an_unknown_model_is_refused(tiny_model):
    with pytest.raises(ModelNotFoundError, match="tinny"):
        load_model("tinny", tiny_model.store)


def test_a_damaged_model_is_refused(garch_prices, config, tmp_path):
    list(train(garch_prices, config, name="run", store=str(tmp_path)))
    weights = tmp_path / "run" / "1" / "generators.safetensors"
    weights.chmod(0o600)
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelDamagedError, match=r"generators\.safetensors"):
        load_model("run", str(tmp_path))


@pytest.mark.parametrize(
    "kind",
    [
        "level",
        *(pytest.param(f"{one}_return", marks=pytest.mark.slow) for one in ("log", "simple")),
    ],
)
def test_returns_and_levels_train_and_continue_as_prices_do(garch_prices, config, tmp_path, kind):
    table = garch_prices if kind == "level" else garch_prices.pct_change().iloc[1:]
    table = np.log1p(table) if kind == "log_return" else table.copy()
    table.attrs["kind"] = kind
    run = train(table, config, name="run", store=str(tmp_path))
    list(run)
    card = ModelStore(tmp_path).resolve("run").card
    assert card["data"]["kind"] == kind
    rows = card["scores"]["rows"]
    assert rows["model"]["mean"] / rows["fhs-gjr"]["mean"] == pytest.approx(1, abs=0.3)
    drawn = load_model("run", str(tmp_path)).sample(table, 5, 500)
    assert drawn.header.kind == kind
    spread = drawn.log_returns[:, 0].std(0).double()
    moves = table.diff() if kind == "level" else table
    history = torch.tensor(moves.std().to_list())
    assert ((spread / history > 0.3) & (spread / history < 3)).all()


def test_fit_keeps_the_kind_of_a_table(garch_prices, config):
    returns = np.log(garch_prices).diff().iloc[1:]
    returns.attrs["kind"] = "log_return"
    assert fit(returns, config).model.shape.kind == "log_return"


def test_assets_that_hardly_meet_are_trained_and_published(garch_prices, config, tmp_path):
    """Too few joint days for the baseline cost the score on the card, not the model."""
    prices = pd.concat([garch_prices, garch_prices.add_suffix("2") * 1.01], axis=1)
    prices.iloc[:610, 0] = float("nan")  # 30 returns before the training span ends
    prices.attrs = {"kind": "price", "source": "late"}
    run = train(prices, config, name="run", store=str(tmp_path))
    list(run)
    assert run.reference == "run@1"
    assert "at least 100 days" in ModelStore(tmp_path).resolve("run").card["scores"]["skipped"]


@pytest.fixture
def command(garch_prices, tmp_path):
    """Run ``fingan`` as a process of its own, beside a price file."""
    garch_prices.to_csv(tmp_path / "prices.csv")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "FINGAN_STORE": str(tmp_path / "store")}

    def run(*arguments):
        return subprocess.run(
            [Path(sys.executable).with_name("fingan"), *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def as_toml(settings):
    sections = {key: value for key, value in settings.items() if isinstance(value, dict)}
    plain = {key: value for key, value in settings.items() if key not in sections}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines)


def test_the_command_line_trains_and_draws_the_same_bytes_on_one_thread_and_on_two(
    command, tiny_settings, tmp_path
):
    (tmp_path / "tiny.toml").write_text(as_toml(tiny_settings))
    trained = command(
        "train", "--prices", "prices.csv", "--name", "mine", "--config", "tiny.toml",
        "--set", "steps=10", "--until", UNTIL, "--json",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["model"] == "mine@1"
    asked = (
        "generate", "mine", "--prices", tmp_path / "prices.csv", "--store", tmp_path / "store",
        "--horizon", 4, "--paths", 1100, "--seed", 7,
    )  # fmt: skip
    ended = command(*asked, "--threads", 1, "--out", "one.parquet")
    assert ended.returncode == 0, ended.stderr
    here = main([*map(str, asked), "--threads", "2", "--out", str(tmp_path / "two.parquet")])
    assert here == 0
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    drawn = fingan.ScenarioSet.load(tmp_path / "one.parquet")
    assert drawn.log_returns.shape == (1100, 4, 4)
    assert drawn.metadata["model"] == "mine@1"


def test_the_store_is_the_one_that_the_environment_names(tiny_model, monkeypatch):
    monkeypatch.setenv("FINGAN_STORE", str(tiny_model.store))
    assert fingan.load_model(tiny_model.reference).reference == tiny_model.reference
