"""The progress of a training run: a bar on a terminal, a line now and then in a log."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from fingan.cli.console import duration

N_LOG_LINES = 10  # in a log, over the whole run


@runtime_checkable
class Progress(Protocol):
    """What the training loop reports."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""

    @property
    def member(self) -> int:
        """The generator in training, from 0."""

    @property
    def n_members(self) -> int:
        """Generators of the run."""

    @property
    def metrics(self) -> dict[str, float]:
        """Terms of the objective and the validation score."""

    @property
    def seconds(self) -> float:
        """Time since this process began to train."""

    @property
    def warning(self) -> str | None:
        """What the latest check found wrong."""


SomeProgress = TypeVar("SomeProgress", bound=Progress)


def follow(training: Iterable[SomeProgress]) -> SomeProgress | None:
    """Show each report of a run on stderr; return the last one, if any step was left to do."""
    console = Console(stderr=True)
    watched = _with_warnings(training, console)
    return _follow_on_terminal(watched, console) if console.is_terminal else _log(watched)


def _with_warnings(training: Iterable[SomeProgress], console: Console) -> Iterator[SomeProgress]:
    """The same reports; what a check finds wrong is said once, when it is found."""
    said = None
    for progress in training:
        if progress.warning not in (None, said):
            console.print(f"warning: step {progress.step}: {progress.warning}", soft_wrap=True)
        said = progress.warning
        yield progress


def _follow_on_terminal(training: Iterable[SomeProgress], console: Console) -> SomeProgress | None:
    columns = (
        MofNCompleteColumn(),
        TextColumn("{task.fields[member]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[terms]}", style="dim"),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("training", total=None, member="", left="", terms="")
        clock, progress = _Clock(), None
        for progress in training:
            bar.update(
                task,
                completed=progress.step,
                total=progress.total_steps,
                member=_member(progress),
                left=clock.time_left(progress),
                terms=_terms(progress),
            )
    return progress


def _log(training: Iterable[SomeProgress]) -> SomeProgress | None:
    clock, console, due = _Clock(), Console(stderr=True, width=200), 0.0
    progress = None
    for progress in training:
        left = clock.time_left(progress)
        if progress.step >= due or progress.step == progress.total_steps:
            due = progress.step + progress.total_steps / N_LOG_LINES
            place = f"step {progress.step}/{progress.total_steps}"
            member = _member(progress)
            place += f", {member}" if member else ""
            console.print(f"{place}  {left}  {_terms(progress)}", highlight=False)
    return progress


class _Clock:
    """Time left, from the pace since the first report: a resumed run does not begin at 0."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def time_left(self, progress: Progress) -> str:
        self._first = self._first or (progress.step, progress.seconds)
        step, seconds = self._first
        if progress.step == step:
            return ""
        pace = (progress.seconds - seconds) / (progress.step - step)
        return f"{duration(pace * (progress.total_steps - progress.step))} left"


def _member(progress: Progress) -> str:
    """Which generator is in training, where there are several."""
    several = progress.n_members > 1
    return f"generator {progress.member + 1} of {progress.n_members}" if several else ""


def _terms(progress: Progress) -> str:
    return "  ".join(
        f"{name.replace('_', ' ')} {value:.4g}" for name, value in progress.metrics.items()
    )
