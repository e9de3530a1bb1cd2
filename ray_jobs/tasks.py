"""Tasks of a job: a few at once, their results in the order of the calls, kept where asked."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pydantic import NonNegativeInt, PositiveInt

from fingan.config import Config
from fingan.errors import FinganError, RequestError
from fingan.files import Folder, folder, remove_folder, whole_file
from ray_jobs.cluster import connect
from ray_jobs.command import WorkersLostError

Call = TypeVar("Call")
Found = TypeVar("Found")


class Tasks(Config):
    """A job whose work is many tasks."""

    workers: PositiveInt = 2
    """Tasks that run at once, each on one processor."""

    max_failures: NonNegativeInt = 3
    """How often a task is tried again after its worker died."""


def told_in_order(
    work: Callable[[Any, Call], Found], shared: Any, calls: Sequence[Call], job: Tasks
) -> Iterator[Found]:
    """Results of a function, each call a task of its own, in the order of the calls.

    Args:
        work: The function: what is shared, then what differs.
        shared: Its first argument, handed to each machine once.
        calls: Its second arguments.
        job: Tasks at once and retries.

    Raises:
        FinganError: That a task ended with; what is still running is cancelled.
        WorkersLostError: If a worker died too often.
    """
    if not calls:
        return
    ray = connect(n_cpus=job.workers)
    held = ray.put(shared)
    task = ray.remote(num_cpus=1, max_retries=job.max_failures)(_told)
    running: dict[Any, int] = {}
    ended: dict[int, Any] = {}
    n_told = 0
    left = iter(enumerate(calls))
    try:
        while n_told < len(calls):
            while len(running) < job.workers and (call := next(left, None)) is not None:
                running[task.remote(work, held, call[1])] = call[0]
            if n_told in ended:
                yield _heard(ray.get(ended.pop(n_told)))
                n_told += 1
                continue
            (first, *_), _ = ray.wait(list(running))
            ended[running.pop(first)] = first
    except ray.exceptions.RayTaskError:
        raise  # a fault of ours
    except ray.exceptions.RayError as death:
        raise WorkersLostError(f"{type(death).__name__}; go on with --resume") from None
    finally:
        for one in running:
            ray.cancel(one)


def _told(work: Callable[[Any, Any], Any], shared: Any, call: Any) -> tuple[Any, str | None]:
    """The result, or the mistake in words: Ray would tell it with a traceback."""
    try:
        return work(shared, call), None
    except FinganError as mistake:
        return None, str(mistake)


def _heard(told: tuple[Any, str | None]) -> Any:
    found, mistake = told
    if mistake is not None:
        raise RequestError(mistake)
    return found


def opened(out: str, key: str, *, resume: bool) -> Folder:
    """The hidden directory beside a record where its parts stand: empty, or as the job left it.

    Raises:
        RequestError: If there is nothing to resume.
    """
    parent, _, name = out.rpartition("/")
    parts = folder(f"{parent}/.{name}-{key}")
    if resume and not parts.exists():
        raise RequestError(
            f"{parts}: there is nothing to resume of this job with this model and these prices;"
            " start without --resume"
        )
    if not resume:
        remove_folder(parts)
    parts.mkdir(parents=True, exist_ok=True)
    return parts


def kept(
    work: Callable[[Call], Found],
    calls: Sequence[Call],
    kind: Callable[..., Found],
    parts: Folder,
    job: Tasks,
) -> Iterator[Found]:
    """Results of a function, each a record of tensors that is kept in a file.

    Args:
        work: The function; each call is a task unless its file stands already.
        calls: Its arguments.
        kind: Makes the record from its tensors by name.
        parts: Directory of the files; the driver alone writes there.
        job: Tasks at once and retries.
    """
    from safetensors.torch import load

    paths = [parts / f"part-{number:06d}.safetensors" for number in range(len(calls))]
    stands = [path.exists() for path in paths]
    missing = [call for call, is_there in zip(calls, stands, strict=True) if not is_there]
    found = told_in_order(_saved, work, missing, job)
    for path, is_there in zip(paths, stands, strict=True):
        content = path.read_bytes() if is_there else next(found)
        if not is_there:
            with whole_file(str(path)) as file:
                file.write(content)
        yield kind(**load(content))


def _saved(work: Callable[[Call], Any], call: Call) -> bytes:
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in vars(work(call)).items()})
