"""Samplers scored on the same days, with errors that know the days overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import log_returns
from fingan.metrics.scoring_rules import energy_score
from fingan.scenarios.samplers import Sampler

Scores = Float[Tensor, " n_dates"]


@dataclass(frozen=True)
class Comparison:
    """Mean score of a sampler, beside a reference on the same days."""

    mean: float
    standard_error: float
    """Newey-West."""
    difference: float
    """From the reference; negative is better."""
    t: float
    """Diebold-Mariano statistic of the difference."""


def energy_scores(
    samplers: Mapping[str, Sampler],
    prices: pd.DataFrame,
    dates: Sequence[pd.Timestamp],
    horizon: int,
    n_paths: int,
    seed: int = 0,
) -> dict[str, Scores]:
    """Energy score of each sampler's summed log-returns, continued from each date.

    Args:
        samplers: By name; all of the same assets.
        prices: History and what followed; a sampler sees the rows up to each date alone.
        dates: Last days of the histories; ``horizon`` rows must follow each.
        horizon: Steps over which log-returns are summed.
        n_paths: Scenarios per date.
        seed: Of the scenarios; each date has its own, the same for all samplers.

    Returns:
        One score per date, in units of each asset's standard deviation of such sums over the
        rows up to the first date.
    """
    assets = list(next(iter(samplers.values())).assets)
    table = log_returns(prices[assets].set_axis(assets, axis=1))
    rows = table.dates.searchsorted(pd.DatetimeIndex([*dates]).as_unit("ns"), side="right")
    sums = table.values.unfold(0, horizon, 1).sum(-1)
    past = sums[: max(int(rows[0]) - horizon + 1, 2)]
    spread = torch.from_numpy(np.nanstd(past.numpy(), axis=0))
    scores: dict[str, list[Tensor]] = {name: [] for name in samplers}
    for number, (date, row) in enumerate(zip(dates, rows.tolist(), strict=True)):
        for name, sampler in samplers.items():
            drawn = sampler.sample(prices, horizon, n_paths, seed=seed + number, as_of=date)
            terminal = drawn.log_returns.double().sum(1) / spread
            scores[name].append(energy_score(terminal, sums[row] / spread))
    return {name: torch.stack(values) for name, values in scores.items()}


def compare(scores: Scores, reference: Scores, n_lags: int) -> Comparison:
    """Mean, error and Diebold-Mariano statistic of one sampler against another.

    Args:
        scores: One per date, in order of time; lower is better.
        reference: Of the other sampler on the same dates.
        n_lags: Dates over which forecasts overlap, at least.

    Source: Diebold & Mariano (1995), Comparing predictive accuracy; Newey & West (1987).
    """
    mean, error = _mean_and_error(scores, n_lags)
    difference, error_of_difference = _mean_and_error(scores - reference, n_lags)
    t = difference / error_of_difference if error_of_difference > 0 else 0.0
    return Comparison(mean, error, difference, t)


def _mean_and_error(values: Scores, n_lags: int) -> tuple[float, float]:
    from statsmodels.api import OLS

    sample = values.numpy()
    fitted = OLS(sample, np.ones(len(sample))).fit(
        cov_type="HAC", cov_kwds={"maxlags": n_lags, "use_correction": True}
    )
    return float(fitted.params[0]), float(fitted.bse[0])
