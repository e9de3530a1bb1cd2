"""Run a screen: joint scenarios, figures with their errors, verdicts, references beside them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from fingan.data.returns import end_of
from fingan.errors import RequestError
from fingan.risk import influences
from fingan.risk.estimates import Estimate, effective_size, few_beyond
from fingan.scenarios.baselines import baseline
from fingan.scenarios.present import Present, present
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.screening.article import ArticleRule, article_rule
from fingan.screening.candidates import candidates_of
from fingan.screening.criteria import better
from fingan.screening.draws import Drawn, draw
from fingan.screening.ranking import ranked
from fingan.screening.references import Sorts, agreement, sorts
from fingan.screening.results import CandidateResult, Screen
from fingan.screening.specification import Criterion, Figure, ScreenSpec
from fingan.screening.verdicts import Judged, adjusted, bounds, p_value, verdict

FEWEST_GENERATORS = 5
SAME_ORDER = 0.9  # rank correlation from which an order is that of a reference
SHOWN_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
SHOWN_LEVEL = 0.975


def run_screen(
    sampler: Sampler,
    prices: pd.DataFrame,
    spec: ScreenSpec,
    *,
    references: Sequence[Sampler] | None = None,
    n_threads: int = 1,
) -> Screen:
    """Rank candidates by what a generator's scenarios say of them, and judge them.

    Args:
        sampler: Who draws: the trained model or a baseline.
        prices: History from ``read_prices``; rows after the screen's date change nothing.
        spec: The screen.
        references: Generators without skill, fitted already; if not given, those that the screen
            names are fitted on the rows up to its date, some seconds of work.
        n_threads: Blocks of paths drawn at once; changes no figure.

    Raises:
        UnknownAssetError: If the screen names an asset that the model does not have.
        RequestError: If the date lies outside the prices, or the model is one of levels.
    """
    if sampler.kind == "level":
        raise RequestError("a screen needs prices or returns, but the model is one of levels")
    candidates = candidates_of(spec, sampler.assets)
    now = present(prices, sampler.assets, sampler.kind, spec.as_of, f"'{sampler.reference}'")
    if references is None:
        references = _fitted(prices, sampler, now, spec)
    scenarios = draw(sampler, prices, spec, n_threads=n_threads)
    ours = Drawn.of(scenarios, candidates, spec)
    others = [
        Drawn.of(draw(one, prices, spec, n_threads=n_threads), candidates, spec)
        for one in references
    ]
    past = sorts(now.returns, candidates, spec.top_k)
    judged, shown = _judged(spec, ours, others, past), _distribution(ours)
    scores = ours.figure(spec.rank_by)
    orders = {
        one.sampler: better(spec.rank_by, one.figure(spec.rank_by).value) for one in others
    } | dict(past.scores)
    places = ranked(
        spec.rank_by, scores, spec.top_k, ours.paths.weights, ours.members, seed=spec.seed
    )
    results = (
        CandidateResult(
            candidate=candidates[place.candidate],
            place=place,
            criteria=judged[place.candidate],
            q_at_most=spec.multiplicity.q,
            distribution={name: each[place.candidate] for name, each in shown.items()},
            picked_by=tuple(past.picked(place.candidate)),
        )
        for place in places
    )
    alike = agreement(spec.rank_by, scores.value, orders)
    return Screen(
        model=sampler.reference,
        spec=spec,
        metadata=scenarios.metadata,
        results=tuple(results),
        agreement=alike,
        article=_article([sampler, *references], prices, spec, n_threads),
        warnings=(*_warnings(spec, scenarios), *_known_orders(alike)),
    )


class _Tried(NamedTuple):
    """A candidate's figure before anything is adjusted."""

    estimate: Estimate
    references: dict[str, float]
    p: float | None


def _fitted(
    prices: pd.DataFrame, sampler: Sampler, now: Present, spec: ScreenSpec
) -> list[Sampler]:
    rows = prices.loc[: now.as_of, list(sampler.assets)]
    rows.attrs = dict(prices.attrs)
    return [baseline(name, rows) for name in spec.references]


def _judged(
    spec: ScreenSpec, ours: Drawn, others: Sequence[Drawn], past: Sorts
) -> list[tuple[Judged, ...]]:
    """Each candidate's criteria, their p adjusted over all of them."""
    tried = [_tried(criterion, ours, others, past) for criterion in spec.criteria]
    q = iter(adjusted([one.p for row in tried for one in row], spec.multiplicity))
    rows = [
        [_verdict(criterion, one, next(q), ours.n_generators) for one in row]
        for criterion, row in zip(spec.criteria, tried, strict=True)
    ]
    if not rows:
        return [()] * ours.paths.net.shape[1]
    return list(zip(*rows, strict=True))


