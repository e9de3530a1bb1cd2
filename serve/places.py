"""Settings that hold in any working directory: jobs and replicas start in one of their own."""

from pathlib import Path

from fingan.data.catalogue import is_bundled
from serve.settings import ServiceSettings


def placed(settings: ServiceSettings) -> ServiceSettings:
    """The same settings, each local place as an absolute path."""
    prices = {
        name: place if is_bundled(place) else _absolute(place)
        for name, place in settings.prices.items()
    }
    state = None if settings.state is None else _absolute(settings.state)
    places = {"store": _absolute(settings.store), "state": state, "prices": prices}
    return settings.model_copy(update=places)


def _absolute(place: str) -> str:
    return place if "://" in place else str(Path(place).resolve())
