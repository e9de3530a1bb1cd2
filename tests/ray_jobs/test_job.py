import json
from pathlib import Path

import pytest

from fingan.config import load_config
from fingan.errors import ConfigError
from ray_jobs.command import out_file
from ray_jobs.job import TrainJob
from ray_jobs.train import main

CONFIGS = Path(__file__).parents[2] / "ray_jobs" / "configs"


@pytest.fixture
def job_file(tmp_path, garch_prices):
    """A job on prices of its own, which nobody can train: a worker would take minutes."""
    prices = tmp_path / "prices.csv"
    garch_prices.to_csv(prices)
    path = tmp_path / "job.toml"
    path.write_text(f'prices = "{prices}"\nname = "mine"\nstore = "{tmp_path / "store"}"\n')
    return path


@pytest.fixture
def complaint(capsys, monkeypatch):
    """Run the command, which must end before it would start Ray; its exit code and one line."""
    monkeypatch.setattr("ray_jobs.train.connect", lambda **_: pytest.fail("Ray was started"))

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        return code, line

    return run


@pytest.mark.parametrize("name", ["demo", "smoke"])
def test_the_shipped_jobs_are_valid(name):
    assert load_config(TrainJob, CONFIGS / f"{name}.toml").workers == 2


def test_a_job_travels_as_json():
    job = load_config(TrainJob, CONFIGS / "smoke.toml")
    assert TrainJob.model_validate(json.loads(job.model_dump_json())) == job


def test_a_batch_that_the_workers_cannot_share_is_refused():
    with pytest.raises(ConfigError, match="be at least the number of workers, got 64 for 65"):
        load_config(TrainJob, CONFIGS / "smoke.toml", ["workers=65"])


@pytest.mark.parametrize(("fewest", "team"), [(None, 4), (4, 4), (1, (1, 4))])
def test_an_elastic_team_has_a_least_and_a_most(fewest, team):
    job = TrainJob.model_validate({"prices": "x", "name": "x", "workers": 4, "min_workers": fewest})
    assert job.team == team


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "train.stebs=3"], "did you mean 'train.steps'?"),
        (["--set", "wokers=3"], "did you mean 'workers'?"),
        (["--set", "train.steps=many"], "'train.steps' must be a valid integer, got 'many'"),
        (["--workers", "0"], "'workers' must be greater than 0, got 0"),
        (
            ["--workers", "129", "--set", "train.batch_size=128"],
            "train.batch_size must be at least the number of workers, got 128 for 129",
        ),
        (["--set", "min_workers=3"], "min_workers must be at most workers, 2, got 3"),
        (["--set", "prices=nowhere.csv"], "nowhere.csv: "),
        (["--set", "until=1990-01-01"], "until must not lie before the first row, 2015-01-02"),
        (["--set", "name=Mine!"], "Mine!"),
        (["--store", "/dev/null/store"], "/dev/null/store"),
        (["--set", "reading.layuot=wide"], "did you mean 'reading.layout'?"),
        (["--resume"], "there is no checkpoint to resume from"),
    ],
)
def test_a_mistake_is_one_sentence_before_a_worker_starts(complaint, job_file, arguments, words):
    code, line = complaint("--config", job_file, *arguments)
    assert code == 2
    assert line.startswith("error: ")
    assert words in line


def test_a_job_without_prices_or_name_is_refused(complaint, tmp_path):
    path = tmp_path / "job.toml"
    path.write_text("workers = 2\n")
    assert complaint("--config", path) == (
        2,
        f"error: {path}: 'prices' must be given (and 1 more)",
    )


def test_a_job_that_does_not_exist_is_refused(complaint, tmp_path):
    code, line = complaint("--config", tmp_path / "absent.toml")
    assert code == 2
    assert "absent.toml: no such file" in line


def test_a_relative_store_of_a_submitted_job_is_noted(capsys, job_file, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    monkeypatch.chdir(tmp_path)
    assert main(["--config", str(job_file), "--store", "models", "--resume"]) == 2
    note, _ = capsys.readouterr().err.splitlines()
    assert note.startswith(f"note: {tmp_path / 'models'} is in the job's working directory")


def test_a_relative_file_of_a_submitted_job_is_noted(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    monkeypatch.chdir(tmp_path)
    assert out_file("record.json") == str(tmp_path / "record.json")
    (note,) = capsys.readouterr().err.splitlines()
    assert note.endswith("give --out an absolute path or a URL to keep it")
