"""Jobs as Ray tasks: each takes a core of the cluster while it works.

A task ends with the replica that started it; the job's directory says what is still to be done, so
that the next replica starts it again. On a cluster of several nodes the state directory must be the
same directory on each.
"""

from pathlib import Path

import ray

from serve.job import work

JOB_CPUS = 1


@ray.remote(num_cpus=JOB_CPUS, max_retries=0)  # type: ignore[untyped-decorator]
def _work(directory: str) -> None:
    work(Path(directory))


class TaskRunner:
    """Starts a task for a job's directory."""

    def __init__(self) -> None:
        self._tasks: dict[Path, ray.ObjectRef] = {}

    def start(self, directory: Path) -> None:
        """Begin; returns at once."""
        self._tasks[directory] = _work.remote(str(directory))

    def is_alive(self, directory: Path) -> bool:
        """Whether its task runs or waits for a core."""
        task = self._tasks.get(directory)
        if task is None:
            return False
        ended, _ = ray.wait([task], timeout=0)
        return not ended

    def stop(self, directory: Path) -> None:
        """End its task, and the process that it runs in."""
        task = self._tasks.pop(directory, None)
        if task is not None:
            ray.cancel(task, force=True)

    def close(self) -> None:
        """Let go of its tasks; they end with this process."""
        self._tasks.clear()
