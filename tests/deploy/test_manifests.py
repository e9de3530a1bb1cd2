"""The Kubernetes manifests: known fields, pods that Kubernetes accepts, commands that exist."""

import importlib
import re
import shlex
import tomllib
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError

from fingan.config import load_config
from ray_jobs.job import TrainJob
from ray_jobs.sweep import SweepJob
from serve.on_ray.arguments import settings_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    from ray.serve.schema import ServeDeploySchema
    from ray.train.v2._internal.constants import (
        DEFAULT_WORKER_GROUP_START_TIMEOUT_S as DEFAULT_START_TIMEOUT,
    )
    from ray.train.v2._internal.constants import (
        WORKER_GROUP_START_TIMEOUT_S_ENV_VAR as START_TIMEOUT,
    )

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RAY_KINDS = ("raycluster", "rayjob", "rayjob-sweep", "rayservice")
KUBERNETES = "1.33"
IN_IMAGE = "/opt/fingan/"
SCHEMA = Draft202012Validator(yaml.safe_load((Path(__file__).parent / "kuberay.yaml").read_text()))


def manifest(name: str) -> dict[str, Any]:
    (document,) = yaml.safe_load_all((DEPLOY / f"{name}.yaml").read_text())
    return document


def cluster_of(document: dict[str, Any]) -> dict[str, Any]:
    spec = document["spec"]
    return spec.get("rayClusterSpec") or spec.get("rayClusterConfig") or spec


def groups(document: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = cluster_of(document)
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def containers(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in groups(document):
        yield from group["template"]["spec"]["containers"]


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


@pytest.fixture(params=RAY_KINDS)
def document(request) -> dict[str, Any]:
    return manifest(request.param)


def test_kuberay_knows_every_field(document):
    SCHEMA.validate(document)


def test_a_mistyped_field_is_refused(document):
    (group,) = cluster_of(document)["workerGroupSpecs"][:1]
    group["rayStartParms"] = {}
    with pytest.raises(ValidationError, match="rayStartParms"):
        SCHEMA.validate(document)


def test_kubernetes_accepts_every_pod(document):
    for group in groups(document):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, **group["template"]}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_kubernetes_refuses_a_mistyped_field_of_a_pod(document):
    template = groups(document)[0]["template"]
    template["spec"]["containers"][0]["livenesProbe"] = {}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, **template}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_the_claim_of_every_pod_is_made_and_shared(document):
    claim = manifest("models")
    kubernetes_validate.validate(claim, KUBERNETES, strict=True)
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for group in groups(document):
        (volume,) = group["template"]["spec"]["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    for container in containers(document):
        environment = {one["name"]: one["value"] for one in container["env"]}
        (mount,) = container["volumeMounts"]
        assert environment["FINGAN_STORE"] == mount["mountPath"]
        assert mount["name"] == volume["name"]


def test_ray_is_of_the_locked_version_and_asks_for_a_token(document):
    lock = (ROOT / "requirements.lock").read_text()
    (ray,) = re.findall(r"^ray==(.*)$", lock, re.MULTILINE)
    cluster = cluster_of(document)
    assert cluster["rayVersion"] == ray
    assert cluster["authOptions"]["mode"] == "token"


def test_images_are_of_this_version(document):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for container in containers(document):
        needs_gpu = "nvidia.com/gpu" in container["resources"]["limits"]
        assert container["image"] == f"fingan:{version}" + ("-gpu" if needs_gpu else "")


def test_no_pod_may_more_than_it_must(document):
    for group in groups(document):
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert not any("hostPath" in volume for volume in pod["volumes"])
    for container in containers(document):
        context = container["securityContext"]
        assert context == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_every_container_is_watched_and_bounded(document):
    for container in containers(document):
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        assert container["resources"]["requests"] == container["resources"]["limits"]


def test_the_head_trains_nothing_and_workers_come_with_work(document):
    cluster = cluster_of(document)
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert cluster["enableInTreeAutoscaling"] is True
    least = 1 if document["kind"] == "RayService" else 0
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] == least
        assert group["maxReplicas"] > least


