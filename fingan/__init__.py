"""Learn how a market moves from a file of prices, and draw joint scenarios of its future.

    prices = fingan.read_prices("prices.csv")
    model = fingan.fit(prices)  # or fingan.load_model("equities@3")
    scenarios = model.sample(prices, horizon=20, n_paths=10_000, seed=7)
    scenarios.save("scenarios.parquet")

Each name is loaded when it is first asked for: ``import fingan`` alone is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fingan.client import Client, ServiceError
    from fingan.data.prices import inspect_prices, read_prices
    from fingan.data.returns import ReturnTable, log_returns
    from fingan.errors import FinganError, TrainingDivergedError
    from fingan.pipeline import baseline, fit, load_model, refit, train
    from fingan.portfolios.distribution import FinganDistribution
    from fingan.scenarios.samplers import Sampler
    from fingan.scenarios.scenario_set import ScenarioSet, ScenarioStream
    from fingan.scenarios.store import ModelStore
    from fingan.training.config import TrainConfig

__version__ = "0.1.0"

__all__ = [
    "Client",
    "FinganDistribution",
    "FinganError",
    "ModelStore",
    "ReturnTable",
    "Sampler",
    "ScenarioSet",
    "ScenarioStream",
    "ServiceError",
    "TrainConfig",
    "TrainingDivergedError",
    "__version__",
    "baseline",
    "fit",
    "inspect_prices",
    "load_model",
    "log_returns",
    "read_prices",
    "refit",
    "train",
]

_ROOMS = {
    "fingan.client": ("Client", "ServiceError"),
    "fingan.data.prices": ("inspect_prices", "read_prices"),
    "fingan.data.returns": ("ReturnTable", "log_returns"),
    "fingan.errors": ("FinganError", "TrainingDivergedError"),
    "fingan.pipeline": ("baseline", "fit", "load_model", "refit", "train"),
    "fingan.portfolios.distribution": ("FinganDistribution",),
    "fingan.scenarios.samplers": ("Sampler",),
    "fingan.scenarios.scenario_set": ("ScenarioSet", "ScenarioStream"),
    "fingan.scenarios.store": ("ModelStore",),
    "fingan.training.config": ("TrainConfig",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fingan' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
