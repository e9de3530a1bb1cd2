"""The progress of work over many days: a bar on a terminal, a line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from fingan.cli.console import duration, note

N_LOG_LINES = 10  # in a log, over all days


@contextmanager
def day_progress(text: str = "days forecast") -> Iterator[Callable[[int, int], None]]:
    """What is to be told how many days are done, of how many; it says so on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _log(text)
        return
    columns = (
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _log(text: str) -> Callable[[int, int], None]:
    began, due = time.monotonic(), 0.0

    def tell(done: int, total: int) -> None:
        nonlocal due
        if done >= due or done == total:
            due = done + total / N_LOG_LINES
            note(f"{text}: {done:,} of {total:,}, {duration(time.monotonic() - began)}")

    return tell
