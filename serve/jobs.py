"""Long work on disk: what was asked, how far it is, what came out; it outlives the service.

A job is a directory. The process that works on it writes its progress and its outcome there, each
in one move, so that whoever serves can say how it stands, also after a restart. Jobs are pure
functions of what was asked: one whose process died is started again, ``MOST_STARTS`` times.
"""

import datetime as dt
import fcntl
import hashlib
import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from fingan.errors import StoreError
from fingan.files import whole_file
from serve.problems import Problem
from serve.schemas import JobKind, JobQuery
from serve.settings import ServiceSettings

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]

ID = re.compile(r"job_[0-9a-f]{16}")
ASKED, TABLE, STARTED = "asked.json", "table.arrows", "started.json"
PROGRESS, OUTCOME, CANCELLED = "progress.json", "outcome.json", "cancelled"
HEAD = ("id", "kind", "created", "owner", "key", "digest")  # of what was asked
MOST_KEPT = 1_000  # jobs; the oldest that ended go first
MOST_STARTS = 3
BACK_IN = 10  # seconds, for one that is refused
LOOK_SECONDS = 0.5

_log = logging.getLogger("fingan.service")


class Runner(Protocol):
    """Starts the work on a job's directory, somewhere."""

    def start(self, directory: Path) -> None:
        """Begin; returns at once."""

    def is_alive(self, directory: Path) -> bool:
        """Whether somebody works on it."""

    def stop(self, directory: Path) -> None:
        """End the work, if there is any."""

    def close(self) -> None:
        """Let go of work that runs; it goes on where it can."""


