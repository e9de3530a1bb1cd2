"""A model trained again while it walks through time, as one sampler."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from fingan.data.returns import ReturnTable, end_of
from fingan.errors import RequestError
from fingan.pipeline import refit
from fingan.scenarios.present import AsOf
from fingan.scenarios.samplers import (
    Continuations,
    DrawBlock,
    Sampler,
    ScenarioRequest,
    TrainedSampler,
)
from fingan.scenarios.scenario_set import ScenarioSet, ScenarioStream


@dataclass(frozen=True)
class Walking:
    """From each date the newest model that was trained on rows up to it alone."""

    models: tuple[Sampler, ...]
    """In the order of their last training days."""

    @classmethod
    def of(
        cls,
        prices: pd.DataFrame,
        fit_rows: Sequence[int],
        first_row: int,
        fit: Callable[[pd.DataFrame], Sampler],
    ) -> "Walking":
        """Train at every row of a schedule, on the rows from ``first_row`` up to it.

        Args:
            prices: Table from ``read_prices``.
            fit_rows: Last rows of the trainings, rising.
            first_row: Of every training.
            fit: Gives a model of a table.
        """
        models = []
        for row in fit_rows:
            past = prices.iloc[first_row : row + 1]
            past.attrs = dict(prices.attrs)
            models.append(fit(past))
        return cls(tuple(models))

    def refitted(self, prices: pd.DataFrame, fit_rows: Sequence[int], first_row: int) -> "Walking":
        """The same networks, their filter fitted anew at every row of a schedule."""
        models: list[Sampler] = []
        for row in fit_rows:
            past = prices.iloc[first_row : row + 1]
            past.attrs = dict(prices.attrs)
            model = self.at(past.index[-1])
            assert isinstance(model, TrainedSampler)
            models.append(refit(model, past))
        return Walking(tuple(models))

    @property
    def reference(self) -> str:
        """Of the first model, and how many follow."""
        return f"{self.models[0].reference} and {len(self.models) - 1} later"

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the cube's last axis."""
        return self.models[0].assets

    @property
    def kind(self) -> str:
        """What the prices must be."""
        return self.models[0].kind

    @property
    def fitted_until(self) -> pd.Timestamp:
        """Last training day of the first model: after it every date has a model."""
        return self.models[0].fitted_until

    def stream(
        self,
        prices: pd.DataFrame,
        horizon: int,
        n_paths: int,
        *,
        seed: int = 0,
        as_of: AsOf = None,
        n_threads: int = 1,
    ) -> ScenarioStream:
        """Scenarios of the model of that date, drawn when they are read."""
        model = self.at(prices.index[-1] if as_of is None else end_of(as_of))
        return model.stream(prices, horizon, n_paths, seed=seed, as_of=as_of, n_threads=n_threads)

    def sample(
        self,
        prices: pd.DataFrame,
        horizon: int,
        n_paths: int,
        *,
        seed: int = 0,
        as_of: AsOf = None,
        n_threads: int = 1,
    ) -> ScenarioSet:
        """Scenarios in memory."""
        drawn = self.stream(prices, horizon, n_paths, seed=seed, as_of=as_of, n_threads=n_threads)
        return drawn.collect()

    def continuations(self, returns: ReturnTable) -> Continuations:
        """How each row of a table goes on, by the model of its date."""
        known: dict[int, Continuations] = {}

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            number = self._number(returns.dates[row])
            if number not in known:
                known[number] = self.models[number].continuations(returns)
            return known[number](row, request)

        return continued

    def at(self, date: pd.Timestamp) -> Sampler:
        """The newest model whose training had ended by a date.

        Raises:
            RequestError: If there was none yet.
        """
        return self.models[self._number(date)]

    def _number(self, date: pd.Timestamp) -> int:
        ends = [model.fitted_until for model in self.models]
        number = bisect_right(ends, date) - 1
        if number < 0:
            raise RequestError(
                f"a date must not lie before {ends[0]:%Y-%m-%d}, the end of the first training, got"
                f" {date:%Y-%m-%d}"
            )
        return number
