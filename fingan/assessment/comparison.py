"""Mean scores beside a reference's on the same days, with errors that know the days overlap."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

Scores = Float[Tensor, " n_dates"]  # in order of time; lower is better


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


def compare(scores: Scores, reference: Scores, n_lags: int) -> Comparison:
    """Mean, error and Diebold-Mariano statistic of one sampler against another.

    Args:
        scores: One per date, in order of time; lower is better.
        reference: Of the other sampler on the same dates.
        n_lags: Dates over which forecasts overlap, at least.

    Source: Diebold & Mariano (1995), Comparing predictive accuracy; Newey & West (1987), A simple,
        positive semi-definite, heteroskedasticity and autocorrelation consistent covariance
        matrix.
    """
    mean, error = mean_and_error(scores, n_lags)
    difference, error_of_difference = mean_and_error(scores - reference, n_lags)
    t = difference / error_of_difference if error_of_difference > 0 else 0.0
    return Comparison(mean, error, difference, t)


def overlap(horizon: int, stride: int, n_dates: int) -> int:
    """Lags for scores of ``horizon`` steps from every ``stride``-th day.

    Args:
        horizon: Steps of each forecast.
        stride: Days from one forecast to the next.
        n_dates: Forecasts.

    Returns:
        Dates whose outcomes overlap, and no fewer than the rule of thumb 4 (n / 100)^(2/9).

    Source: Newey & West (1994), Automatic lag selection in covariance matrix estimation.
    """
    return max(-(-horizon // stride) - 1, int(4 * (n_dates / 100) ** (2 / 9)))


def mean_and_error(values: Scores, n_lags: int) -> tuple[float, float]:
    """Mean of a series, and its Newey-West standard error."""
    from statsmodels.api import OLS

    sample = values.numpy()
    fitted = OLS(sample, np.ones(len(sample))).fit(
        cov_type="HAC", cov_kwds={"maxlags": n_lags, "use_correction": True}
    )
    return float(fitted.params[0]), float(fitted.bse[0])
