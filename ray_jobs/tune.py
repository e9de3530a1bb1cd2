"""Try many configurations: ``python -m ray_jobs.tune --config sweep.toml``.

Ray Tune starts trials, stops those that are behind, and asks the searcher for the next values. What
a trial reached stands in a journal of our own before it counts; a sweep that was killed goes on
with ``--resume``, runs no ended trial twice, and lets one that was cut off go on from its newest
checkpoint. Trials are compared by the written rule on the validation span, never on later days; the
job's own configuration is always one of them, runs to its end, and wins a tie.
"""

import contextlib
import math
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fingan.assessment.sweep_page import write_sweep_page
from fingan.config import load_config
from fingan.errors import CheckpointError
from fingan.files import Folder, folder, remove_folder
from fingan.pipeline import TrainingRun
from ray_jobs.cluster import connect, ray_storage
from ray_jobs.command import (
    WorkersLostError,
    digest,
    exit_code,
    job_parser,
    overrides,
    say,
    show,
)
from ray_jobs.journal import Entry, Journal
from ray_jobs.population import (
    member_name,
    member_trial,
    members,
    population_scheduler,
    schedule_in,
)
from ray_jobs.runs import prepared_run
from ray_jobs.sweep import SweepJob, Values
from ray_jobs.trials import WAITING, WORKING, WORST, distributed_trial, flat_trial, reports

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What every trial must know."""

    job: SweepJob
    directory: Path
    """Of the journal and the page: in the store, or below the driver's home beside a bucket."""
    trials: Folder
    """Checkpoints, a directory a trial."""
    name: str
    store: str

    @property
    def place(self) -> dict[str, Any]:
        """What is the same in every trial."""
        device = "cuda" if self.job.use_gpu else "cpu"
        return {
            "name": self.name,
            "store": self.store,
            "device": device,
            "mlflow": self.job.mlflow,
        }

    def given(self, values: Values, member: int | None = None) -> dict[str, Any]:
        """What a trial is told; a member of a population besides, whose checkpoints it may take."""
        config = self.job.configured(values).model_dump(mode="json")
        if member is None:
            directory = self.trials / digest(config)
            return {"values": values, "train": config, "directory": str(directory)}
        return {
            "values": values,
            "train": config,
            "directory": str(self.trials / member_name(member)),
            "population": self.directory.name,
        }


@dataclass(frozen=True)
class Sweep:
    """A sweep where it stands."""

    plan: Plan
    run: TrainingRun
    """Of the job's own configuration."""
    journal: Journal
    moves: Journal
    """Of a population."""

    @classmethod
    def opened(cls, job: SweepJob, *, resume: bool) -> "Sweep":
        """Make the sweep's directory ready: empty, or with something to resume."""
        run = prepared_run(job, resume=False)
        run.check()
        if job.searcher == "random":
            job.draws(job.n_trials)  # or the space is too small
        document = job.model_dump(mode="json", exclude={"concurrent", "n_trials", "max_failures"})
        key = digest([run.identity["data"], document])
        place = Path(".sweeps", f"{job.name}-{key}")
        root = run.directory.parent.parent
        directory = (root if isinstance(root, Path) else Path.home() / ".fingan") / place
        trials = root / str(place / "trials")
        if resume and not directory.exists():
            raise CheckpointError(
                f"{directory}: there is no sweep to resume with these prices, this job and this"
                " name; start without --resume"
            )
        if not resume:
            remove_folder(directory)
            remove_folder(trials)
        for one in (directory, trials):
            one.mkdir(parents=True, exist_ok=True)
        plan = Plan(job, directory, trials, run.name, run.store)
        journals = (Journal(directory / f"{name}.jsonl") for name in ("journal", "moves"))
        return cls(plan, run, *journals)

    def ended(self) -> dict[str, Entry]:
        """What every trial that ended has reached, by its values."""
        return {
            _key(entry["values"], entry.get("member")): entry for entry in self.journal.entries()
        }

    @property
    def n_tried(self) -> int:
        """Configurations that have been tried."""
        return len(self.ended()) + len(self.moves.entries())

    def record(self, values: Values, last: dict[str, Any], member: int | None = None) -> None:
        """Write down how a trial ended."""
        names = ("score", "publishes", "checks", "step", "seconds", "problem")
        state = "finished" if last.get("is_whole") else "stopped"
        known = {name: last[name] for name in names if name in last}
        state = "failed" if "problem" in last else state
        if member is not None:
            known["member"] = member
        if _key(values, member) not in self.ended():
            self.journal.append({"values": values, "state": state, **known})
        described = ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                              for key, value in values.items())  # fmt: skip
        say(f"{state}: score {known['score']:.4f}  {described or 'the job as it is'}")


def _key(values: Values, member: int | None = None) -> str:
    """What tells trials apart: their values, but for the members of a population."""
    return digest(values) if member is None else member_name(member)


