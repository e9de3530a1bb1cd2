"""What the jobs' command lines share: exit codes, one line for a mistake, a place for the store."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fingan.errors import FinganError, RequestError, TrainingDivergedError
from fingan.files import local_path
from ray_jobs.cluster import is_temporary

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class WorkersLostError(Exception):
    """Workers died more often than the job allows, or could not be started."""


def exit_code(work: Callable[[], object]) -> int:
    """Run a job to its end and say in one line what went wrong, if anything did."""
    try:
        work()
    except FinganError as mistake:
        return complain(mistake, BAD_INPUT)
    except (TrainingDivergedError, WorkersLostError) as failure:
        return complain(failure, FAILED)
    except OSError as failure:
        reason = failure.strerror or str(failure) or type(failure).__name__
        return complain(OSError(f"{failure.filename or 'the system'}: {reason}"), BAD_INPUT)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: go on with --resume\n")
        return INTERRUPTED
    return DONE


def complain(failure: Exception, code: int) -> int:
    """Say in one line what went wrong."""
    sys.stderr.write(f"error: {' '.join(str(failure).split()).rstrip('.')}\n")
    return code


def say(text: str) -> None:
    """A line of progress, which Ray shows where the job was started."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show(outcome: dict[str, Any], *, as_json: bool) -> None:
    """The outcome on stdout."""
    if as_json:
        sys.stdout.write(json.dumps(outcome, indent=2) + "\n")
        return
    width = max(map(len, outcome))
    for name, value in outcome.items():
        sys.stdout.write(f"{name:<{width}}  {value}\n")


def digest(document: Any) -> str:
    """Twelve digits that tell documents of JSON apart."""
    text = json.dumps(document, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def place(location: str, option: str) -> str:
    """A directory as every worker can find it, wherever it stands itself; a URL as it is.

    Args:
        location: Path or URL.
        option: The option that names it.
    """
    path = local_path(location)
    if path is None:
        return location
    path = path.expanduser().absolute()
    if is_temporary(path):
        say(
            f"note: {path} is in the job's working directory, which Ray deletes some day;"
            f" give {option} an absolute path or a URL to keep it"
        )
    return str(path)


def out_file(location: str) -> str:
    """Where a record will stand; refused now rather than after the work.

    Raises:
        RequestError: If it cannot be a file there.
    """
    where = place(location, "--out")
    path = local_path(where)
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise RequestError(f"out must name a file in a directory that stands, got {path}")
    return where


def job_parser(name: str, description: str, example: str) -> argparse.ArgumentParser:
    """The options of every job: its file, replaced values, resume, JSON."""
    parser = argparse.ArgumentParser(
        prog=f"python -m ray_jobs.{name}", description=description, epilog=f"Example: {example}"
    )
    add = parser.add_argument
    add("--config", type=Path, required=True, metavar="FILE", help="the job, TOML")
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace one value, as in --set horizon=20; may be repeated",
    )
    add("--store", type=_named, metavar="PLACE", help="replaces the job's model store")
    add("--resume", action="store_true", help="go on where the same job stopped")
    add("--json", action="store_true", help="print one JSON object on stdout")
    return parser


def _named(place: str) -> str:
    """A place that is said: an empty variable of a script is none."""
    if not place.strip():
        raise argparse.ArgumentTypeError("must name a directory or a URL, got nothing")
    return place


def overrides(given: argparse.Namespace, *names: str) -> list[str]:
    """Replaced values, options that have a name of their own included."""
    named = {name: getattr(given, name) for name in names}
    own = [f"{name}={json.dumps(value)}" for name, value in named.items() if value is not None]
    return [*given.settings, *own]
