"""Are the probabilities true? Reliability, spread and hits of forecasts over dates.

Candidates of one date move together: every error here is of means over dates.

Source: Brier (1950), Verification of forecasts expressed in terms of probability; Gneiting &
Raftery (2007), Strictly proper scoring rules, prediction, and estimation; Neyman (1937), Smooth
test for goodness of fit.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.risk.backtest import diebold_mariano, holm
from fingan.screening.skill import DateMean, Panel, Series, mean_over_dates

COVERAGES = (0.5, 0.9, 0.95)


@dataclass(frozen=True)
class Reliability:
    """Stated probabilities of an event beside how often it happened."""

    brier: float
    brier_of_base_rate: float
    """Of always stating the share that happened, known afterwards."""
    slope: float | None
    """Of what happened on what was stated: 1 where probabilities are true, 0 where they say
    nothing."""
    slope_se: float | None
    slope_ci: tuple[float, float] | None
    stated: DateMean
    happened: DateMean
    note: str | None = None

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "brier": self.brier,
            "brier_of_base_rate": self.brier_of_base_rate,
            "brier_skill": 1 - self.brier / self.brier_of_base_rate
            if self.brier_of_base_rate > 0
            else None,
            "slope": self.slope,
            "slope_se": self.slope_se,
            "slope_ci": None if self.slope_ci is None else list(self.slope_ci),
            "stated": self.stated.record(),
            "happened": self.happened.record(),
        } | ({} if self.note is None else {"note": self.note})


def reliability(stated: Panel, happened: Panel, n_lags: int) -> Reliability | None:
    """Probabilities of events against the events.

    Args:
        stated: Probability of each event, in [0, 1].
        happened: 1 where it happened, 0 where not, NaN where nothing is known.
        n_lags: From ``lags_of``.

    Returns:
        None where nothing is known. The slope is the least-squares one of all candidates and
        dates, its error by the sum of its influence function over each date.

    Source: Brier (1950); Cox (1958), Two further applications of a model for binary regression,
        for the slope; Liang & Zeger (1986), Longitudinal data analysis using generalized linear
        models, for errors by cluster.
    """
    known = ~(stated.isnan() | happened.isnan())
    if not bool(known.any()):
        return None
    x, y = stated[known].double(), happened[known].double()
    rate = y.mean()
    by_date = [_where(panel, known).nanmean(1) for panel in (stated, happened)]
    slope, error = _slope(stated.double(), happened.double(), known, n_lags)
    return Reliability(
        brier=float((x - y).square().mean()),
        brier_of_base_rate=float(rate * (1 - rate)),
        slope=slope,
        slope_se=None if error is None else error.se,
        slope_ci=_around(slope, error),
        stated=mean_over_dates(by_date[0], n_lags),
        happened=mean_over_dates(by_date[1], n_lags),
        note="the same probability is stated everywhere" if slope is None else None,
    )


@dataclass(frozen=True)
class Spread:
    """Are the distributions as wide, and where, as what happened?"""

    coverage: dict[float, DateMean]
    """Share of outcomes within the central interval of each probability."""
    location: DateMean
    dispersion: DateMean
    """Neyman's first two components: zero where the transforms are uniform; outcomes too high, or
    too far out, where positive."""
    p_uniform: float | None
    """The smaller p-value of the two, adjusted by Holm for being the smaller."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "coverage": {f"{level:g}": found.record() for level, found in self.coverage.items()},
            "location": self.location.record(),
            "dispersion": self.dispersion.record(),
            "p_uniform": self.p_uniform,
        }


def spread(transforms: Panel, n_lags: int) -> Spread:
    """Uniformity and coverage of probability integral transforms.

    Args:
        transforms: Forecast distribution at what happened, within (0, 1).
        n_lags: From ``lags_of``.

    Source: Dawid (1984), Statistical theory: the prequential approach; Neyman (1937), with errors
        that know dependence as in Knueppel (2015), Evaluating the calibration of multi-step-ahead
        density forecasts using raw moments.
    """
    u = transforms.double()
    centred = 2 * u - 1

    def mean_of(values: Panel) -> DateMean:
        return mean_over_dates(values.nanmean(1), n_lags)

    inside = {
        level: torch.where(u.isnan(), u, (centred.abs() <= level).double()) for level in COVERAGES
    }
    location = mean_of(math.sqrt(3) * centred)
    dispersion = mean_of(math.sqrt(5) * (3 * centred.square() - 1) / 2)
    p_values = [found.p for found in (location, dispersion) if found.p is not None]
    coverage = {level: mean_of(values) for level, values in inside.items()}
    return Spread(coverage, location, dispersion, min(holm(p_values)) if p_values else None)


