"""Sweeps on a real Ray: ended trials stand, the best is published, kills lose nothing."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from ray_trials import WAIT, clean_environment, toml, wait_for
from training_runs import tiny

from fingan.scenarios.store import ModelStore
from ray_jobs.journal import Journal
from ray_jobs.sweep import SweepJob
from ray_jobs.tune import main, sweep

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("default"),  # Ray's own
]
ROOT = Path(__file__).parents[2]
N_TRIALS = 5
SPACE = {
    "adversarial.learning_rate": {"low": 1e-4, "high": 5e-3, "log": True},
    "generator.width": {"choices": [4, 8]},
}


@pytest.fixture(scope="module")
def price_file(garch_prices, tmp_path_factory):
    path = tmp_path_factory.mktemp("prices") / "garch.csv"
    garch_prices.to_csv(path)
    return path


def job_of(price_file, store, **given):
    document = {
        "prices": str(price_file),
        "name": "swept",
        "store": str(store),
        "train": tiny(40, 10),
        "space": SPACE,
        "n_trials": N_TRIALS,
    }
    return SweepJob.model_validate(document | given)


def journal_in(store):
    (path,) = store.glob(".sweeps/*/journal.jsonl")
    return Journal(path)


@pytest.mark.usefixtures("ray_session")
def test_a_sweep_publishes_the_best_of_its_trials_once(price_file, tmp_path):
    job = job_of(price_file, tmp_path)
    outcome = sweep(job)
    entries = journal_in(tmp_path).entries()
    drawn = [job.drawn(number) for number in range(N_TRIALS)]
    assert sorted(map(str, drawn)) == sorted(str(entry["values"]) for entry in entries)
    own = next(entry for entry in entries if not entry["values"])
    assert own["state"] == "finished"
    assert any(entry["state"] == "stopped" for entry in entries)  # by ASHA
    finished = [entry for entry in entries if entry["state"] == "finished"]
    assert all(entry["step"] == 40 for entry in finished)
    best = min(entry["score"] for entry in finished)
    assert (outcome["score"], outcome["own_score"]) == (best, own["score"])
    assert outcome["beats_own"] == (best < own["score"])
    card = ModelStore(tmp_path).resolve("swept@1").card
    assert (card["status"], card["selection"]["n_trials"]) == ("candidate", N_TRIALS)
    (curve,) = [one["curve"] for one in card["selection"]["generators"]]
    assert min(check["validation_score"] for check in curve if check["step"] > 0) == best
    page = Path(outcome["page"]).read_text()
    assert (page.count("<tr><td>"), page.count('<tr class="own">')) == (N_TRIALS - 1, 1)
    assert "adversarial.learning_rate" in page
    assert "http://" not in page.split("<script>")[0]
    again = sweep(job, resume=True)
    assert again == outcome
    assert journal_in(tmp_path).entries() == entries
    assert [path.name for path in tmp_path.glob("swept/*")] == ["1"]


@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_members_of_a_population_go_on_from_better_ones(price_file, tmp_path):
    space = {"adversarial.learning_rate": SPACE["adversarial.learning_rate"]}
    job = job_of(price_file, tmp_path, scheduler="pbt", n_trials=5, space=space)
    outcome = sweep(job)
    entries = journal_in(tmp_path).entries()
    assert sorted(entry.get("member", 0) for entry in entries) == [0, 1, 2, 3, 4]
    assert all(entry["state"] == "finished" for entry in entries)
    assert all(entry["step"] == 40 for entry in entries)
    assert outcome["n_moves"] > 0
    card = ModelStore(tmp_path).resolve("swept@1").card
    assert card["selection"]["n_trials"] == 5 + outcome["n_moves"]
    best = min(entries, key=lambda entry: (entry["score"], bool(entry["values"])))
    if "member" in best:
        schedule = card["training"]["schedule"]
        assert schedule[0]["step"] == 0
        assert schedule[-1]["values"] == best["values"]
        assert [one["step"] % 10 for one in schedule] == [0] * len(schedule)
    assert sweep(job, resume=True) == outcome
    assert journal_in(tmp_path).entries() == entries


@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_trials_of_two_workers_are_chosen_by_what_earlier_ones_reached(price_file, tmp_path):
    job = job_of(
        price_file, tmp_path, searcher="optuna", workers=2, n_trials=3, concurrent=1,
        scheduler="none",
    )  # fmt: skip
    outcome = sweep(job)
    assert (outcome["n_trials"], outcome["finished"]) == (3, 3)
    assert main_with(tmp_path, job, "n_trials=4", "--resume") == 0
    entries = journal_in(tmp_path).entries()
    assert len(entries) == 4
    assert len({str(entry["values"]) for entry in entries}) == 4


@pytest.mark.slow
def test_a_killed_sweep_resumes_and_runs_no_ended_trial_again(price_file, tmp_path):
    job = job_of(price_file, tmp_path, train=tiny(120, 10))
    command = command_of(tmp_path, job)
    environment = clean_environment()
    first = psutil.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    family = [first]

    def ended():
        return [
            path for path in tmp_path.glob(".sweeps/*/journal.jsonl") if Journal(path).entries()
        ]

    try:
        wait_for(ended, lambda: first.poll() is not None)
        family += first.children(recursive=True)
        first.kill()
        assert not (tmp_path / "swept").exists()
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()  # never another process that has the same number
    before = journal_in(tmp_path).entries()
    assert 1 <= len(before) < N_TRIALS
    second = subprocess.run(
        [*command, "--resume"], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=WAIT,
    )  # fmt: skip
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["n_trials"] == N_TRIALS
    after = journal_in(tmp_path).entries()
    assert after[: len(before)] == before
    assert len(after) == N_TRIALS
    told = [line for line in second.stderr.splitlines() if ": score " in line]
    assert len(told) == N_TRIALS - len(before)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"store": "/dev/null/store"}, "/dev/null/store"),
        ({"mlflow": "http://127.0.0.1:9"}, "mlflow must be a server that answers"),
    ],
)
def test_what_no_trial_could_write_to_is_refused_before_one_starts(
    price_file, tmp_path, capsys, given, words
):
    job = job_of(price_file, tmp_path).model_copy(update=given)
    assert main(command_of(tmp_path, job)[3:]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_sweep_that_was_never_begun_is_not_resumed(price_file, tmp_path, capsys):
    assert main([*command_of(tmp_path, job_of(price_file, tmp_path))[3:], "--resume"]) == 2
    assert "there is no sweep to resume" in capsys.readouterr().err


def command_of(directory, job):
    """The command of a job, from a file in the directory."""
    path = directory / "sweep.toml"
    document = job.model_dump(mode="json", exclude_defaults=True)
    values = {name: value for name, value in document.items() if name not in ("train", "space")}
    space = [f'"{key}" = {inline(value)}' for key, value in SPACE.items()]
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    path.write_text("\n".join([*lines, "[space]", *space, toml(document["train"])]))
    return [sys.executable, "-m", "ray_jobs.tune", "--json", "--config", str(path)]


def main_with(directory, job, setting, *options):
    return main([*command_of(directory, job)[3:], "--set", setting, *options])


def inline(table):
    return "{" + ", ".join(f"{name} = {json.dumps(value)}" for name, value in table.items()) + "}"
