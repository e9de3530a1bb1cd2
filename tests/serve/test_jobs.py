"""Jobs: real processes, kept on disk; each wait ends with an event or a hard limit."""

import errno
import json
import shutil
import signal
import subprocess
import time

import psutil
import pytest
from starlette.testclient import TestClient

from fingan.audit import AuditTrail
from fingan.errors import StoreError
from fingan.keys import KeyRing
from serve.api import create_api
from serve.job import work
from serve.job_processes import ProcessRunner
from serve.jobs import JobDesk
from serve.local_backend import LocalBackend
from serve.problems import Problem
from serve.schemas import JobQuery
from serve.settings import Limits, ServiceSettings

pytestmark = pytest.mark.timeout(240)
LONG = {"model": "historical", "prices": "sp500-20", "n_paths": 2_000_000, "format": "csv"}


def wait_for(what, seconds=120.0):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


class HereRunner:
    """Works at once, in this thread."""

    def start(self, directory):
        work(directory)

    def is_alive(self, directory):
        return not (directory / "outcome.json").exists()

    def stop(self, directory):
        raise AssertionError(f"{directory} has ended already")

    def close(self):
        pass


class FullRunner(HereRunner):
    """Has no room for the first jobs that it is to start."""

    def __init__(self, n_failures):
        self.n_failures = n_failures

    def start(self, directory):
        if self.n_failures:
            self.n_failures -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        super().start(directory)


@pytest.fixture
def here(store, tmp_path):
    desk = JobDesk(tmp_path / "jobs", ServiceSettings(store=str(store)), HereRunner())
    yield desk
    desk.close()


def submitted(jobs, kind, key=None, **request):
    job = jobs.submit(JobQuery(kind=kind, request=request), key=key)
    return wait_for(lambda: (now := jobs.get(job["id"]))["ended"] and now)


def test_a_bulk_cube_is_the_file_that_the_library_writes(here, store, tmp_path):
    import fingan

    job = submitted(here, "scenarios", model="tiny", n_paths=1_500, horizon=4, format="parquet")
    assert job["state"] == "succeeded", job["problem"]
    assert job["progress"]["done"] == 1_500
    path, media_type, name = here.result(job["id"])
    assert media_type == "application/vnd.apache.parquet"
    assert name == f"{job['id']}.parquet"
    fingan.load_model("tiny", str(store)).stream(None, 4, 1_500).save(tmp_path / "own.parquet")
    assert path.read_bytes() == (tmp_path / "own.parquet").read_bytes()


def test_a_backtest_s_record_is_its_result(here, garch_prices, tmp_path, store):
    place = tmp_path / "prices.csv"
    garch_prices.to_csv(place)
    here.close()
    settings = ServiceSettings(store=str(store), prices={"garch": str(place)})
    jobs = JobDesk(tmp_path / "jobs2", settings, HereRunner())
    try:
        job = submitted(
            jobs, "backtest", model="tiny", prices="garch", n_paths=200, window=300,
            baselines=["historical"], levels=[0.95],
        )  # fmt: skip
        assert job["state"] == "succeeded", job["problem"]
        record = json.loads(jobs.result(job["id"])[0].read_text())
        assert record["kind"] == "backtest"
        assert record["model"] == job["reference"] == "tiny@2"
        assert job["model"] == "tiny"
        baseline = submitted(
            jobs, "backtest", model="gaussian", prices="garch", n_paths=200, window=300,
            baselines=["historical"], levels=[0.95], first="2017-06-01",
        )  # fmt: skip
        assert baseline["state"] == "succeeded", baseline["problem"]
        record = json.loads(jobs.result(baseline["id"])[0].read_text())
        assert record["model"] is None
        assert {row["sampler"] for row in record["rows"]} == {"gaussian", "historical"}
    finally:
        jobs.close()


def test_a_mistake_ends_a_job_with_its_words(here):
    job = submitted(here, "scenarios", model="nobody")
    assert job["state"] == "failed"
    assert "model 'nobody' is not in the store" in job["problem"]["detail"]
    with pytest.raises(Problem) as refused:
        here.result(job["id"])
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("kind", "body", "detail"),
    [
        ("scenarios", {"model": "tiny", "n_paths": 10**9}, "n_paths must be at most"),
        ("backtest", {"model": "tiny", "n_paths": 10**7, "horizon": 50}, "must be at most"),
        ("report", {"model": "tiny", "n_paths": 10**8}, "n_paths must be at most"),
        (
            "scenarios",
            {"model": "tiny", "layout": "tensor", "format": "csv"},
            "must not be 'tensor'",
        ),
        ("scenarios", {"model": "vine", "horizon": 5}, "'horizon' must be 1 for the baseline"),
        ("backtest", {"model": "tiny", "first": "x"}, "must be a date such as 2020-03-16, got 'x'"),
        ("evaluate", {"model": "fhs-gjr"}, "must be a trained one here"),
        ("screen-validation", {"model": "historical", "horizon": 5}, "must be a trained one"),
    ],
)
def test_what_no_job_may_ask_is_refused_before_it_is_one(here, desk, kind, body, detail):
    api = create_api(LocalBackend(desk), desk.settings, here)
    with TestClient(api, base_url="http://localhost") as client:
        answer = client.post("/v1/jobs", json={"kind": kind, "request": body})
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert here.every() == []


