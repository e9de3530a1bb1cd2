"""``cluster.yaml`` as Ray reads it, and its node types under Ray's own autoscaler on fake nodes."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from fingan.scenarios.store import ModelStore

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PORT = 6379  # written into Ray's fake nodes
HEAD_TYPE = "ray.head.default"  # likewise
HEAD_ID = "f" * 51 + "00000"
START_SECONDS = 90
TOKEN = "test-token-0123456789abcdef0123456789abcdef"
MAPS = ("auth", "docker", "file_mounts", "head_node", "worker_nodes")
LISTS = (
    *("cluster_synced_files", "initialization_commands", "setup_commands"),
    *("head_setup_commands", "worker_setup_commands", "rsync_exclude", "rsync_filter"),
    *("head_start_ray_commands", "worker_start_ray_commands"),
)
ASK_FOR_WORKERS = """
import json, ray
ray.init(address="127.0.0.1:6379", log_to_driver=False)  # "auto" may find another's

@ray.remote
def place():
    return ray.get_runtime_context().get_node_id()

def resources_where(**asked):
    node = ray.get(place.options(**asked).remote(), timeout=60)
    (found,) = (one["Resources"] for one in ray.nodes() if one["NodeID"] == node)
    return {"CPU": found["CPU"], "GPU": found.get("GPU", 0)}

found = {"gpu": resources_where(num_cpus=1, num_gpus=1), "cpu": resources_where(num_cpus=8)}
print(json.dumps(found | {"nodes": sum(one["Alive"] for one in ray.nodes())}))
"""


@pytest.fixture
def config() -> dict:
    return yaml.safe_load((ROOT / "cluster.yaml").read_text())


@pytest.fixture
def place(tmp_path_factory) -> Path:
    """A directory with a short name: Ray's sockets lie in it, whose paths are 107 bytes at most."""
    return tmp_path_factory.mktemp("r")


def validated(config: dict) -> dict:
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(config)
    validate_config(prepared)
    return prepared


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_accepts_the_file(config):
    prepared = validated(config)
    assert prepared["head_node_type"] == "head"
    assert prepared["max_workers"] >= sum(
        kind["max_workers"] for kind in prepared["available_node_types"].values()
    )


@pytest.mark.filterwarnings("ignore")
def test_ray_refuses_a_mistyped_key(config):
    from jsonschema import ValidationError

    with pytest.raises(ValidationError, match="idle_timeout_minuts"):
        validated(config | {"idle_timeout_minuts": 5})


def test_nothing_runs_that_no_work_asked_for(config):
    types = config["available_node_types"]
    assert {kind["min_workers"] for kind in types.values()} == {0}
    assert types["head"]["resources"]["CPU"] == 0
    assert types["gpu"]["resources"]["GPU"] == 1
    assert "GPU" not in types["cpu"]["resources"]
    assert config["idle_timeout_minutes"] <= 15


def test_every_copied_path_stands_in_the_checkout(config):
    for target, source in config["file_mounts"].items():
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert target == f"~/fingan/{Path(source).name}"


def test_the_token_comes_from_a_file_and_stands_nowhere(config):
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    starts = config["head_start_ray_commands"][-1], config["worker_start_ray_commands"][-1]
    for start in starts:
        assert "RAY_AUTH_MODE=token" in start
    assert "RAY_AUTH_TOKEN" not in (ROOT / "cluster.yaml").read_text()


def test_every_machine_has_the_same_environment(config):
    starts = config["head_start_ray_commands"][-1], config["worker_start_ray_commands"][-1]
    head, worker = (set(re.findall(r"\b([A-Z_]+)=(\S+)", start)) for start in starts)
    assert head == worker
    for start in starts:  # a job's `python` is the one on the path
        assert start.startswith(". ~/fingan/.venv/bin/activate && ")
    assert dict(head)["FINGAN_STORE"].startswith("s3://")
    assert (
        int(dict(head)["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"]) > 60
    )  # machines must come first


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("which", ["head_start_ray_commands", "worker_start_ray_commands"])
def test_ray_start_knows_every_option(config, which):
    from ray.scripts.scripts import start

    (command,) = [line for line in config[which] if "ray start" in line]
    words = shlex.split(command[command.index("ray start") :])[2:]
    context = start.make_context("start", words)  # click refuses unknown options
    if which.startswith("head"):
        assert context.params["num_cpus"] == 0
        assert context.params["port"] == PORT
    else:
        assert context.params["address"] == f"$RAY_HEAD_IP:{PORT}"


