"""Kubernetes manifests and the image: every name in them is one that exists."""

import importlib
import re
import shlex
import warnings
from pathlib import Path

import pytest
import yaml

from fingan.config import load_config
from ray_jobs.sweep import SweepJob

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    from ray.serve.schema import ServeDeploySchema

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted(DEPLOY.glob("*.yaml"))

# The fields that the manifests use, as KubeRay's ray.io/v1 and Kubernetes' pods name them; a key
# that is not here is a slip of the pen, or is to be looked up and added
POD = {
    "securityContext": {"runAsNonRoot", "runAsUser", "fsGroup"},
    "containers": [
        {
            "name": str, "image": str, "env": [{"name": str, "value": str}],
            "resources": {"requests": dict, "limits": dict},
            "securityContext": {"allowPrivilegeEscalation", "capabilities"},
            "volumeMounts": [{"name": str, "mountPath": str}],
        }
    ],
    "volumes": [{"name": str, "persistentVolumeClaim": {"claimName"}}],
}  # fmt: skip
TEMPLATE = {"spec": POD}
CLUSTER = {
    "rayVersion": str,
    "authOptions": {"mode"},
    "enableInTreeAutoscaling": bool,
    "autoscalerOptions": {"idleTimeoutSeconds"},
    "headGroupSpec": {"rayStartParams": dict, "template": TEMPLATE},
    "workerGroupSpecs": [
        {
            "groupName": str, "replicas": int, "minReplicas": int, "maxReplicas": int,
            "rayStartParams": dict, "template": TEMPLATE,
        }
    ],
}  # fmt: skip
SPECS = {
    "RayJob": {
        "entrypoint": str, "submissionMode": str, "backoffLimit": int,
        "shutdownAfterJobFinishes": bool, "ttlSecondsAfterFinished": int, "rayClusterSpec": CLUSTER,
    },
    "RayService": {"serveConfigV2": str, "rayClusterConfig": CLUSTER},
}  # fmt: skip


def check(document, schema, place="spec"):
    """Refuse keys that the schema lacks, values of another type, and keys that are missing."""
    if isinstance(schema, type):
        assert isinstance(document, schema), place
    elif isinstance(schema, list):
        assert isinstance(document, list), place
        for number, one in enumerate(document):
            check(one, schema[0], f"{place}[{number}]")
    elif isinstance(schema, set):
        assert set(document) <= schema, f"{place}: {set(document) - schema}"
    else:
        assert set(document) <= set(schema), f"{place}: {set(document) - set(schema)}"
        for name, value in document.items():
            check(value, schema[name], f"{place}.{name}")


def cluster_of(document):
    spec = document["spec"]
    return spec.get("rayClusterSpec") or spec["rayClusterConfig"]


def pods(document):
    cluster = cluster_of(document)
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


@pytest.fixture(params=MANIFESTS, ids=lambda path: path.stem)
def manifest(request):
    return yaml.safe_load(request.param.read_text())


def test_it_has_the_fields_that_kuberay_knows(manifest):
    assert manifest["apiVersion"] == "ray.io/v1"
    check(manifest["spec"], SPECS[manifest["kind"]])
    slipped = {**manifest["spec"], "entrypont": "x"}
    with pytest.raises(AssertionError, match="entrypont"):
        check(slipped, SPECS[manifest["kind"]])


def test_ray_asks_for_a_token_and_nothing_runs_as_root(manifest):
    assert cluster_of(manifest)["authOptions"] == {"mode": "token"}
    for pod in pods(manifest):
        assert pod["securityContext"]["runAsNonRoot"]
        (container,) = pod["containers"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert (
            container["resources"]["requests"].items() <= container["resources"]["limits"].items()
        )
        names = [volume["name"] for volume in pod["volumes"]]
        assert [mount["name"] for mount in container["volumeMounts"]] == names


def test_ray_s_version_is_the_one_that_is_installed_in_the_image(manifest):
    locked = re.search(r"^ray==(\S+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert cluster_of(manifest)["rayVersion"] == locked[1]


def test_the_service_is_the_one_of_the_shipped_configuration():
    shipped = yaml.safe_load((ROOT / "serve" / "config.yaml").read_text())
    manifest = yaml.safe_load((DEPLOY / "rayservice.yaml").read_text())
    served = yaml.safe_load(manifest["spec"]["serveConfigV2"])
    ServeDeploySchema.model_validate(served)
    assert served.pop("proxy_location") == "EveryNode"
    shipped.pop("proxy_location")
    assert served["http_options"].pop("host") == "0.0.0.0"  # of the pod
    shipped["http_options"].pop("host")
    ((own,), (ours,)) = served.pop("applications"), shipped.pop("applications")
    assert served == shipped
    assert own.pop("args") == {"store": "/models", "host": "0.0.0.0"}  # and so it needs keys
    ours.pop("args")
    assert own == ours
    module, name = own["import_path"].split(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_the_job_is_one_that_can_be_started():
    entry = yaml.safe_load((DEPLOY / "rayjob.yaml").read_text())["spec"]["entrypoint"]
    words = shlex.split(entry)
    assert words[:4] == ["python", "-m", "ray_jobs.tune", "--config"]
    settings = [words[number + 1] for number, word in enumerate(words) if word == "--set"]
    assert load_config(SweepJob, ROOT / words[4], settings).n_trials == 64


def test_the_image_is_made_of_what_is_there():
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [shlex.split(line)[1:-1] for line in lines if line.startswith("COPY ")]
    sources = [word for words in copied if not words[0].startswith("--from") for word in words]
    assert {"fingan", "ray_jobs", "serve", "requirements.lock"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
    kept = (ROOT / ".dockerignore").read_text().split()
    assert not set(kept) & set(sources)
    assert [line for line in lines if line.startswith("USER ")] == ["USER fingan"]
    (command,) = (line for line in lines if line.startswith("CMD "))
    assert importlib.util.find_spec(yaml.safe_load(command.removeprefix("CMD "))[2]) is not None
