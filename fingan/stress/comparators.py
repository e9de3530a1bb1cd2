"""The same shock elsewhere: in a Gaussian market, in other samplers, and in history itself.

Source: Kupiec (1998), Stress testing in a value at risk framework, equation 4, for the conditional
mean of a Gaussian market; here of its simple returns.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError
from fingan.risk import influences
from fingan.risk.estimates import Estimate, estimated, estimated_each
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.baselines import baseline
from fingan.scenarios.resampling import joint_days
from fingan.stress.conditions import Constraint
from fingan.stress.plausibility import window_figures
from fingan.stress.pool import drawn
from fingan.stress.request import StressRequest
from fingan.stress.weighting import Kernel
from fingan.volatility.filter import fit_filter

MIN_ESS = 50  # effective number of paths below which a comparator has no figure
MIN_WINDOWS = 3
WINDOW_WIDTH = 0.5  # standard deviations of the past move within which a window met a value
EXACT = "closed form: no Monte Carlo error; the history's covariance is taken as known"


@dataclass(frozen=True)
class Comparator:
    """What goes with the shock under another law; figures are None where it cannot say."""

    name: str
    n: int | None
    """Paths or separate windows that met the shock."""
    ess: float | None
    portfolio: Estimate | None
    """Mean simple return over the horizon."""
    assets: Mapping[str, Estimate] | None
    note: str | None = None
    windows: tuple[str, ...] = ()
    """First days of the historical windows."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        assets = None
        if self.assets is not None:
            assets = {name: one.record() for name, one in self.assets.items()}
        return {
            "name": self.name,
            "n": self.n,
            "ess": self.ess,
            "portfolio": None if self.portfolio is None else self.portfolio.record(),
            "assets": assets,
            "windows": list(self.windows),
            "note": self.note,
        }


def comparators_of(
    prices: pd.DataFrame,
    portfolio: Portfolio,
    history: ReturnTable,
    constraints: tuple[Constraint, ...],
    request: StressRequest,
    *,
    n_threads: int = 1,
) -> tuple[Comparator, ...]:
    """The shock under every other law, on the same history."""
    weights = portfolio.weights_of(history.assets)
    gaussian = [
        _gaussian(history, weights, constraints, request.horizon, is_scaled)
        for is_scaled in (True, False)
    ]
    pools = [
        _pool(name, prices, history, weights, request, n_threads) for name in request.comparators
    ]
    return (*gaussian, *pools, _analogues(history, weights, constraints, request.horizon))


def gaussian_moves(
    mean: Float[Tensor, " n_assets"],
    covariance: Float[Tensor, "n_assets n_assets"],
    constraints: Sequence[Constraint],
    horizon: int,
) -> Float[Tensor, " n_assets"]:
    """Mean simple returns over the horizon of Gaussian days, given a condition: closed form.

    Args:
        mean: Of a day's log-returns.
        covariance: Of a day's log-returns.
        constraints: On simple returns.
        horizon: Days.

    Source: Kupiec (1998), equation 4, for values; Tallis (1961), The moment generating function of
        the truncated multi-normal distribution, equation 2, at the unit vector, for bounds.
    """
    steps = [set(range(one.first, one.last)) for one in constraints]
    days = torch.tensor([[float(len(a & b)) for b in steps] for a in steps], dtype=torch.float64)
    spans = torch.tensor([float(len(a)) for a in steps], dtype=torch.float64)
    columns = torch.tensor([one.column for one in constraints])
    own = days * covariance[columns][:, columns]
    cross = covariance[:, columns] * spans  # of the whole move with each figure
    centre = spans * mean[columns]
    low, high = (
        torch.tensor([_log(getattr(one, end)) for one in constraints], dtype=torch.float64)
        for end in ("low", "high")
    )
    exact = torch.tensor([one.is_value for one in constraints])
    moved, spread = horizon * mean, horizon * covariance.diagonal()
    if exact.any():
        gain = torch.linalg.solve(own[exact][:, exact], cross[:, exact].T).T
        moved = moved + gain @ (low - centre)[exact]
        spread = spread - (gain * cross[:, exact]).sum(1)
        within = torch.linalg.solve(own[exact][:, exact], own[exact][:, ~exact]).T
        centre = centre[~exact] + within @ (low - centre)[exact]
        cross = cross[:, ~exact] - gain @ own[exact][:, ~exact]
        own = own[~exact][:, ~exact] - within @ own[exact][:, ~exact]
    else:
        within = None
    growth = moved + spread / 2
    if exact.all():
        return growth.expm1()
    low, high = low[~exact], high[~exact]
    chance = _rectangle(low, high, centre, own)
    shifted = [_rectangle(low, high, centre + row, own) for row in cross]
    ratio = torch.tensor(shifted, dtype=torch.float64) / chance
    return growth.exp() * ratio - 1