def test_set_up_installs_what_stands_in_the_checkout(config):
    (command,) = config["setup_commands"]
    make, install = command.split(" && ")
    assert shlex.split(make) == ["make", "-C", "~/fingan", "setup"]
    path = shlex.split(install)[-1].removeprefix("~/fingan/")
    assert "~/fingan/deploy" in config["file_mounts"]
    pins = [line for line in (ROOT / path).read_text().splitlines() if not line.startswith("#")]
    assert all("==" in pin for pin in pins)
    dry_run = subprocess.run(
        ["make", "--dry-run", "--always-make", "setup"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-r requirements.lock" in dry_run.stdout
    for needed in ("Makefile", "pyproject.toml", "requirements.lock", "README.md"):
        assert f"~/fingan/{needed}" in config["file_mounts"]


@contextmanager
def fake_cluster(config: dict, place: Path, *options: str, **exported: str) -> Iterator[tuple]:
    """A head whose autoscaler starts fake nodes of the file's types; what a driver exports."""
    if is_taken(PORT):
        pytest.skip(f"port {PORT}, which Ray's fake nodes insist on, is taken")
    settings, log = place / "fake.yaml", place / "log"
    settings.write_text(yaml.safe_dump(on_fake_nodes(config)))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    reach = inherited | {
        "PATH": f"{BIN}:{os.environ['PATH']}",  # a job's `python` is the one that ray runs on
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_FAKE_CLUSTER": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = [
        *(str(BIN / "ray"), "start", "--head", "--block", f"--port={PORT}", "--num-cpus=0"),
        *(f"--autoscaling-config={settings}", "--object-store-memory=100000000"),
        *(f"--temp-dir={place}", *options),
    ]
    own = reach | {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID} | exported
    with log.open("wb") as sink:
        head = psutil.Popen(command, env=own, stdout=sink, stderr=sink)
    try:
        wait_for(PORT, head)
        yield head, reach
    finally:
        for one in [head, *head.children(recursive=True)]:
            one.kill() if one.is_running() else None
        head.wait(30)


def wait_for(port: int, head: psutil.Popen) -> None:
    end = time.monotonic() + START_SECONDS
    while not is_taken(port):
        assert head.poll() is None, "Ray ended"
        assert time.monotonic() < end, "Ray did not start"
        time.sleep(0.1)


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def on_fake_nodes(config: dict) -> dict:
    """The same node types and limits with Ray's fake provider in the place of AWS."""
    types = dict(config["available_node_types"])
    types[HEAD_TYPE] = types.pop(config["head_node_type"])
    fake = {
        name: {key: kind[key] for key in ("resources", "min_workers", "max_workers")}
        | {"node_config": {}}
        for name, kind in types.items()
    }
    kept = ("cluster_name", "max_workers", "upscaling_speed", "idle_timeout_minutes")
    return {
        **{name: config[name] for name in kept},
        **{name: {} for name in MAPS},
        **{name: [] for name in LISTS},
        "file_mounts_sync_continuously": False,
        "available_node_types": fake,
        "head_node_type": HEAD_TYPE,
        "provider": {
            "type": "fake_multinode",
            "disable_node_updaters": True,
            "head_node_id": HEAD_ID,
        },
    }


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_work_starts_the_worker_that_it_needs_and_no_other(config, place):
    with fake_cluster(config, place, "--include-dashboard=false") as (_, reach):
        answer = run([sys.executable, "-c", ASK_FOR_WORKERS], reach, seconds=150)
    assert answer.returncode == 0, answer.stderr
    types = {name: kind["resources"] for name, kind in config["available_node_types"].items()}
    assert json.loads(answer.stdout.splitlines()[-1]) == {
        "gpu": types["gpu"],
        "cpu": types["cpu"] | {"GPU": 0},
        "nodes": 3,  # the head, which has no processor to give, and one of each
    }


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(480)
def test_a_submitted_job_trains_on_a_machine_that_it_made_come(config, place):
    """The head has no processor: the job's workers need a machine that is not there yet."""
    config["available_node_types"]["cpu"]["resources"]["CPU"] = 2  # this machine's
    store, (dashboard, agent) = place / "store", (free_port(), free_port())
    options = (f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}")
    exported = {"FINGAN_STORE": str(store), "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300"}
    job = [
        *("python", "-m", "ray_jobs.train", "--config", "ray_jobs/configs/smoke.toml"),
        *("--set", "train.steps=50", "--set", "train.ensemble=1"),
    ]
    with fake_cluster(config, place, *options, **exported) as (head, reach):
        wait_for(dashboard, head)
        submit = [str(BIN / "ray"), "job", "submit", "--working-dir", str(ROOT), "--", *job]
        address = {"RAY_ADDRESS": f"http://127.0.0.1:{dashboard}"}
        answer = run(submit, reach | address, seconds=360)
    assert answer.returncode == 0, answer.stdout
    assert "Adding 1 node(s) of type cpu." in answer.stdout
    assert "gpu" not in answer.stdout
    assert [model.reference for model in ModelStore(store).list()] == ["smoke@1"]


def run(command: list[str], environment: dict, seconds: float) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