def sweep(job: SweepJob, *, resume: bool = False) -> Outcome:
    """Try, compare, publish the best.

    Raises:
        FinganError: If the caller can mend it.
        WorkersLostError: If trials died, or the cluster has no room for them.
    """
    work = Sweep.opened(job, resume=resume)
    connect(n_cpus=_processors(job))
    ray_state = work.plan.trials.parent / "ray"
    try:
        _try_all(work, ray_state)
    finally:
        remove_folder(ray_state)
    return _published(work)


def _processors(job: SweepJob) -> int:
    """What trials that run at once ask for; the job's own trial is one of them, or beside them."""
    if job.workers == 1:
        return max(2, job.concurrent)
    return math.ceil(job.concurrent * (WAITING + WORKING * job.workers)) + 1


def _try_all(work: Sweep, ray_state: Folder) -> None:
    import ray

    prices = ray.put(work.run.prices)
    own = None
    if OWN not in work.ended():
        task = ray.remote(num_cpus=1, num_gpus=int(work.plan.job.use_gpu))(_own_trial)
        own = task.remote(work.plan.given({}), prices, work.plan.place)
    _search(work, prices, ray_state)
    if own is not None:
        work.record({}, ray.get(own))


def _own_trial(given: dict[str, Any], prices: Any, where: dict[str, Any]) -> dict[str, Any]:
    """The job's own configuration to its end, whatever others reach."""
    *_, last = reports(given, prices, where)
    return last


def _search(work: Sweep, prices: Any, ray_state: Folder) -> None:
    from ray import tune

    job = work.plan.job
    n_left = job.n_trials - 1 - len(set(work.ended()) - {OWN})
    if n_left < 1:
        return
    space, searcher = _searcher(work, n_left)
    trainable = _trainable(work.plan, prices)
    tuner = tune.Tuner(
        trainable,
        param_space=space,
        tune_config=tune.TuneConfig(
            num_samples=n_left if searcher is not None else 1,
            max_concurrent_trials=None if job.scheduler == "pbt" else job.concurrent,
            search_alg=searcher,
            scheduler=_scheduler(work),
            trial_name_creator=_name_of,
            **({} if searcher is not None else {"metric": "score", "mode": "min"}),
        ),
        run_config=tune.RunConfig(
            name=uuid.uuid4().hex,
            **ray_storage(ray_state),
            verbose=0,
            callbacks=[_journalling(work)],
            failure_config=tune.FailureConfig(max_failures=job.max_failures),
        ),
    )
    with contextlib.redirect_stdout(sys.stderr):  # where Ray would say what it does
        results = tuner.fit()
    if results.errors:
        raise WorkersLostError(
            f"{len(results.errors)} of {n_left} trials died, the first with:"
            f" {str(results.errors[0]).strip().splitlines()[-1]}; go on with --resume"
        )


def _searcher(work: Sweep, n_left: int) -> tuple[dict[str, Any], Any]:
    """The space as Tune takes it, and who chooses from it."""
    from ray import tune

    job, ended = work.plan.job, work.ended()
    if job.scheduler == "pbt":
        numbers = [entry["member"] for entry in ended.values() if "member" in entry]
        return {"told": tune.grid_search(members(job, numbers, work.plan.trials))}, None
    if job.searcher == "random":
        drawn = job.draws(job.n_trials)[1:]
        left = [values for values in drawn if digest(values) not in ended]
        return {"told": tune.grid_search([{"values": values} for values in left[:n_left]])}, None
    from ray.tune.search.optuna import OptunaSearch

    known = [entry for entry in ended.values() if entry["values"]]
    searcher = OptunaSearch(
        space={key: _distribution(one) for key, one in job.space.items()},
        metric="score",
        mode="min",
        seed=job.seed + len(known),
        points_to_evaluate=[entry["values"] for entry in known] or None,
        evaluated_rewards=[entry["score"] for entry in known] or None,
    )
    return {}, searcher


def _distribution(dimension: Any) -> Any:
    from optuna import distributions as of

    if dimension.choices:
        return of.CategoricalDistribution(list(dimension.choices))
    low, high = dimension.bounds
    if dimension.integer:
        return of.IntDistribution(int(low), int(high), log=dimension.log)
    return of.FloatDistribution(low, high, log=dimension.log)


def _scheduler(work: Sweep) -> Any:
    from ray.tune.schedulers import ASHAScheduler

    job = work.plan.job
    if job.scheduler == "pbt":
        return population_scheduler(job, work.moves)
    if job.scheduler == "none" or job.n_checks <= job.grace:
        return None
    return ASHAScheduler(
        time_attr="checks",
        max_t=job.n_checks + 1,
        grace_period=job.grace,
        reduction_factor=job.reduction,
    )