def transform(
    drawn: Float[Tensor, "n_paths n_candidates"], outcome: Float[Tensor, " n_candidates"]
) -> Float[Tensor, " n_candidates"]:
    """Where what happened lies among the paths, in (0, 1); halfway among ties."""
    below = (drawn < outcome).double().sum(0) + (drawn == outcome).double().sum(0) / 2
    return torch.where(outcome.isnan(), torch.nan, (below + 0.5) / (len(drawn) + 1))


@dataclass(frozen=True)
class Hits:
    """How often the picks did what they were picked for, beside all candidates."""

    share: float | None
    base_rate: float | None
    ci: tuple[float, float] | None
    """Of the share: exact binomial, a date being one trial however many picks it has."""
    excess: DateMean
    """Share less base rate, date by date."""
    n_independent: int

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "share": self.share,
            "base_rate": self.base_rate,
            "ci": None if self.ci is None else list(self.ci),
            "n_independent_dates": self.n_independent,
            "excess": self.excess.record(),
        }


def hits(scores: Panel, happened: Panel, n_picks: int, n_lags: int, n_independent: int) -> Hits:
    """Share of the best-scored candidates whose event happened, beside the share of all.

    Args:
        scores: Higher is better.
        happened: 1 where the event happened, 0 where not, NaN where nothing is known.
        n_picks: Candidates picked at each date.
        n_lags: From ``lags_of``.
        n_independent: Dates whose outcomes do not overlap.

    Source: Clopper & Pearson (1934), The use of confidence or fiducial limits.
    """
    from scipy.stats import beta

    order = (-scores.nan_to_num(nan=-math.inf)).argsort(dim=1, stable=True)
    picked = happened.gather(1, order[:, : min(n_picks, scores.shape[1] - 1)]).nanmean(1)
    base = happened.nanmean(1)
    excess = mean_over_dates(picked - base, n_lags)
    known = ~picked.isnan()
    if not bool(known.any()):
        return Hits(None, None, None, excess, 0)
    share, n = float(picked[known].mean()), min(n_independent, int(known.sum()))
    count = share * n
    lower = float(beta.ppf(0.025, count, n - count + 1)) if count > 0 else 0.0
    upper = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return Hits(share, float(base[known].mean()), (lower, upper), excess, n)


@dataclass(frozen=True)
class DensitySkill:
    """Continuous ranked probability score beside a cheap model's on the same dates."""

    crps: float
    crps_of_reference: float
    skill: float
    """1 - their ratio; above 0 is better than the reference."""
    dm_t: float | None
    """Diebold-Mariano; negative is better than the reference."""
    dm_p: float | None

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return dict(vars(self))


def density_skill(scores: Series, reference: Series, n_lags: int) -> DensitySkill | None:
    """Mean scores of two forecasters on the dates that both have; None where there is none.

    Source: Gneiting & Raftery (2007), equation 21; Diebold & Mariano (1995), Comparing predictive
        accuracy.
    """
    known = ~(scores.isnan() | reference.isnan())
    if not bool(known.any()):
        return None
    ours, theirs = scores[known], reference[known]
    tested = diebold_mariano(ours, theirs, n_lags)
    mean, other = float(ours.mean()), float(theirs.mean())
    return DensitySkill(
        mean,
        other,
        1 - mean / other,
        None if tested is None else tested.statistic,
        None if tested is None else tested.p,
    )


def _slope(
    stated: Panel, happened: Panel, known: Tensor, n_lags: int
) -> tuple[float | None, DateMean | None]:
    """Least-squares slope, and the mean over dates of its influence function."""
    x, y = stated[known], happened[known]
    moment = (x - x.mean()).square().mean()
    if float(moment) < 1e-12:
        return None, None
    slope = ((x - x.mean()) * y).mean() / moment
    rest = (y - y.mean()) - slope * (x - x.mean())
    influence = torch.zeros_like(stated)
    influence[known] = (x - x.mean()) * rest / moment
    scaled = influence.sum(1) * len(stated) / len(x)
    return float(slope), mean_over_dates(scaled, n_lags)


def _around(slope: float | None, error: DateMean | None) -> tuple[float, float] | None:
    if slope is None or error is None or error.lower is None or error.upper is None:
        return None
    return slope + error.lower, slope + error.upper


def _where(panel: Panel, known: Tensor) -> Panel:
    return torch.where(known, panel.double(), torch.nan)
