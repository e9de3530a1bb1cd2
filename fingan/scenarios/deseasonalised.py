"""A classical law of returns without their time of day, which is put back into its paths.

The opponents know no hour. For intraday bars this is their fair form: the same pattern of
volatility over the day that a trained model divides out is divided out before they are fitted.

Source: Andersen & Bollerslev (1997), Intraday periodicity and volatility persistence in financial
markets, section 4, who find that GARCH says nothing sensible of returns with the pattern in them.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.scenarios.samplers import Continuations, DrawBlock, ScenarioRequest
from fingan.volatility.time_of_day import TimeOfDay, fit_time_of_day


class Law(Protocol):
    """How returns go on, once fitted."""

    def continuations(self, returns: ReturnTable) -> Continuations:
        """How each row of a table of log-returns goes on."""


def time_of_day_of(table: ReturnTable) -> TimeOfDay:
    """The pattern of volatility over the day of a table of log-returns."""
    return fit_time_of_day(ReturnScaler.fit(table).transform(table.values), table.dates)


def without_time_of_day(table: ReturnTable, time_of_day: TimeOfDay) -> ReturnTable:
    """The returns of a table in units of their time of day."""
    return replace(table, values=table.values / time_of_day.of(table.dates))


@dataclass(frozen=True)
class Deseasonalised:
    """A law of returns in units of their time of day."""

    law: Law
    time_of_day: TimeOfDay

    def continuations(self, returns: ReturnTable) -> Continuations:
        """Each row goes on as the law's, every step with the factor of its time of day."""
        inner = self.law.continuations(without_time_of_day(returns, self.time_of_day))

        def continued(row: int, request: ScenarioRequest) -> DrawBlock:
            draw_plain = inner(row, request)
            dates = returns.dates[: row + 1]
            factors = self.time_of_day.following(dates, request.horizon).float()

            def draw(first: int, n_blocks: int = 1) -> Tensor:
                return torch.mul(draw_plain(first, n_blocks), factors)

            return draw

        return continued
