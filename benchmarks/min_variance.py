"""CRPS of the minimum-variance portfolio, whose weights follow from the past alone.

On each starting day the weights are taken anew from the covariance of the last 1,000 days on which
every asset was observed, shrunk, without limits on short positions.

Source: Markowitz (1952), Portfolio selection; Ledoit & Wolf (2004), A well-conditioned estimator
for large-dimensional covariance matrices, for the shrinkage, as scikit-learn computes it.
"""

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.comparison import Scores
from fingan.assessment.outcomes import Outcomes, table_of
from fingan.metrics.scoring_rules import crps
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

MEASURE = "crps_min_variance"
WINDOW = 1_000  # days of the covariance

Weights = Float[Tensor, "n_dates n_assets"]


def min_variance_weights(
    prices: pd.DataFrame, assets: tuple[str, ...], dates: list[pd.Timestamp]
) -> Weights:
    """Weights that sum to 1 on each date, from the rows up to it.

    Args:
        prices: Table from ``read_prices``.
        assets: That may be held, long or short.
        dates: Last days of the histories.
    """
    from sklearn.covariance import ledoit_wolf

    table = table_of(prices, assets)
    whole = ~table.values.isnan().any(1)
    known, days = table.values[whole], table.dates[whole.numpy()]
    found = []
    for date in dates:
        end = int(days.searchsorted(date, side="right"))
        covariance, _ = ledoit_wolf(known[max(end - WINDOW, 0) : end].numpy())
        weights = torch.linalg.solve(torch.from_numpy(covariance), torch.ones(len(assets)).double())
        found.append(weights / weights.sum())
    return torch.stack(found)


def min_variance_scores(
    sampler: Sampler, prices: pd.DataFrame, outcomes: Outcomes, n_paths: int, *, seed: int
) -> dict[str, Scores]:
    """CRPS over each horizon, in standard deviations of the first day's portfolio in the past.

    The scenarios are those of ``forecast_scores`` with the same arguments.

    Args:
        sampler: Who draws.
        prices: History and what followed.
        outcomes: Starting days and what followed.
        n_paths: Scenarios per day.
        seed: Of the scenarios.
    """
    weights = min_variance_weights(prices, outcomes.assets, outcomes.dates)
    units = {h: (outcomes.gains(past) @ weights[0]).std() for h, past in outcomes.past.items()}
    scores: dict[str, list[Tensor]] = {}
    drawn = forecasts(sampler, prices, outcomes.dates, max(units), n_paths, seed=seed)
    for number, (cube, held) in enumerate(zip(drawn, weights, strict=True)):
        moves = cube.double().cumsum(1)
        for horizon, unit in units.items():
            gains = outcomes.gains(moves[:, horizon - 1]) @ held / unit
            gained = outcomes.gains(outcomes.sums[horizon][number]) @ held / unit
            scores.setdefault(f"{MEASURE}_{horizon}", []).append(crps(gains, gained))
    return {name: torch.stack(values) for name, values in scores.items()}
