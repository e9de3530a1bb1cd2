"""What the gates look at: paths from today, one step from every validation day, long histories."""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.calibration import Calibration, calibrate
from fingan.assessment.gate import N_HISTORIES
from fingan.assessment.outcomes import cut_outcomes, table_of
from fingan.data.returns import ReturnTable
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

N_PATHS = 512
PATH_DAYS = 64
HISTORY_DAYS, MIN_HISTORY_DAYS = 1_250, 500
MIN_PAST = 60  # rows before the first day of a history, for today's volatility
MAX_DAYS, MIN_DAYS = 750, 100  # of the validation span, one step ahead
MIN_DAYS_PER_ASSET = 5  # for the principal directions of the market

Paths = Float[Tensor, "n_paths n_steps n_assets"]
Returns = Float[Tensor, "n_days n_assets"]


@dataclass(frozen=True)
class Periods:
    """The training period, cut in two."""

    prices: pd.DataFrame
    """All of it, nothing after it."""
    training_last: pd.Timestamp
    """Last day that the weights were fitted on."""
    validation_first: pd.Timestamp
    """First day on which they were compared, an embargo later."""

    @property
    def training(self) -> pd.DataFrame:
        """The rows that the weights were fitted on."""
        rows = self.prices.loc[: self.training_last]
        rows.attrs = dict(self.prices.attrs)
        return rows

    @property
    def validation_last(self) -> pd.Timestamp:
        """Last day of the training period."""
        last: pd.Timestamp = self.prices.index[-1]
        return last


@dataclass(frozen=True)
class Histories:
    """The market's last days, and the model's own from the same day on."""

    market: Float[Tensor, "n_days n_assets"]
    synthetic: Float[Tensor, "n_histories n_days n_assets"]


@dataclass(frozen=True)
class Evidence:
    """Everything that the gates need of one model."""

    paths: Paths
    """From the last day of the training period."""
    training: Float[Tensor, "n_training n_assets"]
    """Days that the weights were fitted on."""
    validation: Float[Tensor, "n_validation n_assets"]
    calibration: Calibration | None
    """None where the validation span is too short."""
    n_directions: int
    """Principal directions that were measured; 0 where there are too few days or assets."""
    histories: Histories | None
    """None where the training period is too short."""


def gather(sampler: Sampler, periods: Periods, *, seed: int = 0) -> Evidence:
    """Draw what the gates look at.

    Args:
        sampler: The model.
        periods: Its training period.
        seed: Of all scenarios.
    """
    table = table_of(periods.prices, sampler.assets)
    training = table.until(periods.training_last).values
    directions = principal_directions(training)
    last = [periods.validation_last]
    (drawn,) = forecasts(sampler, periods.prices, last, PATH_DAYS, N_PATHS, seed=seed)
    return Evidence(
        paths=drawn.double(),
        training=training,
        validation=table.between(periods.validation_first, periods.validation_last).values,
        calibration=_calibration(sampler, periods, directions, seed),
        n_directions=directions.shape[1],
        histories=_histories(sampler, periods.prices, table, seed),
    )


def principal_directions(returns: Returns) -> Float[Tensor, "n_assets n_directions"]:
    """Eigenvectors of the correlation, as weights on returns, by ascending variance.

    None where one asset has no correlation, or where there are too few days for the weakest.
    """
    joint = returns[~returns.isnan().any(1)]
    n_assets = returns.shape[1]
    if n_assets < 2 or len(joint) < max(MIN_DAYS, MIN_DAYS_PER_ASSET * n_assets):
        return returns.new_zeros(n_assets, 0)
    vectors = torch.linalg.eigh(torch.corrcoef(joint.T)).eigenvectors
    return vectors / joint.std(0).unsqueeze(1)


def _calibration(
    sampler: Sampler, periods: Periods, directions: Tensor, seed: int
) -> Calibration | None:
    outcomes = cut_outcomes(
        periods.prices,
        sampler.assets,
        periods.validation_first,
        periods.validation_last,
        (1,),
        MAX_DAYS,
    )
    if len(outcomes.dates) < MIN_DAYS:
        return None
    return calibrate(sampler, periods.prices, outcomes, directions, N_PATHS, seed=seed)


def _histories(
    sampler: Sampler, prices: pd.DataFrame, table: ReturnTable, seed: int
) -> Histories | None:
    n_days = min(HISTORY_DAYS, len(table.dates) - MIN_PAST)
    market = table.values[-n_days:]
    if n_days < MIN_HISTORY_DAYS or bool(market.isnan().any()):
        return None
    before = table.dates[-n_days - 1]
    (drawn,) = forecasts(sampler, prices, [before], n_days, N_HISTORIES, seed=seed)
    return Histories(market, drawn.double())
