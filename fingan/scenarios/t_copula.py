"""A t copula on GJR residuals: semi-parametric margins, one number of degrees of freedom.

The margins are the residuals' own empirical quantiles, linear between order statistics. Degrees
of freedom maximise the likelihood of the ranks, with the correlation that is best for each.

Source: Demarta & McNeil (2005), The t copula and related copulas; Jondeau & Rockinger (2006), The
copula-GARCH model of conditional dependencies: an international stock market application, there
with skewed t margins; Genest, Ghoudi & Rivest (1995), A semiparametric estimation procedure of
dependence parameters in multivariate families of distributions, for the ranks; Liu & Rubin (1995),
ML estimation of the t distribution using EM and its extensions, for the correlation.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.models.quantile_tables import QuantileTable
from fingan.scenarios.copulas import Correlation, StudentCopula
from fingan.scenarios.filtered import FilteredLaw, standardised
from fingan.scenarios.resampling import joint_days
from fingan.volatility.correlation import normal_scores, shrunk_correlation
from fingan.volatility.filter import fit_filter

FEWEST, MOST = 2.1, 200.0  # degrees of freedom; the most are as good as a Gaussian copula
ITERATIONS = 5  # of the correlation, from that of the normal scores: changes below 1e-4


def fit_t_copula(table: ReturnTable) -> FilteredLaw:
    """Fit the filters, keep each asset's residuals, and fit the copula of their ranks.

    Raises:
        PriceDataError: If too few days are observed jointly.
    """
    scaler = ReturnScaler.fit(table)
    scaled = scaler.transform(table.values)
    volatility = fit_filter(scaled, "gjr")
    innovations = standardised(scaled, volatility)
    copula = RankedDays.of(joint_days(innovations)).most_likely()
    margins = _empirical_margins(innovations, copula.degrees_of_freedom)
    return FilteredLaw(
        scaler, volatility, StudentCopula(copula.correlation, copula.degrees_of_freedom, margins)
    )


@dataclass(frozen=True)
class FittedCopula:
    """A t copula and the mean log-likelihood of a day under it."""

    correlation: Correlation
    degrees_of_freedom: float
    log_likelihood: float


@dataclass(frozen=True)
class RankedDays:
    """Ranks of joint days, each asset's from 0: all that a copula knows of them."""

    ranks: Int64[Tensor, "n_rows n_assets"]
    scores: Float[Tensor, "n_rows n_assets"]
    """Normal scores."""

    @classmethod
    def of(cls, days: Float[Tensor, "n_rows n_assets"]) -> "RankedDays":
        """Rank each asset's days."""
        return cls(days.argsort(dim=0).argsort(dim=0), normal_scores(days))

    def most_likely(self) -> FittedCopula:
        """The copula of largest profile likelihood."""
        from scipy.optimize import minimize_scalar

        def surprise(log_freedom: float) -> float:
            return -self.profile(math.exp(log_freedom)).log_likelihood

        bounds = (math.log(FEWEST), math.log(MOST))
        best = minimize_scalar(surprise, bounds=bounds, method="bounded", options={"xatol": 0.01})
        return self.profile(math.exp(best.x))

    def profile(self, degrees_of_freedom: float) -> FittedCopula:
        """The best correlation for some degrees of freedom, and what the days say to it."""
        numbers = self._student_scores(degrees_of_freedom)
        n_assets = numbers.shape[1]
        correlation = shrunk_correlation(self.scores)
        for _ in range(ITERATIONS):
            distance = _mahalanobis(numbers, correlation)
            weights = (degrees_of_freedom + n_assets) / (degrees_of_freedom + distance)
            correlation = shrunk_correlation(numbers * weights.sqrt().unsqueeze(1))
        density = _log_density(numbers, correlation, degrees_of_freedom)
        return FittedCopula(correlation, degrees_of_freedom, float(density.mean()))

    def _student_scores(self, degrees_of_freedom: float) -> Float[Tensor, "n_rows n_assets"]:
        from scipy import special

        n_rows = len(self.ranks)
        levels = (np.arange(n_rows) + 0.5) / n_rows
        return torch.from_numpy(special.stdtrit(degrees_of_freedom, levels))[self.ranks]


def _mahalanobis(
    numbers: Float[Tensor, "n_rows n_assets"], correlation: Correlation
) -> Float[Tensor, " n_rows"]:
    lower = torch.linalg.cholesky(correlation)
    return torch.linalg.solve_triangular(lower, numbers.T, upper=False).square().sum(0)


def _log_density(
    numbers: Float[Tensor, "n_rows n_assets"], correlation: Correlation, nu: float
) -> Float[Tensor, " n_rows"]:
    """Log-density of the copula: the joint t over the product of its margins."""
    n_assets = numbers.shape[1]
    constant = math.lgamma((nu + n_assets) / 2) + (n_assets - 1) * math.lgamma(nu / 2)
    constant -= n_assets * math.lgamma((nu + 1) / 2)
    joint = (nu + n_assets) / 2 * (_mahalanobis(numbers, correlation) / nu).log1p()
    margins = (nu + 1) / 2 * (numbers.square() / nu).log1p().sum(1)
    return constant - correlation.logdet() / 2 - joint + margins


def _empirical_margins(
    innovations: Float[Tensor, "n_days n_assets"], degrees_of_freedom: float
) -> QuantileTable:
    """Each asset's quantile at the probability of a Student t number."""
    from scipy import special

    samples = [series[~series.isnan()].sort().values.numpy() for series in innovations.T]
    outermost = 0.5 / max(map(len, samples))  # probability; beyond it the quantile stands still
    reach = -float(special.stdtrit(degrees_of_freedom, outermost))
    curves = [partial(_empirical_quantile, sample, degrees_of_freedom) for sample in samples]
    return QuantileTable.of(curves, reach)


def _empirical_quantile(
    sample: Float[np.ndarray, " n_observed"],
    degrees_of_freedom: float,
    numbers: Float[np.ndarray, " n_points"],
) -> Float[np.ndarray, " n_points"]:
    """Order statistic k of n stands at the probability (k - 1/2) / n."""
    from scipy import special

    positions = (np.arange(len(sample)) + 0.5) / len(sample)
    return np.interp(special.stdtr(degrees_of_freedom, numbers), positions, sample)
