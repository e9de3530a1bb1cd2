"""Candidates as weights of assets, and what each is worth on joint paths, net of costs."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.portfolio import horizon_returns
from fingan.scenarios.scenario_set import ScenarioSet, Weights
from fingan.screening.specification import EQUAL, Costs, Direction, ScreenSpec

BASIS_POINT = 1e-4
AT_ONCE = 16  # candidates whose whole paths are held at a time

PerCandidate = Float[Tensor, "n_paths n_candidates"]


@dataclass(frozen=True)
class Candidate:
    """Something that may be held over the horizon, financed by cash without interest."""

    name: str
    direction: Direction
    weights: Float[Tensor, " n_assets"]
    """Of the initial value, float64; the direction is in their sign."""

    @property
    def label(self) -> str:
        """Its name, and that it is sold."""
        return self.name if self.direction == "long" else f"{self.name} short"


@dataclass(frozen=True)
class CandidatePaths:
    """What each candidate comes to on each path: shares of the initial value, after costs."""

    net: PerCandidate
    max_drawdown: PerCandidate
    """From the value before it was bought, or a later peak."""
    lowest: PerCandidate
    """The worst return after any step."""
    highest: PerCandidate
    """The best return after any step."""
    benchmark: Float[Tensor, " n_paths"]
    """Return of the benchmark, without costs."""
    weights: Weights


def candidates_of(spec: ScreenSpec, assets: Sequence[str]) -> tuple[Candidate, ...]:
    """The candidates of a screen, in the order of its universe, long before short.

    Args:
        spec: The screen.
        assets: Those of the model, in the order of the cube.

    Raises:
        UnknownAssetError: If the screen names an asset that is not the model's.
        RequestError: If a candidate stands twice, or a pair or portfolio holds nothing.
    """
    check_assets(spec, assets)
    named = dict(_named(spec, assets))
    found = []
    for name, held in named.items():
        weights = torch.tensor([held.get(asset, 0.0) for asset in assets], dtype=torch.float64)
        if not weights.any():
            raise RequestError(f"candidate '{name}' must hold something, got no weight but 0")
        for direction in spec.directions:
            sign = 1.0 if direction == "long" else -1.0
            found.append(Candidate(name, direction, sign * weights))
    return tuple(found)


def check_assets(spec: ScreenSpec, assets: Sequence[str]) -> None:
    """Refuse names that are not among the assets.

    Raises:
        UnknownAssetError: If there is one.
    """
    universe = spec.universe
    portfolios = [name for held in universe.portfolios.values() for name in held]
    pairs = [name for pair in universe.pairs for name in pair]
    benchmark = [] if spec.benchmark == EQUAL else [spec.benchmark]
    given = [*(universe.assets or ()), *pairs, *portfolios, *benchmark, *spec.costs_bps.assets]
    for name in given:
        if name not in assets:
            near = difflib.get_close_matches(name, assets, n=1)
            held = ", ".join(assets[:8]) + (" ..." if len(assets) > 8 else "")
            mend = f"did you mean '{near[0]}'?" if near else f"it has {held}"
            raise UnknownAssetError(f"asset '{name}' of the screen is not in the model; {mend}")


def candidate_returns(
    scenarios: ScenarioSet, candidates: Sequence[Candidate], spec: ScreenSpec, *, net: bool = True
) -> PerCandidate:
    """Return of each candidate over the horizon, float64.

    Args:
        scenarios: Of the assets that the candidates' weights are of.
        candidates: From :func:`candidates_of`.
        spec: Its costs.
        net: After costs.
    """
    gross = horizon_returns(scenarios.log_returns) @ _matrix(candidates)
    return gross - _costs(candidates, scenarios.assets, spec.costs_bps) if net else gross


def candidate_paths(
    scenarios: ScenarioSet, candidates: Sequence[Candidate], spec: ScreenSpec
) -> CandidatePaths:
    """Everything that a screen's figures are of.

    Half of the costs is paid before the first step, half after the last.
    """
    grown = scenarios.log_returns.double().cumsum(1).expm1_()
    costs = _costs(candidates, scenarios.assets, spec.costs_bps)
    parts = [
        _along(grown, _matrix(candidates[first : first + AT_ONCE]), costs[first : first + AT_ONCE])
        for first in range(0, len(candidates), AT_ONCE)
    ]
    net, drawdown, lowest, highest = (torch.cat(found, 1) for found in zip(*parts, strict=True))
    held = benchmark_weights(spec, scenarios.assets)
    return CandidatePaths(net, drawdown, lowest, highest, grown[:, -1] @ held, scenarios.weights)


def benchmark_weights(spec: ScreenSpec, assets: Sequence[str]) -> Float[Tensor, " n_assets"]:
    """What the benchmark holds."""
    if spec.benchmark == EQUAL:
        return torch.full((len(assets),), 1 / len(assets), dtype=torch.float64)
    return torch.tensor([float(asset == spec.benchmark) for asset in assets], dtype=torch.float64)


def _along(
    grown: Float[Tensor, "n_paths horizon n_assets"],
    weights: Float[Tensor, "n_assets n_some"],
    costs: Float[Tensor, " n_some"],
) -> tuple[Float[Tensor, "n_paths n_some"], ...]:
    """Net return, deepest drawdown, worst and best return of some candidates."""
    returns = grown @ weights - costs / 2
    returns[:, -1] -= costs / 2
    wealth = 1 + returns
    peak = wealth.cummax(1).values.clamp(min=1.0)
    drawdown = (1 - wealth / peak).amax(1)
    return returns[:, -1].clone(), drawdown, returns.amin(1), returns.amax(1)


def _named(spec: ScreenSpec, assets: Sequence[str]) -> Iterator[tuple[str, Mapping[str, float]]]:
    universe = spec.universe
    is_whole = universe.assets is None and not universe.pairs and not universe.portfolios
    single = assets if is_whole else universe.assets or ()
    seen: set[str] = set()
    both = [f"{first}/{second}" for first, second in universe.pairs]
    for name in (*single, *both, *universe.portfolios):
        if name in seen:
            raise RequestError(f"each candidate must stand once, got '{name}' again")
        seen.add(name)
    for first, second in universe.pairs:
        if first == second:
            raise RequestError(f"a pair must be of two assets, got '{first}' twice")
    yield from ((asset, {asset: 1.0}) for asset in single)
    yield from (
        (f"{first}/{second}", {first: 1.0, second: -1.0}) for first, second in universe.pairs
    )
    yield from universe.portfolios.items()


def _matrix(candidates: Sequence[Candidate]) -> Float[Tensor, "n_assets n_candidates"]:
    return torch.stack([candidate.weights for candidate in candidates], 1)


def _costs(
    candidates: Sequence[Candidate], assets: Sequence[str], costs: Costs
) -> Float[Tensor, " n_candidates"]:
    """What buying and selling each candidate takes."""
    each = [2 * BASIS_POINT * costs.assets.get(asset, costs.default) for asset in assets]
    return torch.tensor(each, dtype=torch.float64) @ _matrix(candidates).abs()