def _name_of(trial: Any) -> str:
    """A trial's name: a member of a population keeps it when its values move."""
    member = trial.config.get("told", {}).get("member")
    return trial.trial_id if member is None else member_name(member)


def _trainable(plan: Plan, prices: Any) -> Any:
    """One trial as Tune starts it; a trial of several workers waits beside them."""
    from ray import tune

    if plan.job.workers == 1:
        resources = {"cpu": 1, "gpu": int(plan.job.use_gpu)}
        start = _start_member if plan.job.scheduler == "pbt" else _start_flat
        return tune.with_resources(partial(start, plan=plan, prices=prices), resources)
    return tune.with_resources(
        partial(_start_distributed, plan=plan, prices=prices), {"cpu": WAITING}
    )


def _start_flat(config: Values, *, plan: Plan, prices: Any) -> None:
    import ray

    if (given := _given(plan, config)) is not None:
        flat_trial(given, ray.get(prices), plan.place)


def _start_member(config: dict[str, Any], *, plan: Plan, prices: Any) -> None:
    import ray
    from ray import tune

    member = _member_of(tune.get_context().get_trial_name())
    member_trial(plan.given(values_of(config), member), ray.get(prices), plan.place)


def _member_of(name: str) -> int | None:
    """The number in the name of a member's trial."""
    start, _, number = name.rpartition("-")
    return int(number) if start else None


def _start_distributed(config: Values, *, plan: Plan, prices: Any) -> None:
    if (given := _given(plan, config)) is not None:
        distributed_trial(given, prices, plan.place, plan.job)


def _given(plan: Plan, config: dict[str, Any]) -> dict[str, Any] | None:
    """What a trial is told; one whose values do not fit together ends here."""
    from ray import tune

    try:
        return plan.given(values_of(config))
    except ValueError as misfit:
        problem = str(misfit)
        tune.report({"score": WORST, "publishes": 0, "checks": 1, "step": 0, "problem": problem})
        return None


def values_of(config: dict[str, Any]) -> Values:
    """What a trial changes, as its configuration says it."""
    values: Values = config["told"]["values"] if "told" in config else config
    return values


def _journalling(work: Sweep) -> Any:
    """Ray's word for the end of a trial, to the journal."""
    from ray import tune

    class Journalling(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(
            self,
            iteration: int,  # noqa: ARG002 - Ray's signature
            trials: Sequence[Any],  # noqa: ARG002
            trial: Any,
            **info: Any,  # noqa: ARG002
        ) -> None:
            if trial.last_result:
                member = _member_of(str(trial))
                work.record(values_of(trial.config), trial.last_result, member)

    return Journalling()


def _published(work: Sweep) -> Outcome:
    """Publish the best trial; only then forget the checkpoints."""
    ended = work.ended()
    finished = [entry for entry in ended.values() if entry["state"] == "finished"]
    if not finished:
        raise WorkersLostError(f"no trial of {len(ended)} came to its end with a sound check")
    own = ended[OWN]
    best = min(finished, key=lambda entry: (entry["score"], bool(entry["values"])))
    if best["score"] >= WORST:
        raise WorkersLostError("no trial has a check without a collapse; nothing is published")
    plan, given = work.plan, work.plan.given(best["values"], best.get("member"))
    directory = folder(given["directory"])
    run = replace(
        work.run,
        config=plan.job.configured(best["values"]),
        directory=directory,
        resume=True,
        n_trials=work.n_tried,
        population=given.get("population"),
        schedule=tuple(schedule_in(directory)),
    )
    for _ in run.steps():
        pass
    page = write_sweep_page(
        plan.directory / "summary.html",
        name=plan.job.name,
        model=str(run.reference),
        trials=list(ended.values()),
    )
    for path in plan.trials.iterdir():
        if path.name != run.directory.name:
            remove_folder(path)
    counts = {state: sum(one["state"] == state for one in ended.values()) for state in STATES}
    return {
        "model": run.reference,
        "store": run.store,
        "n_trials": len(ended),
        "n_moves": len(work.moves.entries()),
        **counts,
        "values": best["values"],
        "score": best["score"],
        "own_score": own["score"],
        "beats_own": bool(best["score"] < own["score"]),
        "networks": best["publishes"],
        "journal": str(work.journal.path),
        "page": str(page),
    }


OWN = digest({})  # key of the job's own configuration
STATES = ("finished", "stopped", "failed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands after ``python -m ray_jobs.tune``; None for the process's own.
    """
    given = job_parser(
        "tune",
        "Try many configurations and publish the best by the validation rule.",
        "python -m ray_jobs.tune --config ray_jobs/configs/sweep.toml --set n_trials=8",
    ).parse_args(arguments)

    def work() -> None:
        job = load_config(SweepJob, given.config, overrides(given, "store"))
        show(sweep(job, resume=given.resume), as_json=given.json)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
