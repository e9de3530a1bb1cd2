import warnings
from pathlib import Path

import pytest
import yaml

from fingan.config import ConfigError
from serve.on_ray.arguments import settings_of
from serve.on_ray.front import closed
from serve.on_ray.sizes import GENERATOR, INGRESS
from serve.settings import ServiceSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    from ray.serve._private.haproxy_templates import HAPROXY_CONFIG_TEMPLATE
    from ray.serve.schema import ServeDeploySchema

    from serve.on_ray.ingress import closed_beyond_loopback

CONFIG = Path(__file__).parents[2] / "serve" / "config.yaml"


def test_the_configuration_that_ray_writes_is_closed():
    written = HAPROXY_CONFIG_TEMPLATE.replace("{{ config.metrics_port }}", "9101")
    written = written.replace("{{ config.stats_port }}", "8404")
    written = written.replace("{{ config.frontend_host }}:{{ config.frontend_port }}", "*:8000")
    config = closed(written, Path("/tmp/x"), 2_000, None)
    http = config[: config.index("frontend grpc_frontend")] + config[config.index("listen stats") :]
    binds = [line.split()[1] for line in http.splitlines() if line.strip().startswith("bind ")]
    assert sorted(bind.partition("@")[0] for bind in binds) == ["127.0.0.1:8000", "unix", "unix"]
    assert "mode 666" not in config
    assert "timeout http-request 2000ms" in config
    assert "status 404" not in config


def test_another_address_is_listened_on_where_it_is_asked_for():
    config = closed("frontend http_frontend\n    bind 127.0.0.1:8000\n", Path("/x"), 1, "0.0.0.0")
    assert "bind 0.0.0.0:8000" in config


def test_the_shipped_configuration_says_what_the_code_says():
    shipped = yaml.safe_load(CONFIG.read_text())
    schema = ServeDeploySchema.model_validate(shipped)
    assert schema.http_options.host == "127.0.0.1"
    (application,) = shipped["applications"]
    assert set(application) <= set(type(schema.applications[0]).model_fields)
    known = set(type(schema.applications[0].deployments[0]).model_fields)
    deployments = {entry.pop("name"): entry for entry in application["deployments"]}
    assert all(set(entry) <= known for entry in deployments.values())
    assert deployments == {"Ingress": INGRESS, "Generator": GENERATOR}
    settings_of(application["args"])


def test_arguments_are_settings():
    settings = settings_of({"store": "models", "limits.max_jobs": "2", "port": "0"})
    assert settings.limits.max_jobs == 2
    assert Path(settings.store) == Path("models").resolve()
    assert settings_of({"store": "s3://bucket/models"}).store == "s3://bucket/models"
    with pytest.raises(ConfigError, match=r"limits\.max_job"):
        settings_of({"limits.max_job": "2"})


@pytest.mark.parametrize(
    ("said", "host", "needs_keys"),
    [
        ({}, "127.0.0.1", False),
        ({}, "0.0.0.0", True),
        ({}, "10.0.0.7", True),
        ({"require_keys": True}, "127.0.0.1", True),
        ({"require_keys": False}, "0.0.0.0", False),  # the operator's word
    ],
)
def test_serve_that_listens_beyond_loopback_asks_for_keys(said, host, needs_keys):
    assert closed_beyond_loopback(ServiceSettings(**said), host).needs_keys == needs_keys