class JobDesk:
    """Takes jobs in, lets a few run at once, and says how they stand.

    Several desks may share a directory: who schedules holds its lock.

    Args:
        directory: Of all jobs.
        settings: Of the service.
        runner: Who starts the work.
    """

    def __init__(self, directory: Path, settings: ServiceSettings, runner: Runner) -> None:
        self._directory, self._settings, self._runner = directory, settings, runner
        self._closed = threading.Event()
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self._heads: dict[Path, dict[str, Any]] = {}  # of jobs, which do not change
        self._ended: dict[Path, JobState] = {}  # nor does how one ended
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._thread.start()

    def close(self) -> None:
        """Stop looking after jobs; those that run go on."""
        self._closed.set()
        self._thread.join()
        self._runner.close()

    def submit(
        self, query: JobQuery, table: bytes | None = None, key: str | None = None, owner: str = ""
    ) -> dict[str, Any]:
        """Take a job in.

        Args:
            query: Kind and request.
            table: Arrow stream of a history that came with it.
            key: ``Idempotency-Key``: the same key and request give the same job.
            owner: Who asked.

        Raises:
            Problem: 409 if the key was used for another request, 429 if too many jobs wait.
        """
        body = query.model_dump_json()
        digest = hashlib.sha256(body.encode() + (table or b"")).hexdigest()
        with self._locked():
            if key is not None and (known := self._with_key(key, owner, digest)) is not None:
                return self.get(known)
            self._check_room()
            identity = f"job_{secrets.token_hex(8)}"
            place = self._directory / identity
            draft = self._directory / f".{identity}"
            draft.mkdir(mode=0o700)
            if table is not None:
                (draft / TABLE).write_bytes(table)
            asked = {
                "id": identity,
                "kind": query.kind,
                "request": query.request,
                "created": now(),
                "owner": owner,
                "key": key,
                "digest": digest,
                "settings": self._settings.model_dump(mode="json"),
            }
            write(draft / ASKED, asked)
            draft.rename(place)
            self._forget()
        self._take_turn()
        return self.get(identity)

    def get(self, identity: str, owner: str | None = None) -> dict[str, Any]:
        """How a job stands.

        Args:
            identity: Of the job.
            owner: Whose it must be; None for anybody's.

        Raises:
            Problem: 404 if there is none such.
        """
        return self._whole_record(self._place(identity, owner))

    def every(self, owner: str | None = None) -> list[dict[str, Any]]:
        """Every job, of one owner if one is given, the newest first; without their requests."""
        places = reversed(self._places())
        return [self._record(place) for place in places if self._is_of(place, owner)]

    def cancel(self, identity: str, owner: str | None = None) -> dict[str, Any]:
        """End a job; nothing that it has written is handed out.

        Args:
            identity: Of the job.
            owner: Whose it must be; None for anybody's.

        Raises:
            Problem: 404 if there is none such.
        """
        place = self._place(identity, owner)
        with self._locked():  # nobody starts it meanwhile
            if self._state(place) in ("queued", "running"):
                (place / CANCELLED).touch()
                self._runner.stop(place)
        return self._whole_record(place)

    def result(self, identity: str, owner: str | None = None) -> tuple[Path, str, str]:
        """File, media type and name of what came out.

        Args:
            identity: Of the job.
            owner: Whose it must be; None for anybody's.

        Raises:
            Problem: 404 if there is no such job, 409 if it has no result (yet).
        """
        place = self._place(identity, owner)
        state = self._state(place)
        if state != "succeeded":
            raise Problem(409, "no-result", f"job {identity} must have succeeded, but is {state}")
        outcome = read(place / OUTCOME)
        return place / outcome["file"], outcome["media_type"], f"{identity}{outcome['suffix']}"

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            self._take_turn()

    def _take_turn(self) -> None:
        """Schedule; what goes wrong is logged once, and tried again at the next turn."""
        trouble = None
        try:
            self._schedule()
        except Exception as failure:
            trouble = str(failure)
            if trouble != self._trouble:
                _log.exception(json.dumps({"event": "jobs", "trouble": trouble}))
        self._trouble = trouble

    def _schedule(self) -> None:
        """Start what waits, as far as there is room; start again what has died."""
        with self._locked():
            states = {place: self._state(place) for place in self._places(self._ended)}
            running = [place for place, state in states.items() if state == "running"]
            for place in [place for place in running if not self._runner.is_alive(place)]:
                if self._state(place) == "running":  # it may have ended just now
                    running.remove(place)
                    self._start_again(place)
            waiting = [place for place in states if self._state(place) == "queued"]
            for place in waiting[: max(0, self._settings.limits.max_jobs - len(running))]:
                self._start(place)

    def _start(self, place: Path) -> None:
        """Start a job; where that does not succeed it waits as before."""
        self._runner.start(place)
        try:
            starts = self._starts(place) + 1
            write(place / STARTED, {"started": now(), "starts": starts, "waits": False})
        except StoreError:
            self._runner.stop(place)
            raise

    def _start_again(self, place: Path) -> None:
        starts = self._starts(place)
        if starts < MOST_STARTS:
            write(place / STARTED, {"started": None, "starts": starts, "waits": True})
            return
        problem = Problem(500, "job-died", f"the job's process died {starts} times")
        write(place / OUTCOME, {"ended": now(), "problem": problem.record()})

    def _starts(self, place: Path) -> int:
        return int(read(place / STARTED)["starts"]) if (place / STARTED).exists() else 0

    def _state(self, place: Path) -> JobState:
        if place in self._ended:
            return self._ended[place]
        if (place / CANCELLED).exists():
            return self._ended.setdefault(place, "cancelled")
        if (place / OUTCOME).exists():
            is_failed = read(place / OUTCOME).get("problem") is not None
            return self._ended.setdefault(place, "failed" if is_failed else "succeeded")
        is_started = (place / STARTED).exists() and not read(place / STARTED)["waits"]
        return "running" if is_started else "queued"

    def _whole_record(self, place: Path) -> dict[str, Any]:
        return {**self._record(place), "request": read(place / ASKED)["request"]}

    def _record(self, place: Path) -> dict[str, Any]:
        asked = self._head(place)
        started = read(place / STARTED) if (place / STARTED).exists() else {}
        progress = read(place / PROGRESS) if (place / PROGRESS).exists() else None
        state = self._state(place)
        outcome = _outcome(place, state)
        is_done = state == "succeeded"
        return {
            "id": asked["id"],
            "kind": asked["kind"],
            "model": asked["model"],
            "reference": outcome.get("reference"),
            "state": state,
            "progress": progress,
            "created": asked["created"],
            "started": started.get("started"),
            "ended": outcome.get("ended"),
            "problem": _told(outcome.get("problem")),
            "result": f"/v1/jobs/{asked['id']}/result" if is_done else None,
            "media_type": outcome.get("media_type"),
            "bytes": (place / outcome["file"]).stat().st_size if is_done else None,
        }

    def _place(self, identity: str, owner: str | None = None) -> Path:
        place = self._directory / identity
        is_one = ID.fullmatch(identity) is not None and (place / ASKED).exists()
        if not is_one or not self._is_of(place, owner):
            raise Problem(404, "job-not-found", f"there is no job '{identity[:80]}'")
        return place

    def _is_of(self, place: Path, owner: str | None) -> bool:
        return owner is None or self._head(place)["owner"] == owner

    def _head(self, place: Path) -> dict[str, Any]:
        """What was asked, but for the request itself, which may be large."""
        if place not in self._heads:
            asked = read(place / ASKED)
            head = {name: asked[name] for name in HEAD}
            self._heads[place] = {**head, "model": asked["request"].get("model")}
        return self._heads[place]

    def _check_room(self) -> None:
        most = self._settings.limits.max_waiting_jobs
        states = [self._state(place) for place in self._places(self._ended)]
        if states.count("queued") >= most:
            raise Problem(
                429,
                "too-many-jobs",
                f"at most {most:,} jobs may wait, and so many do; cancel some, or ask again later",
                retry_after=BACK_IN,
            )

    def _places(self, but: Container[Path] = ()) -> list[Path]:
        """Directories of jobs, the oldest first.

        Args:
            but: Those left out.
        """
        found = [
            one for one in self._directory.iterdir() if ID.fullmatch(one.name) and one not in but
        ]
        whole = [one for one in found if (one / ASKED).exists()]  # others are half deleted
        return sorted(whole, key=lambda one: (one / ASKED).stat().st_mtime_ns)

    def _with_key(self, key: str, owner: str, digest: str) -> str | None:
        """The job that was taken in under a key of idempotency."""
        for place in self._places():
            asked = self._head(place)
            if (asked["key"], asked["owner"]) == (key, owner):
                if asked["digest"] != digest:
                    raise Problem(
                        409,
                        "idempotency-conflict",
                        "an Idempotency-Key must stand for one request, but this one was used for"
                        f" another: job {asked['id']}",
                    )
                return str(asked["id"])
        return None

    def _forget(self) -> None:
        places = self._places()
        ended = [one for one in places if self._state(one) not in ("queued", "running")]
        for place in ended[: max(0, len(places) - MOST_KEPT)]:
            shutil.rmtree(place, ignore_errors=True)
            self._heads.pop(place, None)
            self._ended.pop(place, None)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._directory / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _outcome(place: Path, state: JobState) -> dict[str, Any]:
    """How a job ended; nothing of one that has not."""
    match state:
        case "queued" | "running":
            return {}
        case "cancelled":
            return {"ended": _stamp((place / CANCELLED).stat().st_mtime)}
        case "succeeded" | "failed":
            return read(place / OUTCOME)


def kind_of(asked: dict[str, Any]) -> JobKind:
    """The kind of a job, as it was written down."""
    kind: JobKind = asked["kind"]
    return kind


def _told(problem: dict[str, Any] | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    return {name: problem[name] for name in ("status", "code", "detail", "errors")}


def now() -> str:
    """The time, as jobs write it."""
    return _stamp(time.time())


def _stamp(seconds: float) -> str:
    """A time since 1970, as jobs write it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat("T", "milliseconds")


def read(path: Path) -> dict[str, Any]:
    """A document of a job's directory."""
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def write(path: Path, document: dict[str, Any]) -> None:
    """Put a document into a job's directory, whole or not at all."""
    with whole_file(path) as file:
        file.write(json.dumps(document).encode())
