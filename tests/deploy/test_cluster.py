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
from pathlib import Path

import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
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


@pytest.fixture
def fake_cluster(config, tmp_path, tmp_path_factory) -> Iterator[dict[str, str]]:
    """A head whose autoscaler starts fake nodes of the file's types; what a driver must export."""
    if is_taken(PORT):
        pytest.skip(f"port {PORT}, which Ray's fake nodes insist on, is taken")
    place = tmp_path / "fake.yaml"
    place.write_text(yaml.safe_dump(on_fake_nodes(config)))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = inherited | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_FAKE_CLUSTER": "1",
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"),
        *(f"--port={PORT}", "--num-cpus=0", f"--autoscaling-config={place}"),
        *("--include-dashboard=false", "--object-store-memory=100000000"),
        f"--temp-dir={tmp_path_factory.mktemp('r')}",
    ]
    with (tmp_path / "log").open("wb") as log:
        head = psutil.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            end = time.monotonic() + START_SECONDS
            while not is_taken(PORT):
                assert head.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end
                time.sleep(0.1)
            yield environment
        finally:
            family = [head, *head.children(recursive=True)]
            for one in family:
                one.kill() if one.is_running() else None
            head.wait(30)


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
@pytest.mark.timeout(240)
def test_work_starts_the_worker_that_it_needs_and_no_other(config, fake_cluster):
    answer = subprocess.run(
        [sys.executable, "-c", ASK_FOR_WORKERS],
        env=fake_cluster,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    types = {name: kind["resources"] for name, kind in config["available_node_types"].items()}
    assert json.loads(answer.stdout.splitlines()[-1]) == {
        "gpu": types["gpu"],
        "cpu": types["cpu"] | {"GPU": 0},
        "nodes": 3,  # the head, which has no processor to give, and one of each
    }
