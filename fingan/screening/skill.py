"""Does a score order outcomes? Rank correlations over dates, with errors that know dates overlap.

Everything is a mean over dates: the assets of one date move together, so that a date is one
observation however many candidates it has.

Source: Grinold & Kahn (2000), Active portfolio management, chapter 6, for the information
coefficient; Newey & West (1987), A simple, positive semi-definite, heteroskedasticity and
autocorrelation consistent covariance matrix; Sun (2014), Let's fix it: fixed-b asymptotics versus
small-b asymptotics in heteroskedasticity and autocorrelation robust inference.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

COVERED = 0.95  # of the intervals
FEWEST_DATES = 12  # below which a mean over dates has no error worth printing
SHARE = 0.2  # of the candidates, bought at the top and sold at the bottom

Panel = Float[Tensor, "n_dates n_candidates"]  # NaN where there is nothing
Series = Float[Tensor, " n_dates"]  # in order of time


@dataclass(frozen=True)
class DateMean:
    """The mean of a series over dates, and what is known of its error."""

    estimate: float | None
    se: float | None
    t: float | None
    p: float | None
    """Of a mean of zero, two-sided."""
    lower: float | None
    upper: float | None
    """95 % interval."""
    n_dates: int
    note: str | None = None
    """Why something is missing."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        record = asdict(self)
        lower, upper, note = record.pop("lower"), record.pop("upper"), record.pop("note")
        record["ci"] = None if lower is None else [lower, upper]
        return record if note is None else record | {"note": note}


def lags_of(horizon: int, spacing: float, n_dates: int) -> int:
    """Lags for outcomes over ``horizon`` rows, ``spacing`` rows from one date to the next.

    Returns:
        Thrice the dates that an outcome overlaps with, and no fewer than the rule of thumb
        4 (n / 100)^(2/9). Bartlett weights halve the overlap's own correlations if they reach no
        further: of 60 dates whose outcomes overlap with two others, a zero mean is rejected at 5 %
        in 8 % of samples with the rule of thumb, and in 6.7 % so.

    Source: Newey & West (1994), Automatic lag selection in covariance matrix estimation; Lazarus,
        Lewis, Stock & Watson (2018), HAR inference: recommendations for practice, for long lags.
    """
    overlapping = math.ceil(horizon / spacing) - 1
    return min(max(3 * overlapping, int(4 * (n_dates / 100) ** (2 / 9))), max(n_dates - 1, 0))


def mean_over_dates(values: Series, n_lags: int) -> DateMean:
    """A mean with its Newey-West error, and Student's t at the degrees of freedom it has.

    Bartlett weights over ``n_lags``; the variance is divided by ``1 - b + b^2 / 3`` with
    ``b = (n_lags + 1) / n_dates``, which the estimated mean takes away, and the test has
    ``1.5 / b`` degrees of freedom: with a normal law in its place, a zero mean is rejected too
    often on some ten years of months.

    Args:
        values: One a date, in order of time; NaN is left out.
        n_lags: From :func:`lags_of`.

    Source: Newey & West (1987), equation 5; Sun (2014), section 4, for bias and degrees of freedom.
    """
    from scipy.stats import t as student

    sample = values[~values.isnan()].double()
    n_dates = len(sample)
    if n_dates == 0:
        return DateMean(None, None, None, None, None, None, 0, "no date has a value")
    mean = float(sample.mean())
    n_lags = min(n_lags, n_dates - 1)
    variance = _long_run_variance(sample, n_lags) / n_dates
    if n_dates < FEWEST_DATES:
        note = f"{n_dates} dates are too few for an error, {FEWEST_DATES} are needed"
        return DateMean(mean, None, None, None, None, None, n_dates, note)
    if variance <= 0:
        note = "every date has the same value"
        return DateMean(mean, 0.0, None, None, mean, mean, n_dates, note)
    error, law = math.sqrt(variance), student(_degrees_of_freedom(n_dates, n_lags))
    reach = float(law.isf((1 - COVERED) / 2)) * error
    p = float(2 * law.sf(abs(mean) / error))
    return DateMean(mean, error, mean / error, p, mean - reach, mean + reach, n_dates)


def rank_ic(scores: Panel, outcomes: Panel) -> Series:
    """Spearman's correlation of scores and outcomes across the candidates, date by date.

    Args:
        scores: Known at the date; higher is better.
        outcomes: What followed.

    Returns:
        NaN on a date with fewer than three candidates, or whose scores are all equal.

    Source: Spearman (1904); Grinold & Kahn (2000), chapter 6, with ranks. Ties have mean ranks.
    """
    from scipy.stats import rankdata

    correlations = []
    for score, outcome in zip(scores, outcomes, strict=True):
        known = ~(score.isnan() | outcome.isnan())
        if int(known.sum()) < 3:
            correlations.append(math.nan)
            continue
        ranks = torch.stack([score[known], outcome[known]]).double().numpy()
        x, y = torch.from_numpy(rankdata(ranks, axis=1))
        x, y = x - x.mean(), y - y.mean()
        norm = float(x.norm() * y.norm())
        correlations.append(float(x @ y) / norm if norm > 0 else math.nan)
    return torch.tensor(correlations, dtype=torch.float64)


