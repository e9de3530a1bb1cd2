"""``cluster.yaml`` is one that Ray's launcher takes, and its workers come when they are needed."""

import contextlib
import os
import socket
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import psutil
import pytest
import yaml
from ray_trials import WAIT, wait_for

ROOT = Path(__file__).parents[2]
HEAD_ID = "f" * 51 + "00000"  # by which the fake provider knows the head
EMPTY = (
    ("auth", {}), ("docker", {}), ("file_mounts", {}), ("head_node", {}), ("worker_nodes", {}),
    ("cluster_synced_files", []), ("file_mounts_sync_continuously", False),
    ("initialization_commands", []), ("setup_commands", []), ("head_setup_commands", []),
    ("worker_setup_commands", []), ("head_start_ray_commands", []),
    ("worker_start_ray_commands", []), ("rsync_exclude", []), ("rsync_filter", []),
)  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    return yaml.safe_load((ROOT / "cluster.yaml").read_text())


def checked(cluster):
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(deepcopy(cluster))
    validate_config(prepared)
    return prepared


def test_ray_s_launcher_takes_it(cluster):
    prepared = checked(cluster)
    assert prepared["head_node_type"] in prepared["available_node_types"]
    assert prepared["available_node_types"]["gpu_worker"]["resources"]["GPU"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"max_worker": 3},
        {"head_node_type": "haed"},
        {"max_workers": "many"},
        {"provider": {"type": "clouds"}},
    ],
)
def test_the_check_refuses_what_the_launcher_would_refuse(cluster, change):
    with pytest.raises(Exception, match=r"(?s)\S"):
        checked(cluster | change)


def test_it_holds_no_secret_and_opens_no_port(cluster):
    text = (ROOT / "cluster.yaml").read_text()
    assert "RAY_AUTH_MODE=token" in text
    assert "RAY_AUTH_TOKEN=" not in text
    assert "--dashboard-host=127.0.0.1" in text
    assert "0.0.0.0" not in text
    assert "aws_access_key" not in text.lower()
    assert "SecurityGroup" not in yaml.safe_dump(cluster)  # Ray's own: SSH from outside, no more


def test_what_it_runs_on_the_nodes_is_in_the_checkout(cluster):
    assert cluster["file_mounts"] == {"~/fingan": "."}
    (setup,) = [line for line in cluster["setup_commands"] if "make -C" in line]
    assert setup.startswith("make -C ~/fingan setup")
    assert "\nsetup:" in (ROOT / "Makefile").read_text()


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "what"), [("cpu_worker", "CPU"), ("gpu_worker", "GPU")])
def test_a_node_comes_when_a_task_needs_it(cluster, tmp_path, kind, what):
    """The launcher's own autoscaler on the file's node types, with nodes that are processes."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 6379)) == 0:
            pytest.skip("the fake provider needs port 6379, which is taken")
    types = {
        name: {
            "resources": one["resources"],
            "min_workers": one["min_workers"],
            "max_workers": min(1, one["max_workers"]),
            "node_config": {},
        }
        for name, one in cluster["available_node_types"].items()
    }
    config = {
        "cluster_name": "fake",
        "max_workers": 1,
        "idle_timeout_minutes": 1,
        "upscaling_speed": 1.0,
        "provider": {
            "type": "fake_multinode", "disable_node_updaters": True, "head_node_id": HEAD_ID,
        },
        "available_node_types": types,
        "head_node_type": cluster["head_node_type"],
        **dict(EMPTY),
    }  # fmt: skip
    path = tmp_path / "fake.yaml"
    path.write_text(yaml.safe_dump(config))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {
        "RAY_FAKE_CLUSTER": "1",
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "test-token-0123456789abcdef0123456789abcdef",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ray = Path(sys.executable).with_name("ray")
    head = psutil.Popen(
        [ray, "start", "--head", "--port=6379", "--num-cpus=0", f"--autoscaling-config={path}",
         "--include-dashboard=false", f"--temp-dir={tmp_path}/r", "--block"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(
            lambda: list((tmp_path / "r").glob("session_latest/logs/monitor.log")), ended(head)
        )
        asked = {"CPU": "num_cpus=1", "GPU": "num_gpus=1"}[what]
        program = (
            "import ray; ray.init(address='127.0.0.1:6379', logging_level='ERROR');"
            f"task = ray.remote({asked})(lambda: 7); print(ray.get(task.remote(), timeout={WAIT}));"
            f"print(ray.cluster_resources()['{what}'])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True,
            timeout=WAIT + 30,
        )  # fmt: skip
        answer, resources = done.stdout.split()
        assert answer == "7", done.stderr
        assert float(resources) == types[kind]["resources"][what]
    finally:
        for process in [*children(head), head]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        head.wait()


def ended(process):
    return lambda: process.poll() is not None


def children(process):
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
