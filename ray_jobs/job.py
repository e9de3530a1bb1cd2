"""What a training job is: a TOML file with the job's own keys, and the model's under ``[train]``.

Workers, accelerators and places belong to the job; everything that determines the model beside
its data stands in ``[train]``. So one configuration is one model, on one worker or on eight.
"""

import datetime as dt
from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from fingan.config import Config
from fingan.data.options import DateOrder, Decimal, Duplicates, Kind, Layout
from fingan.training.config import TrainConfig


class ReadingConfig(Config):
    """How the price file is to be read; what is not given is detected."""

    layout: Layout | None = None
    """Form of the table."""

    kind: Kind | None = None
    """Meaning of the values; prices if neither given nor said by the file."""

    column: str | None = None
    """The column that holds the values, as the file spells it."""

    asset: str | None = None
    """Name of the only asset, where the file does not name it."""

    date_order: DateOrder | None = None
    """Order of day, month and year in dates like 03/04/2020."""

    decimal: Decimal | None = None
    """The decimal sign."""

    scale: float = 1.0
    """Factor on every value; 0.01 for returns in percent."""

    duplicates: Duplicates = "refuse"
    """What happens to one date with two different values."""

    allow_negative: bool = False
    """Prices may be zero or negative; they are then levels."""


class TrainJob(Config):
    """One model to train, and the workers to train it with."""

    prices: str
    """A price file, a path or URL; or sp500-20, sp500-index (bundled)."""

    name: str
    """The model is published as the next version of this name."""

    store: str | None = None
    """The model store, a directory or URL (a directory must be the same on every node); default
    ``FINGAN_STORE``, else ``./models``."""

    until: dt.date | None = None
    """The last date that training may see."""

    workers: PositiveInt = 2
    """Processes that share each batch, of one thread or one GPU each."""

    min_workers: PositiveInt | None = None
    """Elastic training: with how few it starts, and goes on when a node is lost; default all. It
    grows back when there is room. The batch stays the same."""

    use_gpu: bool = False
    """Whether each worker trains on a GPU."""

    mlflow: str | None = None
    """URI of an MLflow server or database that gets the metrics too; TensorBoard's are always
    written."""

    max_failures: NonNegativeInt = Field(default=3, le=1000)
    """How often workers are started again, from the last checkpoint, after one has died."""

    reading: ReadingConfig = ReadingConfig()
    """How the price file is to be read."""

    train: TrainConfig = TrainConfig()
    """The model."""

    @model_validator(mode="after")
    def _workers_fit(self) -> Self:
        if self.train.batch_size < self.workers:
            raise ValueError(
                "train.batch_size must be at least the number of workers,"
                f" got {self.train.batch_size} for {self.workers} workers"
            )
        if self.min_workers is not None and self.min_workers > self.workers:
            raise ValueError(
                f"min_workers must be at most workers, {self.workers}, got {self.min_workers}"
            )
        return self

    @property
    def team(self) -> int | tuple[int, int]:
        """The number of workers as Ray Train takes it: fixed, or from the least to the most."""
        fewest = self.min_workers or self.workers
        return self.workers if fewest == self.workers else (fewest, self.workers)
