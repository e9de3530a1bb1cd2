"""The scenarios of a screen: of any sampler, under the screen's expected returns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from fingan.risk.estimates import Estimate, Measured, Members, as_estimates, n_generators
from fingan.risk.views import parse_view, pooled
from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.screening.candidates import Candidate, CandidatePaths, candidate_paths
from fingan.screening.criteria import measured
from fingan.screening.specification import Figure, ScreenSpec


@dataclass(frozen=True)
class Drawn:
    """What one sampler's paths say of the candidates."""

    sampler: str
    paths: CandidatePaths
    members: Members

    @classmethod
    def of(
        cls, scenarios: ScenarioSet, candidates: Sequence[Candidate], spec: ScreenSpec
    ) -> "Drawn":
        """The candidates on a set of scenarios."""
        paths = candidate_paths(scenarios, candidates, spec)
        return cls(str(scenarios.metadata["model"]), paths, scenarios.members)

    @property
    def n_generators(self) -> int:
        """Generators whose spread can be told from noise."""
        return n_generators(self.members)

    def figure(self, figure: Figure) -> Measured:
        """A figure of every candidate, with its influence function."""
        return measured(figure, self.paths)

    def estimates(self, found: Measured, note: str | None = None) -> list[Estimate]:
        """Figures with both errors."""
        return as_estimates(found, self.paths.weights, self.members, note)


def draw(
    sampler: Sampler,
    prices: pd.DataFrame,
    spec: ScreenSpec,
    horizon: int | None = None,
    *,
    n_threads: int = 1,
) -> ScenarioSet:
    """Joint scenarios with the drift that the screen asks for.

    Views move the probabilities of scenarios that are neutral before, so that nothing is expected
    but what the views say.

    Args:
        sampler: Who draws.
        prices: The history.
        spec: The screen.
        horizon: Steps, if not the screen's.
        n_threads: Blocks of paths drawn at once; changes no value.

    Raises:
        RequestError: If no probabilities of the paths satisfy the views.
        UnknownAssetError: If a view names an asset that the model does not have.
    """
    policy = "neutral" if spec.drift_policy == "views" else spec.drift_policy
    prepared = with_drift(sampler, policy, rate=spec.rate, n_pool=spec.n_scenarios)
    drawn = prepared.sample(
        prices,
        spec.horizon if horizon is None else horizon,
        spec.n_scenarios,
        seed=spec.seed,
        as_of=spec.as_of,
        n_threads=n_threads,
    )
    if not spec.views:
        return drawn
    found = pooled(drawn.terminal(), drawn.assets, [parse_view(text) for text in spec.views])
    metadata = drawn.metadata | {"drift_policy": "views", "views": list(spec.views)}
    header = replace(drawn.header, metadata=metadata | {"ess": found.ess})
    return replace(drawn, header=header, weights=found.weights)
