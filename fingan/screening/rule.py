"""A screen's definition as the walk-forward applies it to scenarios and to what followed."""

from collections.abc import Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor

from fingan.errors import RequestError
from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.screening.candidates import Candidate, candidate_paths, candidate_returns, candidates_of
from fingan.screening.criteria import better, measured
from fingan.screening.specification import ScreenSpec
from fingan.screening.walk_forward import Rule


def rule_of(spec: ScreenSpec, assets: Sequence[str]) -> Rule:
    """What a validation does at each date: the screen's candidates, costs, drift and ranking.

    The hurdle is that of the first criterion ``p_gt``; 0 where there is none.

    Args:
        spec: The screen.
        assets: Of the model.

    Raises:
        RequestError: If the drift comes from views: they are of one date.
    """
    policy = spec.drift_policy
    if policy == "views":
        raise RequestError(
            "a screen with drift_policy 'views' cannot be validated: views are of one date; take"
            " neutral, shrunk, equilibrium or model"
        )
    candidates = candidates_of(spec, assets)
    hurdles = [one.hurdle for one in spec.criteria if one.metric == "p_gt"]

    return Rule(
        assets=tuple(assets),
        candidates=tuple(one.label for one in candidates),
        horizon=spec.horizon,
        hurdle=(hurdles[0] if hurdles else None) or 0.0,
        n_picks=spec.top_k,
        costs_bps=spec.costs_bps.default,
        net=partial(candidate_returns, candidates=candidates, spec=spec, net=True),
        gross=partial(candidate_returns, candidates=candidates, spec=spec, net=False),
        score=partial(_score, candidates=candidates, spec=spec),
        prepared=partial(with_drift, policy=policy, rate=spec.rate),
    )


def _score(
    scenarios: ScenarioSet, candidates: Sequence[Candidate], spec: ScreenSpec
) -> Float[Tensor, " n_candidates"]:
    """What candidates are ranked by; higher is better."""
    paths = candidate_paths(scenarios, candidates, spec)
    return better(spec.rank_by, measured(spec.rank_by, paths).value)
