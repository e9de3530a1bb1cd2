"""Reverse stress: the ways in which a portfolio may lose at least so much, by a model.

Losing paths are drawn, where they are rare under moved noise and weighted exactly, and parted into
the modes between which hardly any path lies. Each mode is told by its probability, what drives it,
the most central of its paths, and the windows of history that are like it.
"""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.errors import InsufficientSupportError, RequestError, UnknownAssetError
from fingan.risk.estimates import Estimate
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.stress.drivers import parts_of
from fingan.stress.elsewhere import Elsewhere, elsewhere_of
from fingan.stress.losing import Losing, course_of, losing
from fingan.stress.modes import Losers, Mode
from fingan.stress.parting import features_of, modes_of, parts_of_cloud, separation
from fingan.stress.plausibility import history_until
from fingan.stress.reverse_request import ReverseRequest


@dataclass(frozen=True)
class Reverse:
    """The ways to lose at least so much."""

    request: ReverseRequest
    model: str
    as_of: str
    method: str
    """``pool``: the model's own paths; ``search``: under moved noise, weighted exactly."""
    scenarios: ScenarioSet
    """The losing paths, with their weights."""
    labels: Int64[Tensor, " n_paths"]
    """The mode of each."""
    n_drawn: int
    ess: float
    probability: Estimate
    """Unconditional, of the loss."""
    modes: tuple[Mode, ...]
    """The most probable first."""
    is_distinct: bool
    """Whether hardly any path lies between the modes; else they are parts of one cloud."""
    elsewhere: tuple[Elsewhere, ...]
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "model": self.model,
            "as_of": self.as_of,
            "request": self.request.model_dump(mode="json"),
            "method": self.method,
            "n_drawn": self.n_drawn,
            "n_paths": self.scenarios.n_paths,
            "ess": self.ess,
            "probability": self.probability.record(),
            "modes": [mode.record() for mode in self.modes],
            "is_distinct": self.is_distinct,
            "elsewhere": [one.record() for one in self.elsewhere],
            "notes": list(self.notes),
        }


def reverse_stress(
    sampler: Sampler,
    prices: pd.DataFrame,
    portfolio: Portfolio,
    request: ReverseRequest,
    *,
    n_threads: int = 1,
) -> Reverse:
    """The ways in which a portfolio may lose at least so much.

    Args:
        sampler: A trained model or a baseline; only the former can search where paths are thin.
        prices: History from ``read_prices``.
        portfolio: Held without trading over the horizon.
        request: The loss and how to draw.
        n_threads: Blocks drawn at once; changes no value.

    Raises:
        InsufficientSupportError: If too few paths lose so much.
        UnknownAssetError: If a position is in an asset that the sampler does not have.
        RequestError: If the portfolio cannot lose so much, or a horizon, date or baseline is out
            of range.

    Source: Glasserman, Kang & Kang (2015), Stress scenario selection by empirical likelihood, for
        scenarios as what is likely given a loss; the modes are ours.
    """
    weights = _weights(portfolio, sampler)
    _check_loss(request.loss, weights, sampler.kind)
    found = losing(sampler, prices, weights, request, n_threads=n_threads)
    if found.ess < request.min_ess:
        raise InsufficientSupportError(_too_thin(found, request))
    as_of = found.header.metadata["as_of"]
    losers = _losers(sampler, prices, weights, found, request.seed)
    labels = modes_of(losers.features, found.weights, request.max_modes)
    is_cloud = not labels.any()
    if is_cloud:
        labels = parts_of_cloud(losers.features, found.weights, request.n_parts)
    is_distinct = not (is_cloud and labels.any())
    valleys = separation(losers.features, found.weights, labels)
    return Reverse(
        request=request,
        model=sampler.reference,
        as_of=as_of,
        method="pool" if found.ratios is None else "search",
        scenarios=_scenarios(found, request),
        labels=labels,
        n_drawn=len(found.losses),
        ess=found.ess,
        probability=found.probability(),
        modes=tuple(losers.mode(labels == k, valley) for k, valley in enumerate(valleys)),
        is_distinct=is_distinct,
        elsewhere=elsewhere_of(prices, losers.history, weights, request, n_threads=n_threads),
        notes=_notes(sampler, as_of, is_distinct=is_distinct),
    )


def _losers(
    sampler: Sampler,
    prices: pd.DataFrame,
    weights: Float[Tensor, " n_assets"],
    found: Losing,
    seed: int,
) -> Losers:
    is_level = sampler.kind == "level"
    course = course_of(found.log_returns, weights, is_level=is_level)
    parts = parts_of(found.log_returns, weights, is_level=is_level)
    history = history_until(sampler, prices, found.header.metadata["as_of"])
    features = features_of(parts, course)
    return Losers(sampler, found, history, weights, course, features, seed)


def _weights(portfolio: Portfolio, sampler: Sampler) -> Float[Tensor, " n_assets"]:
    for asset in portfolio.held:
        if asset not in sampler.assets:
            held = ", ".join(sampler.assets[:8]) + (" ..." if len(sampler.assets) > 8 else "")
            raise UnknownAssetError(f"asset '{asset}' is not in the model; it has {held}")
    return portfolio.weights_of(sampler.assets)


def _check_loss(loss: float, weights: Float[Tensor, " n_assets"], kind: str) -> None:
    """A portfolio that is long alone cannot lose more than was put into it."""
    most = float(weights.sum())
    if kind != "level" and bool((weights >= 0).all()) and loss >= most:
        raise RequestError(
            f"a loss must lie below what is invested, {100 * most:g} % of the value, got"
            f" {100 * loss:g} %"
        )


def _scenarios(found: Losing, request: ReverseRequest) -> ScenarioSet:
    """The losing paths; they are no longer in the generators' turns."""
    condition = {"loss": request.loss, "ess": found.ess, "n_drawn": len(found.losses)}
    metadata = found.header.metadata | {"n_generators": 1, "condition": condition}
    header = replace(found.header, n_paths=len(found.numbers), metadata=metadata)
    return ScenarioSet(header, found.log_returns, found.weights)


def _too_thin(found: Losing, request: ReverseRequest) -> str:
    how = "" if found.ratios is None else " after a search in the model's noise"
    return (
        f"a loss of {100 * request.loss:g} % over {request.horizon} steps: at least"
        f" {request.min_ess} effective paths must lose so much, got {found.ess:.0f} of"
        f" {len(found.losses):,}{how}; the worst loses {100 * float(found.losses.max()):.1f} %;"
        " take a smaller loss, a longer horizon, or more paths"
    )


def _notes(sampler: Sampler, as_of: str, *, is_distinct: bool) -> tuple[str, ...]:
    notes = []
    if pd.Timestamp(as_of) < sampler.fitted_until:
        notes.append(f"in-sample: the model has seen rows up to {sampler.fitted_until:%Y-%m-%d}")
    if not is_distinct:
        notes.append(
            "the losing paths are one cloud that no valley parts: what stands as modes are parts"
            " of it, cut for examples"
        )
    return tuple(notes)