def information_ratio(coefficients: Series) -> float | None:
    """Mean IC over its standard deviation from date to date (ICIR), not annualised."""
    known = coefficients[~coefficients.isnan()]
    if len(known) < FEWEST_DATES or float(known.std()) == 0:
        return None
    return float(known.mean() / known.std())


def minimum_detectable_ic(error: float | None) -> dict[str, float | None]:
    """The mean IC that such an error would show at t = 2, and at the t = 3 of a new effect.

    Source: Harvey, Liu & Zhu (2016), ... and the cross-section of expected returns, for t >= 3.
    """
    return {f"t{t}": None if error is None else t * error for t in (2, 3)}


def dates_needed(coefficient: float, n_assets: int, t: float = 2.0) -> int:
    """Independent dates until a mean rank IC shows at ``t``, were the assets independent.

    Optimistic: assets that move together are worth fewer.

    Source: Kendall (1938) and Hotelling & Pabst (1936): the variance of Spearman's coefficient of
        independent ranks is 1 / (n_assets - 1).
    """
    return math.ceil((t / coefficient) ** 2 / (n_assets - 1))


@dataclass(frozen=True)
class LongShort:
    """The best candidates bought and the worst sold at every date."""

    gross: Series
    """Return of each date, before costs."""
    turnover: Series
    """Weight traded at each date; 2 at the first, 4 where everything is turned round."""

    def net(self, costs_bps: float) -> Series:
        """Return of each date after costs."""
        return self.gross - self.turnover * costs_bps / 10_000

    def break_even_bps(self) -> float | None:
        """The cost of a traded unit that would take the whole mean return; None if it is a loss."""
        known = ~self.gross.isnan()
        traded = float(self.turnover[known].mean())
        earned = float(self.gross[known].mean())
        return 10_000 * earned / traded if earned > 0 and traded > 0 else None


def top_minus_bottom(scores: Panel, outcomes: Panel, share: float = SHARE) -> LongShort:
    """Equal weights of the best ``share`` less equal weights of the worst.

    Weights are held still from a date to the next; what moves them in between is not traded.
    """
    weights = torch.stack([_sides(row, share) for row in scores])
    gross = (weights * outcomes.nan_to_num()).sum(1)
    gross[outcomes.isnan().all(1)] = math.nan
    before = torch.cat([torch.zeros_like(weights[:1]), weights[:-1]])
    return LongShort(gross, (weights - before).abs().sum(1))


def deflated_sharpe(returns: Series, n_trials: int) -> float | None:
    """Probability that the true Sharpe ratio is above zero, after the best of many trials.

    The trials' own ratios are not kept: each is taken to scatter as that of a strategy without
    skill does over as many dates, ``1 / sqrt(n_dates)``.

    Returns:
        None with too few dates.

    Source: Bailey & Lopez de Prado (2014), The deflated Sharpe ratio, equation 9; Lo (2002), The
        statistics of Sharpe ratios, for the scatter without skill.
    """
    from skfolio.measures import expected_max_sharpe_ratio, probabilistic_sharpe_ratio

    known = returns[~returns.isnan()]
    if len(known) < FEWEST_DATES or float(known.std()) == 0:
        return None
    best = expected_max_sharpe_ratio(n_trials, 1 / math.sqrt(len(known)))
    return float(probabilistic_sharpe_ratio(known.numpy(), benchmark_sharpe_ratio=best))


def _sides(scores: Float[Tensor, " n_candidates"], share: float) -> Tensor:
    """Weights of one date: 1 in all bought, 1 in all sold."""
    weights = torch.zeros_like(scores)
    order = scores.nan_to_num(nan=-math.inf).argsort(stable=True)
    known = order[(~scores.isnan())[order]]
    n_each = min(max(1, round(share * len(known))), len(known) // 2)
    if n_each:
        weights[known[-n_each:]] = 1 / n_each
        weights[known[:n_each]] -= 1 / n_each
    return weights


def _long_run_variance(sample: Series, n_lags: int) -> float:
    centred, n_dates = sample - sample.mean(), len(sample)
    variance = float(centred @ centred)
    for lag in range(1, n_lags + 1):
        weight = 1 - lag / (n_lags + 1)
        variance += 2 * weight * float(centred[lag:] @ centred[:-lag])
    b = (n_lags + 1) / n_dates
    return variance / n_dates / (1 - b + b * b / 3)


def _degrees_of_freedom(n_dates: int, n_lags: int) -> float:
    return min(n_dates - 1.0, 1.5 * n_dates / (n_lags + 1))