def _tried(criterion: Criterion, ours: Drawn, others: Sequence[Drawn], past: Sorts) -> list[_Tried]:
    """A criterion's figure of each candidate, beside the references."""
    own = ours.figure(criterion)
    estimates = ours.estimates(own, _note(criterion, ours))
    beside = [one.estimates(one.figure(criterion)) for one in others]
    sorted_out = past.figures(own.value)
    found = []
    for number, estimate in enumerate(estimates):
        rivals = [each[number] for each in beside]
        named = zip((one.sampler for one in others), rivals, strict=True)
        known = {name: one.estimate for name, one in named if one.mc_se is not None}
        p = p_value(criterion, estimate, rivals, ours.n_generators)
        found.append(_Tried(estimate, known | sorted_out, p))
    return found


def _verdict(criterion: Criterion, one: _Tried, q: float | None, n_generators: int) -> Judged:
    ends = bounds(one.estimate, criterion.confidence, n_generators)
    lower, upper = (None, None) if ends is None else ends
    return Judged(
        criterion=criterion,
        estimate=one.estimate,
        lower=lower,
        upper=upper,
        verdict=verdict(criterion, ends),
        p=one.p,
        q=q,
        references=one.references,
    )


def _note(figure: Figure, drawn: Drawn) -> str | None:
    """The warning of a tail that too few paths show."""
    if figure.metric != "es":
        return None
    weights = drawn.paths.weights
    n = len(drawn.paths.net) if weights is None else effective_size(weights)
    return few_beyond(figure.parameter("level"), n)


def _distribution(drawn: Drawn) -> dict[str, list[Estimate]]:
    """What every candidate's paths look like."""
    net, weights = drawn.paths.net, drawn.paths.weights
    shortfall = influences.expected_shortfall(-net, SHOWN_LEVEL, weights)
    deep = influences.quantile(drawn.paths.max_drawdown, 0.95, weights)
    shown = {
        "mean": drawn.estimates(influences.mean(net, weights)),
        "volatility": drawn.estimates(influences.volatility(net, weights)),
        "es_975": drawn.estimates(shortfall),
        "mdd_p95": drawn.estimates(deep),
    }
    for share in SHOWN_QUANTILES:
        name = f"q{100 * share:02.0f}"
        shown[name] = drawn.estimates(influences.quantile(net, share, weights))
    return shown


def _article(
    samplers: Sequence[Sampler], prices: pd.DataFrame, spec: ScreenSpec, n_threads: int
) -> Mapping[str, ArticleRule]:
    """What the article's rule selects of each sampler, where the screen asks for it."""
    if spec.criterion != "article":
        return {}
    found = {}
    for one in samplers:
        drawn = draw(one, prices, spec, 2 * spec.horizon, n_threads=n_threads)
        found[one.reference] = article_rule(
            drawn.log_returns, spec.article_threshold, drawn.weights, drawn.members
        )
    return found


def _warnings(spec: ScreenSpec, scenarios: ScenarioSet) -> Iterator[str]:
    metadata: Mapping[str, Any] = scenarios.metadata
    match spec.drift_policy:
        case "model":
            yield (
                "drift policy model: 20 years at a volatility of 20 % leave a mean a standard"
                " error of 4.5 % a year, so that the order is mostly noise of the means"
            )
        case "neutral":
            yield (
                "drift policy neutral: all expected returns are equal, and the screen speaks of"
                " shape alone: volatility, tails, drawdowns, co-movement"
            )
        case "views":
            effective = f"{metadata['ess']:,.0f} effective paths of {spec.n_scenarios:,}"
            yield f"drift policy views: what the views say and nothing else; {effective}"
    n_generators = metadata["n_generators"]
    if n_generators < FEWEST_GENERATORS:
        errors = "has no model error" if n_generators < 2 else "knows its model error badly"
        yield f"an ensemble of {n_generators} {errors}; train at least {FEWEST_GENERATORS}"
    if end_of(metadata["as_of"]) < pd.Timestamp(metadata["fitted_until"]):
        yield "fitted on rows after as_of: no forecast, and better than it could have been"
    stale = metadata["not_observed_on_as_of"]
    if stale:
        yield f"without a price on as_of, continued from an earlier one: {', '.join(stale)}"
    yield "the universe is not point-in-time: names that ended before are missing"


def _known_orders(alike: Mapping[str, float | None]) -> Iterator[str]:
    """What has the same order for less."""
    for name, value in alike.items():
        if value is not None and abs(value) >= SAME_ORDER:
            way = "that" if value > 0 else "the reverse"
            yield f"the order is nearly {way} of {name} (rank correlation {value:+.2f})"
