"""Backtests and screens over tasks are the library's; stretches that are done stand."""

import json
import shutil
from functools import partial

import pytest

import ray_jobs.backtest
import ray_jobs.screen
import ray_jobs.tasks
from fingan import pipeline
from fingan.assessment.var_backtest import Design, backtest
from fingan.data.prices import read_prices
from fingan.risk.portfolio import equal_weights
from fingan.screening.rule import rule_of
from fingan.screening.validation import Subject, validate
from fingan.screening.walk_forward import WalkForwardDesign
from ray_jobs.backtest import DESIGN, BacktestJob
from ray_jobs.screen import ScreenJob

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),  # Ray's own
]


@pytest.fixture
def given(garch_prices, tiny_model, tmp_path):
    """What both jobs are given."""
    place = tmp_path / "prices.csv"
    garch_prices.to_csv(place)
    return {
        "model": "tiny",
        "store": str(shutil.copytree(tiny_model.store, tmp_path / "store")),  # a record stays there
        "prices": str(place),
        "out": str(tmp_path / "record.json"),
        "first": "2017-01-02",
        "in_sample": True,
    }


@pytest.fixture
def backtest_job(given):
    return BacktestJob(
        **given, n_paths=200, window=300, refit=60, baselines=("historical", "fhs-ewma")
    )


@pytest.fixture
def screen_job(given):
    screen = {"horizon": 5, "n_scenarios": 500, "references": ("historical",)}
    return ScreenJob(**given, screen=screen, design={"n_paths": 100})


def library_backtest(job, _):
    sampler = pipeline.load_model("tiny", job.store)
    return backtest(
        sampler, read_prices(job.prices), equal_weights(sampler.assets), first=job.first,
        design=Design(**{name: getattr(job, name) for name in DESIGN}), in_sample=True,
    )  # fmt: skip


def library_screen(job, outcome):
    sampler = pipeline.load_model("tiny", job.store)
    digest = job.screen.digest()
    return validate(
        partial(pipeline.refit, sampler),
        read_prices(job.prices),
        rule_of(job.screen, sampler.assets),
        WalkForwardDesign(first=job.first, n_paths=100, seed=job.screen.seed),
        Subject(sampler.reference, sampler.digest, digest, sampler.fitted_until),
        references={"historical": partial(pipeline.baseline, "historical")},
        n_trials=outcome["trials"],
        in_sample=True,
    )


def in_this_process(work, shared, calls, _job):
    return (work(shared, call) for call in calls)


@pytest.mark.parametrize("kind", ["backtest", "screen"])
def test_the_record_is_the_library_s_also_when_it_was_interrupted(
    kind, request, tmp_path, monkeypatch
):
    """The backtest over Ray's tasks; the screen, which differs before and after, without them."""
    if kind == "backtest":
        request.getfixturevalue("ray_session")
    else:
        monkeypatch.setattr(ray_jobs.tasks, "told_in_order", in_this_process)
    job = request.getfixturevalue(f"{kind}_job")
    run = {"backtest": ray_jobs.backtest.run, "screen": ray_jobs.screen.run}[kind]
    library = {"backtest": library_backtest, "screen": library_screen}[kind]
    whole, left, sound = [], [], ray_jobs.tasks.told_in_order

    def cut_off(work, shared, calls, job):
        whole.extend(calls)
        for number, outcome in enumerate(sound(work, shared, calls, job)):
            yield outcome
            if number == 2:
                raise KeyboardInterrupt

    def counted(work, shared, calls, job):
        left.extend(calls)
        return sound(work, shared, calls, job)

    monkeypatch.setattr(ray_jobs.tasks, "told_in_order", cut_off)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    out = tmp_path / "record.json"
    assert not out.exists()
    n_done = len(list(tmp_path.glob(".record.json-*/part-*")))
    assert 0 < n_done < len(whole)
    monkeypatch.setattr(ray_jobs.tasks, "told_in_order", counted)
    outcome = run(job, resume=True)
    assert (outcome["out"], outcome["model"]) == (str(out), "tiny@1")
    record = json.loads(out.read_text())
    assert record == json.loads(json.dumps(library(job, outcome).record()))
    assert left == whole[n_done:]
    assert list(tmp_path.glob(".record.json-*")) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["--set", "first=2050-01-01"], "needs at least"),
        (["--set", "in_sample=false"], "must begin after it"),
        (["--set", 'portfolio={"CAT"=1.0}'], "asset 'CAT' is not in"),
        (["--set", 'baselines=["naive"]'], "'baselines.0' must be"),
        (["--resume"], "there is nothing to resume"),
    ],
)
def test_a_mistake_is_one_sentence_before_ray_starts(
    backtest_job, tmp_path, capsys, monkeypatch, settings, words
):
    monkeypatch.setattr(ray_jobs.tasks, "connect", lambda **_: pytest.fail("Ray was started"))
    path = tmp_path / "backtest.toml"
    given = backtest_job.model_dump(mode="json", exclude_unset=True)
    path.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in given.items()))
    assert ray_jobs.backtest.main(["--config", str(path), *settings]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert words in line