def test_a_job_that_would_fill_the_memory_fails_in_words(here):
    job = submitted(here, "backtest", model="tiny", n_paths=10**7, horizon=10)
    assert job["state"] == "failed"
    assert "paths x steps x assets must be at most 200,000,000 here" in job["problem"]["detail"]


def test_a_job_that_cannot_start_waits_for_the_next_turn(store, tmp_path, caplog):
    jobs = JobDesk(tmp_path, ServiceSettings(store=str(store)), FullRunner(3))
    try:
        job = jobs.submit(JobQuery(kind="scenarios", request={"model": "tiny", "n_paths": 100}))
        assert (job["state"], job["started"]) == ("queued", None)
        ended = wait_for(lambda: (now := jobs.get(job["id"]))["ended"] and now)
        assert ended["state"] == "succeeded"
        assert submitted(jobs, "scenarios", model="tiny", n_paths=200)["state"] == "succeeded"
    finally:
        jobs.close()
    (said,) = [record.message for record in caplog.records if record.name == "fingan.service"]
    assert "No space left on device" in said


def test_a_process_that_cannot_be_found_again_is_ended(tmp_path, monkeypatch):
    children = []
    popen = subprocess.Popen

    def start(*command, **options):
        children.append(popen(*command, **options))
        return children[0]

    def full(path):
        raise StoreError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("serve.job_processes.subprocess.Popen", start)
    monkeypatch.setattr("serve.job_processes.whole_file", full)
    with pytest.raises(StoreError, match="No space left"):
        ProcessRunner().start(tmp_path)
    assert [child.returncode for child in children] == [-signal.SIGKILL]


def test_a_key_of_idempotency_stands_for_one_request(here):
    first = submitted(here, "scenarios", "key-1", model="tiny", n_paths=100)
    again = submitted(here, "scenarios", "key-1", model="tiny", n_paths=100)
    assert again["id"] == first["id"]
    with pytest.raises(Problem) as refused:
        submitted(here, "scenarios", "key-1", model="tiny", n_paths=200)
    assert refused.value.code == "idempotency-conflict"
    assert len(here.every()) == 1


class IdleRunner:
    """Begins and never ends."""

    def start(self, directory):
        pass

    def is_alive(self, directory):  # noqa: ARG002 - of the protocol
        return True

    def stop(self, directory):
        pass

    def close(self):
        pass


def test_only_so_many_jobs_wait(desk, tmp_path):
    limits = Limits(max_waiting_jobs=2)
    settings = desk.settings.model_copy(update={"limits": limits})
    jobs = JobDesk(tmp_path, settings, IdleRunner())
    api = create_api(LocalBackend(desk), settings, jobs)
    asked = {"kind": "scenarios", "request": {"model": "tiny", "n_paths": 100}}
    try:
        with TestClient(api, base_url="http://localhost") as client:
            keyed = {"Idempotency-Key": "first"}
            places = [
                client.post("/v1/jobs", json=asked, headers=headers).headers["location"]
                for headers in (keyed, {}, {})
            ]
            assert client.post("/v1/jobs", json=asked, headers=keyed).status_code == 202
            refused = client.post("/v1/jobs", json=asked)
            assert refused.status_code == 429
            assert refused.json()["type"].endswith(":too-many-jobs")
            assert "at most 2 jobs may wait" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) > 0
            cancelled = client.delete(places[-1]).json()
            assert cancelled["state"] == "cancelled"
            assert cancelled["ended"] >= cancelled["created"]
            assert client.post("/v1/jobs", json=asked).status_code == 202
    finally:
        jobs.close()


def test_a_process_that_has_ended_leaves_no_zombie(tmp_path):
    jobs = JobDesk(tmp_path, ServiceSettings(store=str(tmp_path / "store")), ProcessRunner())
    try:
        job = submitted(jobs, "scenarios", model="nobody")
        assert job["state"] == "failed"
        wait_for(lambda: not psutil.pid_exists(number_in(tmp_path / job["id"])), 20)
    finally:
        jobs.close()


def test_a_running_job_is_cancelled_with_its_process(tmp_path):
    jobs = JobDesk(tmp_path, ServiceSettings(store=str(tmp_path / "store")), ProcessRunner())
    try:
        identity = jobs.submit(JobQuery(kind="scenarios", request=LONG))["id"]
        wait_for(lambda: progress_of(jobs, identity))
        process = process_of(tmp_path / identity)
        cancelled = jobs.cancel(identity)
        assert cancelled["state"] == "cancelled"
        assert cancelled["ended"] > cancelled["started"]
        wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 20)
    finally:
        jobs.close()


