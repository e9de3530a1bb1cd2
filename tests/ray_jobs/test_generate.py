"""Bulk scenarios: the numbers of one call, in files that appear whole; one cluster for all."""

import hashlib
import json

import pyarrow.parquet as pq
import pytest

import ray_jobs.generate
import ray_jobs.tasks
from fingan.errors import FinganError
from fingan.pipeline import load_model
from ray_jobs.bulk import GenerateJob
from ray_jobs.generate import generate, main

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),  # Ray's own
]


@pytest.fixture
def job(tiny_model, tmp_path):
    return GenerateJob(
        model="tiny", store=tiny_model.store, out=str(tmp_path / "out"), horizon=3,
        n_paths=2_500, seed=11, paths_per_file=600,
    )  # fmt: skip


def whole(job, **given):
    sampler = load_model("tiny", job.store)
    stream = sampler.stream(None, job.horizon, job.n_paths, seed=job.seed)
    return stream.collect().to_arrow(**given)


@pytest.mark.usefixtures("ray_session")
def test_files_hold_the_paths_of_one_call_and_only_missing_ones_are_drawn_again(job, tmp_path):
    outcome = generate(job)
    assert (outcome["model"], outcome["files"], outcome["paths"]) == ("tiny@1", 5, 2_500)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [one["first_path"] for one in manifest["files"]] == [0, 600, 1200, 1800, 2400]
    assert sum(one["paths"] for one in manifest["files"]) == 2_500
    paths = [tmp_path / "out" / one["name"] for one in manifest["files"]]
    for path, entry in zip(paths, manifest["files"], strict=True):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert path.stat().st_size == entry["bytes"]
    written = pq.ParquetDataset(paths).read()
    assert written.equals(whole(job).cast(written.schema))

    untouched = {path: path.stat().st_mtime_ns for path in paths[1:]}
    first = paths[0].read_bytes()
    paths[0].unlink()
    (tmp_path / "out" / "manifest.json").unlink()
    assert generate(job, resume=True) == outcome
    assert paths[0].read_bytes() == first
    assert {path: path.stat().st_mtime_ns for path in paths[1:]} == untouched

    other = job.model_copy(update={"out": str(tmp_path / "other"), "workers": 1})
    generate(other)
    for path in paths:
        assert (tmp_path / "other" / path.name).read_bytes() == path.read_bytes()


@pytest.fixture
def no_ray(monkeypatch):
    monkeypatch.setattr(ray_jobs.tasks, "connect", lambda **_: pytest.fail("Ray was started"))


@pytest.mark.usefixtures("no_ray")
def test_a_directory_of_something_else_is_refused(job, tmp_path):
    with pytest.raises(FinganError, match="there is nothing to resume"):
        generate(job, resume=True)
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / "letter.txt").touch()
    with pytest.raises(FinganError, match=r"must be an empty directory, but .* has letter\.txt"):
        generate(job)


@pytest.mark.usefixtures("no_ray")
def test_another_request_is_not_mixed_in(job, monkeypatch):
    monkeypatch.setattr(ray_jobs.generate, "_written", lambda *_: iter(()))
    generate(job)
    with pytest.raises(FinganError, match="or a part of it; go on with --resume"):
        generate(job)
    other = job.model_copy(update={"seed": 12})
    with pytest.raises(FinganError, match="but it differs in seed"):
        generate(other, resume=True)


@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("model=nobody", "model 'nobody' is not in store"),
        ("horizon=0", "'horizon' must be greater than 0, got 0"),
        ('assets=["CAT"]', "asset 'CAT' is not in"),
        ("as_of=1990-01-01", "as_of must lie within"),
        ("n_path=3", "did you mean 'n_paths'?"),
    ],
)
def test_a_mistake_is_one_sentence_before_ray_starts(job, tmp_path, capsys, setting, words):
    path = tmp_path / "generate.toml"
    path.write_text(f'model = "tiny"\nout = "{job.out}"\nstore = "{job.store}"\n')
    assert main(["--config", str(path), "--set", setting]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert words in line
