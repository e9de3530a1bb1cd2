"""What each kind of job does: the library's long functions, their record or file as the result."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Self, cast

from fingan import pipeline
from fingan.assessment.fidelity import REFERENCE, evaluate, fit_baselines
from fingan.assessment.report import report
from fingan.assessment.report_page import report_page
from fingan.assessment.report_span import compared_span
from fingan.assessment.report_subject import BASELINES, Plan
from fingan.assessment.report_subject import Subject as ReportSubject
from fingan.assessment.var_backtest import Design, backtest
from fingan.data.prices import inspect_prices
from fingan.files import whole_file
from fingan.scenarios.baselines import BaselineName
from fingan.scenarios.formats import Scenarios, write_scenarios
from fingan.scenarios.header import ScenarioHeader
from fingan.scenarios.samplers import TrainedSampler
from fingan.screening.records import save_validation
from fingan.screening.rule import rule_of
from fingan.screening.trials import log_trial
from fingan.screening.validation import Subject as Screened
from fingan.screening.validation import validate
from fingan.screening.walk_forward import WalkForwardDesign, first_unseen
from serve.answers import screen_spec, trained
from serve.cubes import cube_of
from serve.negotiation import JSON, MEDIA_TYPES, SUFFIXES
from serve.schemas import (
    BacktestJob,
    EvaluateJob,
    JobKind,
    Question,
    ReportJob,
    ScenarioJob,
    ScreenJob,
)
from serve.settings import Limits
from serve.subjects import Subject

Tell = Callable[[int, int | None], None]
"""Hears how much is done, of how much; None where nobody knows."""


@dataclass(frozen=True)
class Result:
    """What came out."""

    file: str
    media_type: str
    suffix: str


@dataclass(frozen=True)
class Task:
    """One job at work.

    Args:
        query: What is asked.
        subject: Who is asked.
        directory: Where the result goes.
        limits: Of the service.
        tell: Hears how far it is.
    """

    query: Any
    subject: Subject
    directory: Path
    limits: Limits
    tell: Tell

    def write(self, record: dict[str, Any]) -> Result:
        """A record as the result."""
        from pydantic_core import to_json

        with whole_file(self.directory / "result.json") as file:
            file.write(to_json(record, inf_nan_mode="null"))
        return Result("result.json", JSON, ".json")


@dataclass(frozen=True)
class Told:
    """Scenarios that say how many of them have been drawn."""

    scenarios: Scenarios
    tell: Tell
    n_paths: int

    @property
    def header(self) -> ScenarioHeader:
        """What they are about."""
        return self.scenarios.header

    @property
    def weights(self) -> Any:
        """Probability of each path."""
        return self.scenarios.weights

    def blocks(self) -> Generator[Any, None, None]:
        """Log-returns in the order of the paths."""
        done = 0
        with closing(self.scenarios.blocks()) as blocks:
            for block in blocks:
                done += len(block)
                self.tell(done, self.n_paths)
                yield block

    def page(self, offset: int, limit: int | None = None) -> Self:
        """Some of the paths."""
        return replace(self, scenarios=self.scenarios.page(offset, limit))


def _scenarios(task: Task) -> Result:
    query: ScenarioJob = task.query
    suffix = SUFFIXES.get(query.format, f".{query.format}")
    cube = Told(cube_of(query, task.subject, task.limits), task.tell, query.n_paths)
    name = f"result{suffix}"
    write_scenarios(
        cube,
        task.directory / name,
        values=query.values,
        layout=query.layout,
        format=query.format,
    )
    return Result(name, MEDIA_TYPES.get(query.format, "application/gzip"), suffix)


def _backtest(task: Task) -> Result:
    query: BacktestJob = task.query
    sampler, names = task.subject.sampler, query.baselines
    model = sampler if isinstance(sampler, TrainedSampler) else None
    if model is None:  # a baseline is fitted anew, on the rows before each day
        names = tuple(dict.fromkeys([cast(BaselineName, query.model), *names]))
    design = Design(
        levels=query.levels,
        horizon=query.horizon,
        baselines=names,
        n_paths=query.n_paths,
        refit=query.refit,
        window=query.window,
        seed=query.seed,
    )
    found = backtest(
        model,
        task.subject.prices,
        task.subject.portfolio(query),
        first=query.first,
        last=query.last,
        design=design,
        in_sample=query.in_sample,
        progress=task.tell,
    )
    return task.write(found.record())


def _evaluate(task: Task) -> Result:
    query: EvaluateJob = task.query
    sampler, prices = task.subject.sampler, task.subject.prices
    names = list(dict.fromkeys([*query.baselines, REFERENCE]))
    opponents, skipped = fit_baselines(names, prices, trained(sampler, "evaluations"))
    found = evaluate(
        {"model": sampler, **opponents},
        prices,
        first=query.first,
        last=query.last,
        n_paths=query.n_paths,
        seed=query.seed,
        in_sample=query.in_sample,
        progress=task.tell,
    )
    return task.write(found.record() | {"notes": [*found.notes, *skipped]})


def _validation(task: Task) -> Result:
    query: ScreenJob = task.query
    prices, store = task.subject.prices, task.subject.store
    sampler, spec = trained(task.subject.sampler, "validations"), screen_spec(query)
    design = WalkForwardDesign(
        first=query.first or first_unseen(prices.index, sampler.fitted_until, sampler.reference),
        last=query.last,
        seed=spec.seed,
    )
    run = {"validation": True, "model": sampler.reference, "model_digest": sampler.digest}
    trials = log_trial(store, spec.digest(), run)
    order = [sampler.reference, *spec.references]

    def progress(name: str, done: int, total: int) -> None:
        task.tell(order.index(name) * total + done, len(order) * total)

    found = validate(
        partial(pipeline.refit, sampler),
        prices,
        rule_of(spec, sampler.assets),
        design,
        Screened(sampler.reference, sampler.digest, spec.digest(), sampler.fitted_until),
        references={name: partial(pipeline.baseline, name) for name in spec.references},
        n_trials=trials.with_those_of(sampler.card),
        in_sample=query.in_sample,
        progress=progress,
    )
    record = found.record()
    save_validation(store, record)
    return task.write(record)


def _report(task: Task) -> Result:
    query: ReportJob = task.query
    sampler, prices = trained(task.subject.sampler, "reports"), task.subject.prices
    span = compared_span(
        prices, sampler.fitted_until, query.first, query.last, in_sample=query.in_sample
    )
    subject = ReportSubject(
        sampler=sampler,
        card=sampler.card,
        prices=prices,
        portfolio=task.subject.portfolio(query),
        quality=inspect_prices(prices)[1],
        audit=None,
        commands=[],
    )
    plan = Plan(
        baselines=BASELINES,
        n_paths=query.n_paths,
        n_backtest_paths=10_000,
        seed=query.seed,
        n_processes=1,
    )
    steps = count(1)
    record = report(subject, span, plan, progress=lambda _: task.tell(next(steps), None))
    with whole_file(task.directory / "result.html") as file:
        file.write(report_page(record).encode())
    return Result("result.html", "text/html", ".html")


WORK: dict[JobKind, tuple[type[Question], Callable[[Task], Result]]] = {
    "scenarios": (ScenarioJob, _scenarios),
    "backtest": (BacktestJob, _backtest),
    "evaluate": (EvaluateJob, _evaluate),
    "screen-validation": (ScreenJob, _validation),
    "report": (ReportJob, _report),
}
