"""The JSON answer to each kind of question: the record that the command line prints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fingan import interruption
from fingan.anomalies.report import record as anomalies_record
from fingan.anomalies.search import AnomalyRequest, find_anomalies
from fingan.assessment.explanation import explain
from fingan.errors import RequestError
from fingan.portfolios.objectives import OptimizeRequest
from fingan.portfolios.optimisation import optimise
from fingan.portfolios.risk_statement import RiskRequest, risk_statement
from fingan.portfolios.scenario_summary import SummaryRequest, scenario_summary, summarised
from fingan.risk.portfolio import equal_weights, portfolio_of
from fingan.risk.views import View, parse_view
from fingan.scenarios.samplers import Sampler, TrainedSampler
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.screening.records import find_validation
from fingan.screening.screen import run_screen
from fingan.screening.specification import ScreenSpec
from fingan.screening.trials import log_trial
from fingan.stress.conditional import conditional_stress
from fingan.stress.conditions import Shock, parse_shock
from fingan.stress.replay import ReplayRequest, replay
from fingan.stress.request import MAX_POOL, StressRequest
from fingan.stress.reverse import reverse_stress
from fingan.stress.reverse_request import ReverseRequest
from fingan.stress.viewed import ViewRequest, viewed
from fingan.stress.windows import parse_window
from serve.backend import Kind
from serve.schemas import (
    AnomalyQuery,
    Condition,
    ExplainQuery,
    OptimizeQuery,
    Question,
    ReverseQuery,
    RiskQuery,
    ScenarioQuery,
    ScreenQuery,
    StressQuery,
    SummaryQuery,
)
from serve.subjects import Subject

Record = dict[str, Any]
LEAST_POOL = 1_000
Reply = Callable[[Any, Subject], Record]


@dataclass(frozen=True)
class Answering:
    """How a kind of question is answered.

    Args:
        schema: What is asked.
        reply: The answer.
        held: Numbers that it holds in memory for one asset: paths x steps.
    """

    schema: type[Question]
    reply: Reply
    held: Callable[[Any], int]
    is_pure: bool = True
    """Whether the same question has the same answer; a screen counts how often it was run."""


def _summary(query: SummaryQuery, subject: Subject) -> Record:
    portfolio = subject.portfolio(query)
    request = SummaryRequest(
        horizon=query.horizon,
        n_paths=query.n_paths,
        seed=query.seed,
        as_of=query.as_of,
        assets=query.assets,
        quantiles=query.quantiles,
        n_shown=query.n_shown,
        drift=query.drift_policy,
    )
    sampler, prices = subject.sampler, subject.prices
    if query.condition is None:
        return scenario_summary(sampler, prices, portfolio, request).record()
    return summarised(conditioned(query, query.condition, subject), portfolio, request).record()


def conditioned(
    query: ScenarioQuery | SummaryQuery, condition: Condition, subject: Subject
) -> ScenarioSet:
    """Weighted paths that meet a condition.

    Raises:
        InsufficientSupportError: If too few paths meet it.
        RequestError: If it cannot be read, or goes with another drift.
    """
    if query.drift_policy != "model":
        raise RequestError(
            f"drift_policy must be 'model' beside a condition, got '{query.drift_policy}'"
        )
    if not LEAST_POOL <= query.n_paths <= MAX_POOL:
        raise RequestError(
            f"n_paths must lie in {LEAST_POOL:,} to {MAX_POOL:,} beside a condition, got"
            f" {query.n_paths:,}: so many are drawn, those that meet it are returned"
        )
    request = StressRequest(
        shocks=shocks_of(condition.shocks),
        horizon=query.horizon,
        n_pool=query.n_paths,
        min_ess=condition.min_ess,
        seed=query.seed,
        as_of=query.as_of,
        comparators=(),
    )
    held = equal_weights(subject.sampler.assets)
    return conditional_stress(subject.sampler, subject.prices, held, request).scenarios


def _risk(query: RiskQuery, subject: Subject) -> Record:
    request = RiskRequest(
        horizon=query.horizon,
        levels=query.levels,
        loss_over=query.loss_over,
        attributed_at=query.attributed_at,
        n_paths=query.n_paths,
        seed=query.seed,
        as_of=query.as_of,
        drift=query.drift_policy,
        baselines=query.baselines,
    )
    portfolio = subject.portfolio(query)
    baselines = subject.baselines(query.baselines, query.as_of)
    record = risk_statement(subject.sampler, subject.prices, portfolio, request, baselines).record()
    if query.measures is not None:
        _keep(record["results"], query.measures)
    return record


def _keep(results: list[Record], names: tuple[str, ...]) -> None:
    """Leave out the measures that were not asked for."""
    known = list(dict.fromkeys(figure["measure"] for figure in results[0]["measures"]))
    for name in names:
        if name not in known:
            raise RequestError(f"measures must be among {', '.join(known)}, got '{name}'")
    for result in results:
        result["measures"] = [one for one in result["measures"] if one["measure"] in names]


def _stress(query: StressQuery, subject: Subject) -> Record:
    portfolio, sampler, prices = subject.portfolio(query), subject.sampler, subject.prices
    if query.replay is not None:
        window = parse_window(query.replay)
        replayed = ReplayRequest(n_paths=min(query.n_paths, 10_000), seed=query.seed)
        return replay(sampler, prices, portfolio, window, replayed).record()
    if query.views:
        view_request = ViewRequest(
            views=views_of(query.views),
            n_paths=min(query.n_paths, 20_000),
            min_ess=query.min_ess,
            horizon=query.horizon,
            seed=query.seed,
            as_of=query.as_of,
        )
        return viewed(sampler, prices, portfolio, view_request).record()
    request = StressRequest(
        shocks=shocks_of(query.shocks, query.over),
        n_pool=query.n_paths,
        min_ess=query.min_ess,
        search=query.search,
        comparators=query.comparators,
        horizon=query.horizon,
        seed=query.seed,
        as_of=query.as_of,
    )
    return conditional_stress(sampler, prices, portfolio, request).record()


def _reverse(query: ReverseQuery, subject: Subject) -> Record:
    request = ReverseRequest(
        loss=query.loss,
        horizon=query.horizon,
        max_modes=query.max_modes,
        n_parts=query.n_parts,
        n_pool=query.n_paths,
        min_ess=query.min_ess,
        search=query.search,
        seed=query.seed,
        as_of=query.as_of,
        comparators=query.comparators,
    )
    return reverse_stress(
        subject.sampler, subject.prices, subject.portfolio(query), request
    ).record()


def _screen(query: ScreenQuery, subject: Subject) -> Record:
    spec = screen_spec(query)
    references = subject.baselines(spec.references, spec.as_of)
    found = run_screen(subject.sampler, subject.prices, spec, references=references)
    run = {
        "screen_run": found.run,
        "model": found.model,
        "model_digest": found.model_digest,
        "as_of": found.metadata["as_of"],
        "seed": spec.seed,
        "listed": [one.candidate.label for one in found.listed],
    }
    interruption.check()  # a screen that nobody sees is no trial
    trials = log_trial(subject.store, spec.digest(), run)
    standing = find_validation(subject.store, spec.digest(), found.model_digest)
    return replace(found, validation=standing, trials=trials).record()


def screen_spec(query: ScreenQuery) -> ScreenSpec:
    """The specification within a question."""
    return ScreenSpec.model_validate(query.model_dump(mode="json", include=_fields(ScreenSpec)))


def _optimize(query: OptimizeQuery, subject: Subject) -> Record:
    request = OptimizeRequest.model_validate(
        query.model_dump(mode="json", include=_fields(OptimizeRequest))
    )
    assets = subject.sampler.assets
    if query.universe is not None:
        portfolio_of(dict.fromkeys(query.universe, 1.0), assets, allow_leverage=True)
        outside = [f"{asset} == 0" for asset in assets if asset not in query.universe]
        request = request.model_copy(update={"constraints": (*request.constraints, *outside)})
    previous = None
    if query.previous is not None:
        previous = portfolio_of(query.previous, assets, allow_leverage=True)
    return optimise(subject.sampler, subject.prices, request, previous).record()


def _anomalies(query: AnomalyQuery, subject: Subject) -> Record:
    request = AnomalyRequest(
        window=query.window,
        fdr=query.fdr,
        budget=query.budget,
        first=query.first,
        last=query.last,
    )
    sampler = trained(subject.sampler, "anomalies")
    return anomalies_record(find_anomalies(sampler, subject.prices, request))


def _explain(query: ExplainQuery, subject: Subject) -> Record:
    stream = subject.sampler.stream(
        subject.prices, query.horizon, query.path + 1, seed=query.seed, as_of=query.as_of
    )
    return explain(subject.sampler, stream, subject.prices, query.path)


def trained(sampler: Sampler, what: str) -> TrainedSampler:
    """A sampler that is a trained model.

    Raises:
        RequestError: If it is a baseline.
    """
    if isinstance(sampler, TrainedSampler):
        return sampler
    raise RequestError(f"{what} need a trained model, got the baseline '{sampler.reference}'")


def shocks_of(given: tuple[Shock | str, ...], over: int | None = None) -> tuple[Shock, ...]:
    """Shocks as objects; ``over`` is of those that were typed.

    Raises:
        RequestError: If one cannot be read.
    """
    return tuple(parse_shock(one, over) if isinstance(one, str) else one for one in given)


def views_of(given: tuple[View | str, ...]) -> tuple[View, ...]:
    """Views as objects.

    Raises:
        RequestError: If one cannot be read.
    """
    return tuple(parse_view(one) if isinstance(one, str) else one for one in given)


def _fields(schema: type[Any]) -> set[str]:
    return set(schema.model_fields)


def _paths(query: Any) -> int:
    return int(query.n_paths * query.horizon)


ANSWERS: Mapping[Kind, Answering] = {
    "summary": Answering(SummaryQuery, _summary, _paths),
    "risk": Answering(RiskQuery, _risk, _paths),
    "stress": Answering(StressQuery, _stress, _paths),
    "reverse": Answering(ReverseQuery, _reverse, _paths),
    "screen": Answering(
        ScreenQuery, _screen, lambda query: query.n_scenarios * query.horizon, is_pure=False
    ),
    "optimize": Answering(OptimizeQuery, _optimize, _paths),
    "anomalies": Answering(AnomalyQuery, _anomalies, lambda query: query.window),
    "explain": Answering(ExplainQuery, _explain, lambda query: 512 * query.horizon),
}