def _log(value: float) -> float:
    return math.log1p(value) if value > -1 else -math.inf


def _rectangle(low: Tensor, high: Tensor, mean: Tensor, covariance: Tensor) -> float:
    """Probability of a box under a normal law."""
    from scipy import stats

    law = stats.multivariate_normal(mean.numpy(), covariance.numpy(), allow_singular=True, seed=0)
    return float(law.cdf(high.numpy(), lower_limit=low.numpy()))


def _gaussian(
    history: ReturnTable,
    weights: Tensor,
    constraints: tuple[Constraint, ...],
    horizon: int,
    is_scaled: bool,
) -> Comparator:
    name = f"gaussian, {'volatility of today' if is_scaled else 'volatility of the past'}"
    if history.kind == "level":
        return Comparator(name, None, None, None, None, "not applicable to a level")
    try:
        days = joint_days(history.values.double())
    except PriceDataError as reason:
        return Comparator(name, None, None, None, None, str(reason))
    covariance = days.T.cov().reshape(days.shape[1], days.shape[1])
    if is_scaled:
        scaler = ReturnScaler.fit(history)
        scaled = scaler.transform(history.values)
        today = fit_filter(scaled, "ewma").variances(scaled)[-1].double().sqrt()
        covariance = covariance * today * today.unsqueeze(1)
    moves = gaussian_moves(days.mean(0), covariance, constraints, horizon)
    if not bool(moves.isfinite().all()):
        note = "the shock has no probability that a computer can hold"
        return Comparator(name, None, None, None, None, note)
    assets = dict(zip(history.assets, map(_exact, moves.tolist()), strict=True))
    return Comparator(name, None, None, _exact(float(moves @ weights)), assets)


def _exact(value: float) -> Estimate:
    return Estimate(value, None, None, None, None, 0, None, EXACT)


def _pool(
    name: str,
    prices: pd.DataFrame,
    history: ReturnTable,
    weights: Tensor,
    request: StressRequest,
    n_threads: int,
) -> Comparator:
    """A baseline under the same condition, fitted on the same history."""
    rows = prices.loc[: history.dates[-1], list(history.assets)]
    rows.attrs = dict(prices.attrs)
    draws = drawn(baseline(name, rows), rows, request, n_threads=n_threads, may_search=False)
    if draws.ess < MIN_ESS:
        note = f"{MIN_ESS} effective paths are wanted, {draws.ess:.0f} of {draws.n_drawn:,} are"
        return Comparator(name, len(draws.numbers), draws.ess, None, None, note)
    total = draws.log_returns.sum(1, dtype=torch.float64)
    moves = total if history.kind == "level" else total.expm1()
    means = estimated_each(influences.mean, moves, draws.weights)
    return Comparator(
        name,
        len(moves),
        draws.ess,
        estimated(influences.mean, moves @ weights, draws.weights),
        dict(zip(history.assets, means, strict=True)),
    )


def _analogues(
    history: ReturnTable, weights: Tensor, constraints: tuple[Constraint, ...], horizon: int
) -> Comparator:
    """Windows of the past that met the shock, none overlapping another, nearest first."""
    name, is_level = "historical analogues", history.kind == "level"
    figures = window_figures(history, constraints, horizon)
    windows = history.values.double().unfold(0, horizon, 1).sum(-1)
    windows = windows if is_level else windows.expm1()
    usable = ~(figures.isnan().any(1) | windows.isnan().any(1))
    scale = figures[usable].std(0)
    kernel = Kernel.of(constraints, scale, 1.0)
    distance = kernel.shortfall(figures, scale, WINDOW_WIDTH)
    met = usable & (distance <= 0)
    rows = _apart(distance.where(met, torch.inf), horizon)
    about = f"values are met within {WINDOW_WIDTH:g} standard deviations" * any(
        one.is_value for one in constraints
    )
    if len(rows) < MIN_WINDOWS:
        note = f"{MIN_WINDOWS} separate windows are wanted, {len(rows)} met the shock"
        found = tuple(f"{history.dates[row]:%Y-%m-%d}" for row in rows)
        return Comparator(name, len(rows), None, None, None, note, found)
    moves = windows[rows]
    means = estimated_each(influences.mean, moves)
    return Comparator(
        name,
        len(rows),
        None,
        estimated(influences.mean, moves @ weights),
        dict(zip(history.assets, means, strict=True)),
        about or None,
        tuple(f"{history.dates[row]:%Y-%m-%d}" for row in rows),
    )


def _apart(distance: Float[Tensor, " n_windows"], horizon: int) -> list[int]:
    """Windows by their distance, each farther than a horizon from those before it, in time."""
    left, rows = distance.clone(), []
    while len(left) and bool(left.min().isfinite()):
        row = int(left.argmin())
        rows.append(row)
        left[max(row - horizon + 1, 0) : row + horizon] = torch.inf
    return sorted(rows)
