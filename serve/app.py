"""The service as an application of Ray Serve: ``serve run serve.app:build store=./models``."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ray import serve
from ray.serve import Application

from serve.on_ray.arguments import settings_of
from serve.on_ray.generator import Generator
from serve.on_ray.ingress import Ingress
from serve.on_ray.sizes import GENERATOR, INGRESS
from serve.places import placed
from serve.settings import ServiceSettings


def build(args: dict[str, str]) -> Application:
    """An ingress over generators.

    Args:
        args: Settings as ``key=value``, such as ``store=./models`` or ``limits.max_jobs=2``;
            ``config`` names a TOML file with more of them.

    Raises:
        ConfigError: If a setting does not exist or does not fit.
    """
    return bound(settings_of(args))


def bound(
    settings: ServiceSettings, generators: Mapping[str, Any] = MappingProxyType({})
) -> Application:
    """The two deployments.

    Args:
        settings: Of the service.
        generators: Options of their deployment that differ from ``GENERATOR``.
    """
    plain = placed(settings).model_dump(mode="json")
    generator = serve.deployment(Generator, name="Generator", **GENERATOR | dict(generators))
    ingress = serve.deployment(serve.ingress()(Ingress), name="Ingress", **INGRESS)
    return ingress.bind(plain, generator.bind(plain, time.time()))
