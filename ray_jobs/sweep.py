"""What a sweep is: a training job, the values to try, and how trials are chosen and stopped."""

import contextlib
import math
import random
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from fingan.config import Config
from fingan.errors import RequestError
from fingan.training.config import TrainConfig
from ray_jobs.job import TrainJob

Value = bool | int | float | str
Values = dict[str, Any]
"""What a trial changes in the configuration, by dotted key."""

STEPS = (0.8, 1.2)  # by which a number of a population's member moves
MOST_DRAWS = 50  # for each trial that differs from all before
MOVABLE = ("adversarial.", "batch_size")  # what may change while networks train
FIXED = ("seed", "selection")  # the best seed is luck; another rule has other scores


class Dimension(Config):
    """The values that one key of the configuration may take: a list, or a range."""

    choices: tuple[Value, ...] = ()
    """Each as likely as the others."""

    low: float | None = None
    """Least value of a range."""

    high: float | None = None
    """Largest value of a range."""

    log: bool = False
    """Whether the range is even in logarithms."""

    integer: bool = False
    """Whether only whole numbers are tried."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        is_range = self.low is not None and self.high is not None
        if bool(self.choices) == is_range or (self.low is None) != (self.high is None):
            raise ValueError("a dimension must have either 'choices' or 'low' and 'high'")
        low, high = self.bounds
        if is_range and not low < high:
            raise ValueError(f"a range must rise, got {low:g} to {high:g}")
        if self.log and low <= 0:
            raise ValueError(f"a logarithmic range must begin above 0, got {low:g}")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of the range."""
        return self.low or 0.0, self.high or 0.0

    @property
    def extremes(self) -> tuple[Value, ...]:
        """Values that must fit the configuration: all choices, or both ends."""
        return self.choices or tuple(self._rounded(end) for end in self.bounds)

    def draw(self, source: random.Random) -> Value:
        """One value."""
        if self.choices:
            return source.choice(self.choices)
        low, high = self.bounds
        if self.log:
            return self._rounded(math.exp(source.uniform(math.log(low), math.log(high))))
        return self._rounded(source.uniform(low, high))

    def neighbour(self, value: Value, source: random.Random) -> Value:
        """A choice before or after, or a number a fifth less or more, within the range."""
        if self.choices:
            place = self.choices.index(value) + source.choice((-1, 1))
            return self.choices[min(max(place, 0), len(self.choices) - 1)]
        low, high = self.bounds
        moved = float(value) * source.choice(STEPS)
        return self._rounded(min(max(moved, low), high))

    def _rounded(self, value: float) -> Value:
        return round(value) if self.integer else value


class SweepJob(TrainJob):
    """Many models to train, each with other values; the best by the written rule is published."""

    space: dict[str, Dimension] = Field(min_length=1)
    """What is tried, by dotted key of ``[train]``, such as ``adversarial.learning_rate``."""

    n_trials: int = Field(default=20, gt=0, le=10_000)
    """Trials, the job's own configuration being the first."""

    concurrent: PositiveInt = 2
    """Trials that run at once; a population's members take whatever processors there are."""

    workers: PositiveInt = 1
    """Processes of one trial that share each batch; 1 trains in the trial's own process."""

    searcher: Literal["random", "optuna"] = "random"
    """``random``: independent draws; ``optuna``: a tree of Parzen estimators learns from trials."""

    scheduler: Literal["none", "asha", "pbt"] = "asha"
    """``asha`` stops trials that are behind after ``grace`` checks, then at each ``reduction``;
    ``pbt`` lets them go on from a better one's networks, after every ``perturb`` checks."""

    perturb: PositiveInt = 1
    """Checks after which the members of a population are compared."""

    grace: PositiveInt = 1
    """Checks that every trial may live to see."""

    reduction: int = Field(default=2, ge=2)
    """One trial in so many goes on."""

    seed: NonNegativeInt = 0
    """Of the draws, not of training."""

    @model_validator(mode="after")
    def _space_fits(self) -> Self:
        for key, dimension in self.space.items():
            if key.split(".")[0] in FIXED:
                raise ValueError(f"space must not hold '{key}': its trials could not be compared")
            for value in dimension.extremes:
                try:
                    self.configured({key: value})
                except ValueError as mistake:
                    line = str(mistake).splitlines()[-2 if "\n" in str(mistake) else -1].strip()
                    raise ValueError(f"space: {key} = {value!r} does not fit: {line}") from None
        return self

    @model_validator(mode="after")
    def _population_fits(self) -> Self:
        if self.scheduler != "pbt":
            return self
        if self.workers > 1 or self.searcher != "random":
            raise ValueError(
                "scheduler 'pbt' must have workers = 1 and searcher 'random', got"
                f" {self.workers} and '{self.searcher}'"
            )
        for key in self.space:
            if not key.startswith(MOVABLE) or key.startswith("adversarial.objective"):
                raise ValueError(
                    "scheduler 'pbt' must have a space of what may change while networks train,"
                    f" rates and penalties of 'adversarial' or 'batch_size', got '{key}'"
                )
        return self

    @property
    def n_checks(self) -> int:
        """Checks of the longest trial."""
        steps, ensemble = (
            self._most(key, getattr(self.train, key)) for key in ("steps", "ensemble")
        )
        return max(1, math.ceil(steps / self.train.selection.every)) * ensemble

    def _most(self, key: str, own: int) -> int:
        """The largest value of a whole number that any trial may have."""
        tried = self.space[key].extremes if key in self.space else ()
        return max([own, *map(int, tried)])

    def configured(self, values: Mapping[str, Any]) -> TrainConfig:
        """The configuration of a trial."""
        document = self.train.model_dump(mode="json")
        for key, value in values.items():
            *sections, last = key.split(".")
            section = document
            for name in sections:
                section = section.setdefault(name, {})
            section[last] = value
        found = TrainConfig.model_validate(document)
        if found.batch_size < self.workers:
            raise ValueError(
                f"batch_size must be at least workers, {self.workers}, got {found.batch_size}"
            )
        return found

    def drawn(self, number: int) -> Values:
        """The values of a trial of a random search, the job's own for 0; no two are alike.

        A function of the job's seed and the number.

        Raises:
            RequestError: If the space has no more that differ and fit.
        """
        return self.draws(number + 1)[number]

    def draws(self, n_draws: int) -> list[Values]:
        """The values of the first trials; see :meth:`drawn`."""
        found: list[Values] = [{}]
        seen = {self.train.model_dump_json()}
        for attempt in range(1, MOST_DRAWS * n_draws):
            if len(found) == n_draws:
                break
            source = random.Random(f"{self.seed}/{attempt}")
            values = {key: dimension.draw(source) for key, dimension in self.space.items()}
            with contextlib.suppress(ValueError):  # what does not fit together is not tried
                config = self.configured(values).model_dump_json()
                if config not in seen:
                    seen.add(config)
                    found.append(values)
        if len(found) < n_draws:
            raise RequestError(
                f"space must hold at least {n_draws} configurations that fit and differ, the"
                f" job's own among them, but {len(found)} were found; widen it or ask for fewer"
                " trials"
            )
        return found
