"""GARCH-t and GJR-skew-t: parametric margins by maximum likelihood, joined by a Gaussian copula.

Each asset is fitted alone by arch, on its observed days; the residuals' normal scores give one
correlation matrix that does not change. Where the likelihood asks for a variance that never
returns, its parameters are shrunk to a persistence just below 1, so that long paths stay finite.

Source: Bollerslev (1987), A conditionally heteroskedastic time series model for speculative prices
and rates of return, for GARCH with t innovations; Glosten, Jagannathan & Runkle (1993) for GJR;
Hansen (1994), Autoregressive conditional density estimation, equation 10, for the skewed t;
Bollerslev (1990) for the constant correlation, here of normal scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError
from fingan.models.quantile_tables import QuantileTable
from fingan.scenarios.copulas import GaussianCopula
from fingan.scenarios.filtered import FilteredLaw, standardised
from fingan.volatility.correlation import normal_scores, shrunk_correlation
from fingan.volatility.filter import MAX_PERSISTENCE, VolatilityFilter

GarchKind = Literal["garch-t", "gjr-skew-t"]
MIN_OBSERVED = 100  # days of an asset below which its likelihood says nothing


@dataclass(frozen=True)
class GarchMargin:
    """One asset's fit, in scaled returns."""

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    initial: float
    """Variance before the first observed day."""
    degrees_of_freedom: float
    skew: float
    """Hansen's lambda, from -1 to 1; negative where falls are the larger."""

    def quantile(self, levels: Float[np.ndarray, " n_points"]) -> Float[np.ndarray, " n_points"]:
        """Innovation of unit variance at a probability; exact where it is near 0."""
        return _quantile(levels, self.degrees_of_freedom, self.skew)

    def of_normal(self, normal: Float[np.ndarray, " n_points"]) -> Float[np.ndarray, " n_points"]:
        """Innovation that is as far out as a standard normal.

        Above 0 it is the mirror image of the law with the opposite skew: a probability near 1
        has no digits left.
        """
        from scipy import special

        tail = special.ndtr(-np.abs(normal))
        falls = _quantile(tail, self.degrees_of_freedom, self.skew)
        rises = -_quantile(tail, self.degrees_of_freedom, -self.skew)
        return np.where(normal < 0, falls, rises)


def _quantile(
    levels: Float[np.ndarray, " n_points"], degrees_of_freedom: float, skew: float
) -> Float[np.ndarray, " n_points"]:
    from arch.univariate import SkewStudent, StudentsT

    if skew == 0:
        return np.asarray(StudentsT().ppf(levels, np.array([degrees_of_freedom])))
    return np.asarray(SkewStudent().ppf(levels, np.array([degrees_of_freedom, skew])))


def fit_garch(table: ReturnTable, kind: GarchKind) -> FilteredLaw:
    """Fit the margins one by one, then the correlation of what is left.

    Raises:
        PriceDataError: If an asset has too few returns.
    """
    scaler = ReturnScaler.fit(table)
    columns = zip(scaler.transform(table.values).T, table.assets, strict=True)
    margins = [fit_margin(series, asset, kind) for series, asset in columns]
    mean = scaler.mean + scaler.std * _parameter(margins, "mean")
    centred = ReturnScaler(table.assets, mean, scaler.std)
    names = ("omega", "alpha", "gamma", "beta", "initial")
    volatility = VolatilityFilter(*(_parameter(margins, name) for name in names))
    innovations = standardised(centred.transform(table.values), volatility)
    correlation = shrunk_correlation(normal_scores(innovations))
    quantiles = QuantileTable.of([margin.of_normal for margin in margins])
    return FilteredLaw(centred, volatility, GaussianCopula(correlation, quantiles))


def fit_margin(series: Float[Tensor, " n_days"], asset: str, kind: GarchKind) -> GarchMargin:
    """Maximum likelihood of one asset's scaled returns, a day after the other as observed.

    Raises:
        PriceDataError: If there are too few returns.
    """
    from arch import arch_model

    observed = series[~series.isnan()].double().numpy()
    if len(observed) < MIN_OBSERVED:
        raise PriceDataError(
            f"'{asset}' must have at least {MIN_OBSERVED} returns to be fitted, got"
            f" {len(observed)}; leave it out or start earlier"
        )
    is_gjr = kind == "gjr-skew-t"
    model = arch_model(
        observed,
        mean="Constant",
        p=1,
        o=1 if is_gjr else 0,
        q=1,
        dist="skewt" if is_gjr else "t",
        rescale=False,
    )
    found = model.fit(disp="off", show_warning=False).params
    gamma = float(found.get("gamma[1]", 0.0))
    alpha, beta = float(found["alpha[1]"]), float(found["beta[1]"])
    shape = found.iloc[-2:] if is_gjr else found.iloc[-1:]
    falls = model.distribution.partial_moment(2, 0.0, shape.to_numpy())  # E[z^2 1(z < 0)]
    persistence = alpha + beta + max(gamma * falls, gamma / 2)
    shrinkage = min(1.0, MAX_PERSISTENCE / persistence)
    return GarchMargin(
        mean=float(found["mu"]),
        omega=float(found["omega"]),
        alpha=alpha * shrinkage,
        gamma=gamma * shrinkage,
        beta=beta * shrinkage,
        initial=float(model.volatility.backcast(observed - found["mu"])),
        degrees_of_freedom=float(shape.iloc[0]),
        skew=float(found.get("lambda", 0.0)),
    )


def _parameter(margins: Sequence[GarchMargin], name: str) -> Float[Tensor, " n_assets"]:
    return torch.tensor([getattr(margin, name) for margin in margins], dtype=torch.float64)
