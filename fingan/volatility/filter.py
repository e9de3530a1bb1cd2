"""Causal volatility filters: GJR-GARCH(1,1) and EWMA, fitted by quasi-maximum likelihood.

    sigma2[t+1] = omega + (alpha + gamma 1[x_t < 0]) x_t^2 + beta sigma2[t]

All assets are fitted at once: the likelihood, its gradient and its information matrix come from
linear recurrences over time, and each asset takes its own damped scoring steps.

Source: Glosten, Jagannathan & Runkle (1993), On the relation between the expected value and the
volatility of the nominal excess return on stocks; Fiorentini, Calzolari & Panattoni (1996),
Analytic derivatives and the computation of GARCH estimates, for the scoring step; RiskMetrics
(1996) for EWMA, here with a persistence just below 1 so that long simulations keep a variance.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.recurrence import linear_recurrence

FilterKind = Literal["gjr", "ewma"]
Returns = Float[Tensor, "n_days n_assets"]  # scaled to about unit variance; NaN where unobserved
Variances = Float[Tensor, "n_states n_assets"]
PerAsset = Float[Tensor, " n_assets"]
_Score = tuple[PerAsset, Float[Tensor, "n_assets n_free"], Float[Tensor, "n_assets n_free n_free"]]

MAX_PERSISTENCE = 0.9995
EWMA_PERSISTENCE = 0.999
BACKCAST_DAYS, BACKCAST_DECAY = 75, 0.94  # as arch sets the first variance
ITERATIONS, MAX_DAMPING = 80, 1e4
TOLERANCE = 1e-8  # of the mean log-likelihood: 1e-4 in all over forty years of days


@dataclass(frozen=True)
class VolatilityFilter:
    """A fitted filter: one GJR-GARCH(1,1) recursion per asset.

    ``alpha`` acts on every squared return, ``gamma`` on those of falling days in addition.
    """

    omega: PerAsset
    alpha: PerAsset
    gamma: PerAsset
    beta: PerAsset
    initial: PerAsset
    """Variance of the first observed day."""

    @property
    def persistence(self) -> PerAsset:
        """Share of a variance shock kept a day, alpha + gamma / 2 + beta: always below 1."""
        return self.alpha + self.gamma / 2 + self.beta

    def variances(self, returns: Returns) -> Variances:
        """Conditional variances over a history: row t uses returns before t only.

        A day without an observation moves the variance to its own expectation.

        Args:
            returns: Mean-free returns in the units that the filter was fitted in.

        Returns:
            ``n_days + 1`` rows; the last is tomorrow's variance.
        """
        return linear_recurrence(*self._recursion(returns.to(self.omega)), self.initial)

    def _recursion(self, returns: Returns) -> tuple[Returns, Returns]:
        observed = ~returns.isnan()
        squared = returns.nan_to_num().square()
        news = torch.where(returns < 0, self.alpha + self.gamma, self.alpha) * squared
        started = observed.cumsum(0) > 0  # before the first price the variance stays as it began
        multiplier = torch.where(observed, self.beta, self.persistence)
        multiplier = torch.where(started, multiplier, 1.0)
        return multiplier, torch.where(started, self.omega + news, 0.0)


def fit_filter(returns: Returns, kind: FilterKind = "gjr") -> VolatilityFilter:
    """Fit one filter per asset by Gaussian quasi-maximum likelihood.

    Args:
        returns: Mean-free returns of the training span, scaled to about unit variance.
        kind: ``gjr`` fits omega, alpha, gamma and beta; ``ewma`` fits the decay alone, with the
            long-run variance held at the sample's.

    Returns:
        Parameters in float64; persistence is below 1 for every asset.
    """
    returns = returns.double()
    observed = ~returns.isnan()
    initial = _backcast(returns, observed)
    variance = returns.square().nanmean(0)
    best = _starting_point(kind, variance)
    free, damping, places = best, torch.full_like(variance, 1e-2), torch.arange(len(variance))

    def score(point: Tensor) -> _Score:
        return _score(
            returns[:, places],
            observed[:, places],
            point,
            kind,
            variance[places],
            initial[places],
        )

    likelihood, gradient, information = score(free)
    for _ in range(ITERATIONS):
        diagonal = torch.diag_embed(information.diagonal(dim1=-2, dim2=-1) + 1e-9)
        damped = information + damping[:, None, None] * diagonal
        step = torch.linalg.solve(damped, gradient.unsqueeze(-1)).squeeze(-1)
        candidate = (free + step.clamp(-2, 2)).clamp(-12, 12)
        tried = score(candidate)
        better = tried[0] > likelihood
        settled = (better & (tried[0] - likelihood < TOLERANCE)) | (damping > MAX_DAMPING)
        free = torch.where(better[:, None], candidate, free)
        likelihood = torch.where(better, tried[0], likelihood)
        gradient = torch.where(better[:, None], tried[1], gradient)
        information = torch.where(better[:, None, None], tried[2], information)
        damping = torch.where(better, damping / 4, damping * 6).clamp(min=1e-6)
        best = best.index_copy(0, places, free)
        free, damping, places, likelihood, gradient, information = (
            per_asset[~settled]
            for per_asset in (free, damping, places, likelihood, gradient, information)
        )
        if settled.all():
            break
    omega, rise, fall, beta = _parameters(best, kind, variance).unbind(-1)
    return VolatilityFilter(omega, rise, fall - rise, beta, initial)


def _backcast(returns: Returns, observed: Tensor) -> PerAsset:
    """Exponentially weighted variance of the first observed days."""
    age = observed.cumsum(0) - 1
    weights = torch.where(observed & (age < BACKCAST_DAYS), BACKCAST_DECAY ** age.double(), 0.0)
    return (weights * returns.nan_to_num().square()).sum(0) / weights.sum(0)


def _starting_point(kind: FilterKind, variance: PerAsset) -> Float[Tensor, "n_assets n_free"]:
    if kind == "ewma":
        return torch.full((len(variance), 1), math.log(0.06 / 0.94), dtype=torch.float64)
    start = torch.tensor([0.0, math.log(0.98 / 0.02), math.log(0.02 / 0.9), math.log(0.06 / 0.9)])
    free = start.double().repeat(len(variance), 1)
    free[:, 0] = (variance * 0.02).log()
    return free


def _parameters(
    free: Float[Tensor, "*assets n_free"], kind: FilterKind, variance: Float[Tensor, "*assets"]
) -> Float[Tensor, "*assets 4"]:
    """Unconstrained numbers to (omega, alpha, alpha + gamma, beta), persistence below 1."""
    if kind == "ewma":
        news = EWMA_PERSISTENCE * free[..., 0].sigmoid()
        omega = (1 - EWMA_PERSISTENCE) * variance
        return torch.stack([omega, news, news, EWMA_PERSISTENCE - news], dim=-1)
    persistence = MAX_PERSISTENCE * free[..., 1].sigmoid()
    zero = torch.zeros_like(free[..., 0])
    shares = torch.stack([free[..., 2], free[..., 3], zero], dim=-1).softmax(-1)
    rise, fall, beta = (persistence.unsqueeze(-1) * shares).unbind(-1)
    return torch.stack([free[..., 0].exp(), 2 * rise, 2 * fall, beta], dim=-1)


def _with_jacobian(
    free: Float[Tensor, "n_assets n_free"], kind: FilterKind, variance: PerAsset
) -> tuple[Float[Tensor, "n_assets 4"], Float[Tensor, "n_assets 4 n_free"]]:
    free = free.detach().requires_grad_()
    with torch.enable_grad():
        parameters = _parameters(free, kind, variance)
        slopes = [
            torch.autograd.grad(column.sum(), free, retain_graph=True)[0]
            for column in parameters.unbind(-1)
        ]
    return parameters.detach(), torch.stack(slopes, dim=1)


def _score(
    returns: Returns,
    observed: Tensor,
    free: Float[Tensor, "n_assets n_free"],
    kind: FilterKind,
    variance: PerAsset,
    initial: PerAsset,
) -> _Score:
    """Mean log-likelihood, gradient and expected information of each asset."""
    parameters, jacobian = _with_jacobian(free, kind, variance)
    omega, rise, fall, beta = parameters.unbind(-1)
    fitted = VolatilityFilter(omega, rise, fall - rise, beta, initial)
    multiplier, offset = fitted._recursion(returns)
    sigma2 = linear_recurrence(multiplier, offset, initial)[:-1]
    squared = returns.nan_to_num().square()
    started = observed.cumsum(0) > 0
    expected = torch.where(observed, 0.0, sigma2 / 2)
    driver = torch.stack(
        [
            torch.ones_like(sigma2),
            torch.where(returns >= 0, squared, expected),
            torch.where(returns < 0, squared, expected),
            sigma2,
        ],
        dim=1,
    )
    driver = torch.where(started.unsqueeze(1), driver, 0.0)
    wide = multiplier.unsqueeze(1).expand_as(driver)
    slope = linear_recurrence(wide, driver, torch.zeros_like(driver[0]))[:-1]
    slope = torch.einsum("tpn,npf->tnf", slope / sigma2.unsqueeze(1), jacobian)
    slope = torch.where(observed.unsqueeze(-1), slope, 0.0)
    n_observed = observed.sum(0)
    surprise = torch.where(observed, squared / sigma2, 1.0)
    likelihood = torch.where(observed, -0.5 * (sigma2.log() + surprise), 0.0).sum(0) / n_observed
    gradient = 0.5 * torch.einsum("tn,tnf->nf", surprise - 1, slope) / n_observed[:, None]
    information = 0.5 * torch.einsum("tnf,tng->nfg", slope, slope) / n_observed[:, None, None]
    return likelihood, gradient, information