@pytest.mark.parametrize("name", ["raycluster", "rayjob", "rayjob-sweep"])
def test_a_job_waits_for_the_nodes_that_it_makes_come(name):
    for container in containers(manifest(name)):
        (seconds,) = (one["value"] for one in container["env"] if one["name"] == START_TIMEOUT)
        assert int(seconds) > DEFAULT_START_TIMEOUT


@pytest.mark.parametrize("name", ["rayjob", "rayjob-sweep"])
def test_the_entry_point_exists(name, capsys):
    words = shlex.split(manifest(name)["spec"]["entrypoint"])
    module = option(words, "-m")
    assert words[:3] == ["python", "-m", module]
    config = ROOT / option(words, "--config").removeprefix(IN_IMAGE)
    assert config.is_file()
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main(["--help"])
    assert ended.value.code == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {word for word in words if word.startswith("--")} <= known


def test_the_training_job_fits_the_workers_of_its_cluster():
    document = manifest("rayjob")
    words = shlex.split(document["spec"]["entrypoint"])
    path = ROOT / option(words, "--config").removeprefix(IN_IMAGE)
    job = load_config(TrainJob, path, [f"workers={option(words, '--workers')}"])
    assert job.workers <= most_processors(document)


def test_the_sweep_fills_the_workers_of_its_cluster():
    document = manifest("rayjob-sweep")
    words = shlex.split(document["spec"]["entrypoint"])
    path = ROOT / option(words, "--config").removeprefix(IN_IMAGE)
    settings = [after for word, after in pairwise(words) if word == "--set"]
    job = load_config(SweepJob, path, settings)
    assert job.concurrent + 1 == most_processors(document)  # its own configuration beside them
    assert len(job.draws(job.n_trials)) == job.n_trials


def most_processors(document: dict[str, Any]) -> int:
    """Of all workers that may come."""
    return sum(
        int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
        * group["maxReplicas"]
        for group in cluster_of(document)["workerGroupSpecs"]
    )


def test_the_service_is_the_one_of_the_shipped_configuration():
    served = yaml.safe_load(manifest("rayservice")["spec"]["serveConfigV2"])
    shipped = yaml.safe_load((ROOT / "serve" / "config.yaml").read_text())
    ServeDeploySchema.model_validate(served)
    args = served["applications"][0].pop("args"), shipped["applications"][0].pop("args")
    assert args[0].keys() - args[1].keys() == {"require_keys", "allow_hosts"}
    assert args[1].keys() == {"store"}
    assert served["http_options"].pop("host") == "0.0.0.0"
    assert served.pop("proxy_location") == "EveryNode"  # a worker's probe asks its own proxy
    shipped["http_options"].pop("host")
    shipped.pop("proxy_location")
    assert served == shipped


def test_every_pod_of_the_service_has_the_environment_that_its_configuration_asks_for():
    head = (ROOT / "serve" / "config.yaml").read_text().partition("proxy_location:")[0]
    asked = dict(re.findall(r"((?:RAY_SERVE|MALLOC)_\w+)=(\w+)", head))
    assert {"MALLOC_ARENA_MAX", "RAY_SERVE_THROUGHPUT_OPTIMIZED"} < asked.keys()
    for container in containers(manifest("rayservice")):
        environment = {one["name"]: one["value"] for one in container["env"]}
        assert asked.items() <= environment.items()


def test_the_service_asks_for_keys():
    served = yaml.safe_load(manifest("rayservice")["spec"]["serveConfigV2"])
    settings = settings_of(served["applications"][0]["args"])
    assert settings.needs_keys
    assert settings.store == "/models"
    assert settings.allow_hosts[0] == manifest("rayservice")["metadata"]["name"] + "-serve-svc"


def test_the_service_fits_its_workers():
    document = manifest("rayservice")
    served = yaml.safe_load(document["spec"]["serveConfigV2"])
    (group,) = cluster_of(document)["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    cpus = int(container["resources"]["limits"]["cpu"])
    ingress, generator = served["applications"][0]["deployments"]
    least = ingress["ray_actor_options"]["num_cpus"] + (
        generator["autoscaling_config"]["min_replicas"] * generator["ray_actor_options"]["num_cpus"]
    )
    assert least <= cpus * group["minReplicas"]
    assert served["http_options"]["port"] in {one["containerPort"] for one in container["ports"]}