def test_a_job_outlives_the_service_and_a_dead_one_starts_again(tmp_path):
    settings = ServiceSettings(store=str(tmp_path / "store"))
    jobs = JobDesk(tmp_path, settings, ProcessRunner())
    identity = jobs.submit(JobQuery(kind="scenarios", request=LONG))["id"]
    wait_for(lambda: progress_of(jobs, identity))
    process = process_of(tmp_path / identity)
    jobs.close()
    later = JobDesk(tmp_path, settings, ProcessRunner())
    try:
        assert later.get(identity)["state"] == "running"
        assert process.is_running()
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: number_in(tmp_path / identity) != process.pid, 60)
        wait_for(lambda: later.get(identity)["state"] == "running", 60)
        later.cancel(identity)
    finally:
        later.close()


def progress_of(jobs, identity):
    job = jobs.get(identity)
    assert job["problem"] is None, job
    return job["progress"]


def process_of(directory):
    wait_for((directory / "process").exists)
    return psutil.Process(number_in(directory))


def number_in(directory):
    return int((directory / "process").read_text().split()[0])


def test_jobs_over_http(desk, tmp_path):
    jobs = JobDesk(tmp_path / "jobs", desk.settings, HereRunner())
    api = create_api(LocalBackend(desk), desk.settings, jobs, audit=AuditTrail(tmp_path))
    try:
        with TestClient(api, base_url="http://localhost") as client:
            asked = {"kind": "scenarios", "request": {"model": "tiny", "n_paths": 300}}
            answer = client.post("/v1/jobs", json=asked)
            assert answer.status_code == 202
            place = answer.headers["location"]
            wait_for(lambda: client.get(place).json()["state"] == "succeeded")
            whole = client.get(f"{place}/result").content
            part = client.get(f"{place}/result", headers={"Range": "bytes=10-19"})
            assert (part.status_code, part.content) == (206, whole[10:20])
            (listed,) = client.get("/v1/jobs").json()["jobs"]
            alone = client.get(place).json()
            assert alone.pop("request") == asked["request"]
            assert listed == alone
            assert (listed["id"], listed["model"]) == (place.rpartition("/")[2], "tiny")
            asked["request"]["n_path"] = 3
            refused = client.post("/v1/jobs", json=asked)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/n_path")
            for refused in (
                client.post("/v1/jobs?foo=1", json=asked),
                client.get("/v1/jobs?foo=1"),
            ):
                assert refused.status_code == 422
                assert "parameter 'foo' must not be given" in refused.json()["detail"]
            assert client.get("/v1/jobs/job_0000000000000000").status_code == 404
            assert client.get("/v1/jobs/..%2f..").status_code == 404
            assert client.delete(place).json()["state"] == "succeeded"
    finally:
        jobs.close()
        shutil.rmtree(tmp_path / "jobs")


def test_a_key_sees_its_own_jobs_and_an_admin_s_key_all(desk, tmp_path):
    keys = KeyRing(tmp_path)
    jobs = JobDesk(tmp_path / "jobs", desk.settings, HereRunner())
    settings = desk.settings.model_copy(update={"require_keys": True})
    api = create_api(LocalBackend(desk), settings, jobs, keys, AuditTrail(tmp_path))
    scopes = {"mine": ("read", "generate"), "other": ("read", "generate"), "all": ("admin",)}
    mine, other, everybody = (
        {"Authorization": f"Bearer {keys.create(name, given)[0]}"} for name, given in scopes.items()
    )
    try:
        with TestClient(api, base_url="http://localhost") as client:
            asked = {"kind": "scenarios", "request": {"model": "tiny", "n_paths": 300}}
            place = client.post("/v1/jobs", json=asked, headers=mine).headers["location"]
            wait_for(lambda: client.get(place, headers=mine).json()["state"] == "succeeded")
            for path in (place, f"{place}/result"):
                assert client.get(path, headers=other).status_code == 404
                assert client.get(path, headers=mine).status_code == 200
                assert client.get(path, headers=everybody).status_code == 200
            assert client.delete(place, headers=other).status_code == 404
            assert client.get("/v1/jobs", headers=other).json()["jobs"] == []
            assert len(client.get("/v1/jobs", headers=everybody).json()["jobs"]) == 1
    finally:
        jobs.close()


def test_a_job_that_is_half_deleted_is_none(tmp_path):
    desk = JobDesk(tmp_path, ServiceSettings(store=str(tmp_path / "store")), HereRunner())
    (tmp_path / "job_0123456789abcdef").mkdir()
    assert desk.every() == []
    with pytest.raises(Problem, match="there is no job"):
        desk.get("job_0123456789abcdef")
