"""The errors of fingan, drawn as a tree.

    FinganError                     the caller can mend this: exit code 2, HTTP 404 or 422
    ├── PriceDataError              a price file or table that cannot be trusted
    ├── UnknownAssetError           an asset that the model or the prices do not hold
    ├── ConfigError                 a configuration that does not exist or does not fit
    ├── RequestError                a horizon, a number of paths, a date out of range
    ├── InsufficientSupportError    a condition that too few of the model's paths meet
    ├── ModelNotFoundError          no such model or version in the store
    ├── ModelDamagedError           a model whose files are not the published ones
    ├── StoreError                  a place that cannot be read or written
    └── CheckpointError             a training run that cannot be resumed
    TrainingDivergedError           a loss or gradient that is no longer finite

A message says what must hold, what was given and where, and the mend if it is not plain.
"""


class FinganError(Exception):
    """The caller can mend this; its text is for people."""


class PriceDataError(FinganError):
    """A price file or table that cannot be trusted."""


class UnknownAssetError(FinganError):
    """An asset that the model or the prices do not hold."""


class ConfigError(FinganError):
    """A configuration that does not exist or does not fit."""


class RequestError(FinganError):
    """A request out of range: horizon, number of paths, date."""


class InsufficientSupportError(FinganError):
    """A condition that too few of the model's paths meet to say what goes with it."""


class ModelNotFoundError(FinganError):
    """No such model or version in the store."""


class ModelDamagedError(FinganError):
    """A model whose files are not the ones that were published."""


class StoreError(FinganError):
    """A place on disk or in a bucket that cannot be read or written."""


class CheckpointError(FinganError):
    """A training run that cannot be resumed from what is on disk."""


class TrainingDivergedError(Exception):
    """A loss or a gradient that is not finite: training stopped in that step.

    Args:
        step: The step, counted from 0.
        values: The terms of the objective in that step, averaged over the workers.
    """

    def __init__(self, step: int, values: dict[str, float]) -> None:
        terms = ", ".join(f"{name} {value:.6g}" for name, value in values.items())
        super().__init__(f"loss and gradients must be finite, got {terms} in step {step}")
        self.step = step
        self.values = values
