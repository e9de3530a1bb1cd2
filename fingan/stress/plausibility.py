"""How plausible a shock is: by the model, by the noise it takes, and by what has happened.

The model's probability is that of a move at least as far as the shock: for a value, on its side of
the median. Noise is typical where its squared length lies amid its chi-square law; a shock that
needs untypical noise asks the model for what it has hardly learnt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fingan.data.returns import ReturnTable, end_of, log_returns
from fingan.risk import influences
from fingan.risk.estimates import Estimate, as_estimate
from fingan.scenarios.analogues import nearest_windows
from fingan.scenarios.samplers import Sampler, TrainedSampler
from fingan.scenarios.tilting import path_noise
from fingan.stress.conditions import Constraint, Figures, figures_of, span_of
from fingan.stress.pool import Draws
from fingan.stress.request import StressRequest


@dataclass(frozen=True)
class Plausibility:
    """How plausible a shock is."""

    region: str
    """The moves whose probability is given."""
    probability: Estimate
    """Unconditional, under the model."""
    noise_percentile: float | None
    """Mean percentile of the squared length of the noise of the paths, 0.5 where it is typical;
    None where the sampler is not drawn from normal noise."""
    noise_shift: float | None
    """Length of the mean noise of the paths, in standard deviations, net of what so few paths
    scatter: how far the shock is in the noise."""
    nearest: list[dict[str, Any]] | None
    """Real windows nearest to the most central of the paths."""
    range: Mapping[str, tuple[float, float]]
    """Least and greatest value of each shocked move in the training data."""
    warnings: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "region": self.region,
            "probability": self.probability.record(),
            "noise_percentile": self.noise_percentile,
            "noise_shift": self.noise_shift,
            "nearest": self.nearest,
            "range": {label: list(bounds) for label, bounds in self.range.items()},
            "warnings": list(self.warnings),
        }


def history_until(sampler: Sampler, prices: pd.DataFrame, as_of: str) -> ReturnTable:
    """Returns of the sampler's assets up to a date."""
    rows = prices.loc[: end_of(as_of), list(sampler.assets)]
    rows.attrs = dict(prices.attrs)
    return log_returns(rows)


def window_figures(
    history: ReturnTable, constraints: tuple[Constraint, ...], horizon: int
) -> Figures:
    """What each window of the history made of the shocked moves; NaN where not observed."""
    span = span_of(constraints)
    if len(history.dates) < max(span, horizon):
        return torch.empty(0, len(constraints), dtype=torch.float64)
    windows = history.values.double().unfold(0, horizon, 1).movedim(-1, 1)
    return figures_of(windows, constraints, is_level=history.kind == "level")


def plausibility_of(
    sampler: Sampler, draws: Draws, history: ReturnTable, request: StressRequest
) -> Plausibility:
    """How plausible the condition is that some paths were drawn under."""
    hits = _beyond(draws)
    training = history.until(sampler.fitted_until)
    known = training if len(training.dates) >= request.horizon else history
    seen = window_figures(known, draws.constraints, request.horizon)
    ranges = _ranges(seen, draws.constraints)
    length, shift = _noise(sampler, draws, request)
    return Plausibility(
        " and ".join(_region(one) for one in draws.constraints),
        _probability(hits, draws),
        length,
        shift,
        nearest_windows(_medoid(draws), history),
        ranges,
        _warnings(draws.constraints, ranges),
    )


def _beyond(draws: Draws) -> Bool[Tensor, " n_drawn"]:
    """The paths on which every move is at least as far as the shock."""
    hits = torch.ones(draws.n_drawn, dtype=torch.bool)
    for place, one in enumerate(draws.constraints):
        figure = draws.figures[:, place]
        if not one.is_value:
            hits &= (figure >= one.low) & (figure <= one.high)
        else:
            hits &= figure <= one.low if _is_fall(one) else figure >= one.low
    return hits


def _is_fall(one: Constraint) -> bool:
    return one.low < 0


def _region(one: Constraint) -> str:
    if not one.is_value:
        return one.label
    return one.label.replace(" = ", " <= " if _is_fall(one) else " >= ")


def _probability(hits: Bool[Tensor, " n_drawn"], draws: Draws) -> Estimate:
    members = torch.arange(draws.n_drawn) % draws.n_members
    if draws.ratios is None:
        return as_estimate(influences.probability(hits), members=members)
    return as_estimate(influences.mean(hits * draws.ratios.exp()), members=members)


def _noise(
    sampler: Sampler, draws: Draws, request: StressRequest
) -> tuple[float | None, float | None]:
    """Percentile of the squared length of the noise up to the condition's end, and its mean."""
    if not isinstance(sampler, TrainedSampler):
        return None, None
    from scipy import special

    span = span_of(draws.constraints)
    noise = path_noise(sampler, draws.numbers, span, draws.shifts, seed=request.seed).flatten(1)
    below = special.chdtr(noise.shape[1], noise.square().sum(1).numpy())
    percentile = float(draws.weights @ torch.from_numpy(below))
    mean = draws.weights @ noise
    scattered = draws.weights.square() @ (noise - mean).square()
    return percentile, float((mean.square() - scattered).sum().clamp(min=0).sqrt())


def _medoid(draws: Draws) -> Float[Tensor, "horizon n_assets"]:
    """The path nearest to the weighted mean of the moves over the horizon."""
    moves = draws.log_returns.sum(1, dtype=torch.float64)
    mean = draws.weights @ moves
    spread = (draws.weights @ (moves - mean).square()).sqrt().clamp(min=1e-12)
    nearest = ((moves - mean) / spread).square().sum(1).argmin()
    return draws.log_returns[nearest].double()


def _ranges(seen: Figures, constraints: tuple[Constraint, ...]) -> dict[str, tuple[float, float]]:
    found = {}
    for place, one in enumerate(constraints):
        values = seen[:, place]
        values = values[~values.isnan()]
        if len(values):
            found[one.label] = (float(values.min()), float(values.max()))
    return found


def _warnings(
    constraints: tuple[Constraint, ...], ranges: Mapping[str, tuple[float, float]]
) -> tuple[str, ...]:
    """One for each shock that no window of the training data holds."""
    found = []
    for one in constraints:
        if one.label not in ranges:
            found.append(f"{one.label}: the training data hold no such window to compare with")
            continue
        least, greatest = ranges[one.label]
        if one.high < least or one.low > greatest:
            found.append(
                f"{one.label}: beyond the training range, {100 * least:.1f} to"
                f" {100 * greatest:.1f} %; the model extrapolates"
            )
    return tuple(found)
