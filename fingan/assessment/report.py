"""The report on a model: evaluated, backtested, drawn and judged in plain words, on one page."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fingan.assessment.fidelity import evaluate
from fingan.assessment.report_backtest import backtest_section
from fingan.assessment.report_copies import copies_section
from fingan.assessment.report_dependence import dependence_section
from fingan.assessment.report_distribution import distribution_section
from fingan.assessment.report_document import Section, Statement
from fingan.assessment.report_draws import Draws, Weights, report_draws, returns_of
from fingan.assessment.report_dynamics import dynamics_section
from fingan.assessment.report_fidelity import fidelity_section
from fingan.assessment.report_model import (
    NOT_ADVICE,
    data_section,
    gates_section,
    limits_section,
    model_section,
    rerun_section,
)
from fingan.assessment.report_scenarios import scenario_section
from fingan.assessment.report_span import Span, fitting_window
from fingan.assessment.report_subject import Plan, Subject
from fingan.assessment.report_verdict import (
    backtest_statements,
    fidelity_statements,
    gate_statements,
    headline,
)
from fingan.assessment.report_windows import windows_section
from fingan.assessment.var_backtest import Design, backtest
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.baselines import baseline
from fingan.scenarios.present import check_columns
from fingan.scenarios.samplers import Sampler

Record = dict[str, Any]

VERSION = 1
NO_TEST = "no day after training"
TESTED = {
    "fidelity": "Fidelity beside baselines",
    "distribution": "Distribution and tails",
    "dynamics": "Dynamics",
    "dependence": "Dependence",
    "scenarios": "Scenarios and what happened",
    "backtest": "Backtest",
}
HEADINGS = {
    "failed": "Failed",
    "loses": "Loses to a baseline",
    "passed": "Passed",
    "differs": "Differs from the market by more than chance",
    "wins": "Better than the reference",
    "open": "No difference shown, or not applicable",
}


@dataclass
class _Findings:
    """Sections, records and statements as they come in."""

    sections: list[Section] = field(default_factory=list)
    records: Record = field(default_factory=lambda: {"evaluation": None, "backtest": None})
    statements: list[Statement] = field(default_factory=list)


def report(
    subject: Subject,
    span: Span | None,
    plan: Plan | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> Record:
    """Put a model to the test and write down everything about it.

    Args:
        subject: The model, its card, its prices.
        span: Days to compare; None leaves out what needs days after training.
        plan: Baselines, numbers of paths, seed.
        progress: Told what is being done.

    Returns:
        The document as JSON: verdict, sections with text, tables and figures, and the records
        that they were made from. ``report_page`` makes the page of it.

    Raises:
        RequestError: If a baseline or a number is not allowed.
        UnknownAssetError: If the prices lack an asset of the model.
    """
    plan, say = plan or Plan(), progress or _nothing
    sampler, card, prices = subject.sampler, subject.card, subject.prices
    check_columns(prices, sampler.assets, sampler.kind, f"model '{sampler.reference}'")
    returns = returns_of(sampler.assets, prices)
    found = _tested(subject, span, plan, say)
    say("searching for copies of training days")
    copies = copies_section(sampler, prices, returns, subject.audit, seed=plan.seed)
    windows = windows_section(sampler, prices, returns, _weights(subject), seed=plan.seed)
    gates = gate_statements(card.get("gates", {}))
    found.statements += copies.lists.get("Result", [])
    sections = [
        data_section(
            prices, returns, card, sampler.fitted_until, _weights(subject), subject.quality
        ),
        model_section(card, sampler.reference, sampler.digest),
        *found.sections,
        windows,
        copies,
        gates_section(card.get("gates", {})),
        limits_section(card),
        rerun_section(subject.commands, prices, card, sampler.digest, plan.seed),
    ]
    days = _days(found.records, span)
    return {
        "kind": "report",
        "version": VERSION,
        "model": sampler.reference,
        "digest": sampler.digest,
        "span": days,
        "seed": plan.seed,
        "advice": NOT_ADVICE,
        "verdict": {
            "headline": headline(found.statements, gates, days, sampler.reference),
            "lists": _sorted([*gates, *found.statements]),
        },
        "sections": [section.record() for section in sections],
        "records": {"card": card, "privacy": subject.audit, **found.records},
    }


def _days(records: Record, span: Span | None) -> Record | None:
    """The days that were compared, as the records say."""
    tested = records["evaluation"] or records["backtest"]
    if span is None or tested is None:
        return None
    return {**tested["span"], "in_sample": span.in_sample}


def _tested(
    subject: Subject, span: Span | None, plan: Plan, say: Callable[[str], None]
) -> _Findings:
    """Everything that needs days to compare with."""
    found = _Findings()
    if span is None:
        found.sections = [_absent(name, title, NO_TEST) for name, title in TESTED.items()]
        return found
    say(f"fitting {len(plan.baselines)} baselines")
    samplers = _fitted(subject, plan.baselines)
    say(f"evaluating on {span.first:%Y-%m-%d} to {span.last:%Y-%m-%d}")
    found.sections.append(_evaluated(found, samplers, subject, span, plan))
    say("drawing figures")
    shown = {name: samplers[name] for name in ("model", plan.reference)}
    draws = report_draws(shown, subject.prices, span.first, span.last, seed=plan.seed)
    found.sections += _drawn(subject, draws, plan.seed)
    say("backtesting value at risk")
    found.sections.append(_backtested(found, subject, span, plan))
    return found


def _evaluated(
    found: _Findings, samplers: dict[str, Sampler], subject: Subject, span: Span, plan: Plan
) -> Section:
    try:
        record = evaluate(
            samplers,
            subject.prices,
            first=span.first,
            last=span.last,
            reference=plan.reference,
            n_paths=plan.n_paths,
            seed=plan.seed,
            in_sample=span.in_sample,
        ).record()
    except (RequestError, PriceDataError) as too_thin:
        return _absent("fidelity", TESTED["fidelity"], str(too_thin))
    found.records["evaluation"] = record
    found.statements += fidelity_statements(record)
    return fidelity_section(record)


def _backtested(found: _Findings, subject: Subject, span: Span, plan: Plan) -> Section:
    try:
        record = backtest(
            subject.sampler,
            subject.prices,
            subject.portfolio,
            first=span.first,
            last=span.last,
            design=Design(
                baselines=tuple(plan.baselines),
                n_paths=plan.n_backtest_paths,
                window=fitting_window(subject.prices, span),
                seed=plan.seed,
            ),
            in_sample=span.in_sample,
            n_processes=plan.n_processes,
        ).record()
    except (RequestError, PriceDataError) as too_thin:
        return _absent("backtest", TESTED["backtest"], str(too_thin))
    found.records["backtest"] = record
    found.statements += backtest_statements(record)
    return backtest_section(record)


def _drawn(subject: Subject, draws: Draws, seed: int) -> list[Section]:
    weights = _weights(subject)
    return [
        distribution_section(draws, weights),
        dynamics_section(draws, weights),
        dependence_section(draws),
        scenario_section(subject.sampler, subject.prices, draws, weights, seed=seed),
    ]


def _weights(subject: Subject) -> Weights | None:
    """Of the portfolio; levels make none."""
    if subject.sampler.kind == "level":
        return None
    return subject.portfolio.weights_of(subject.sampler.assets)


def _fitted(subject: Subject, baselines: Sequence[str]) -> dict[str, Sampler]:
    """The model and its opponents, fitted on the rows that the model knew."""
    known = subject.prices.loc[: subject.sampler.fitted_until, list(subject.sampler.assets)]
    known.attrs = dict(subject.prices.attrs)
    samplers: dict[str, Sampler] = {"model": subject.sampler}
    return samplers | {name: baseline(name, known) for name in baselines}


def _absent(name: str, title: str, reason: str) -> Section:
    return Section(name, title, not_applicable=reason)


def _sorted(statements: Sequence[Statement]) -> dict[str, list[Record]]:
    """Statements by heading, the bad news first."""
    found = {
        heading: [asdict(entry) for entry in statements if entry.outcome == outcome]
        for outcome, heading in HEADINGS.items()
    }
    return {heading: entries for heading, entries in found.items() if entries}


def _nothing(_text: str) -> None:
    pass
