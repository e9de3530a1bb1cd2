"""The desk: every question answered in this process, each answer wholly of one model version."""

import json
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

from pydantic import ValidationError

from fingan import __version__
from fingan.config import SomeConfig
from fingan.errors import FinganError
from fingan.scenarios.formats import Scenarios, encoded_chunks
from fingan.scenarios.layouts import group_bounds
from serve.answers import ANSWERS
from serve.backend import Answer, Asked, Begun, Kind, Part, Readiness
from serve.cubes import check_sizes, cube_of
from serve.histories import PriceSources, shown
from serve.model_shelf import ModelShelf, Tell
from serve.problems import Problem, mistakes
from serve.request_digest import request_digest
from serve.schemas import ModelQuery, Question, ScenarioQuery
from serve.settings import ServiceSettings
from serve.subjects import Subject, Subjects

KEPT_BYTES = 64 * 2**20  # of small answers in memory
LARGEST_KEPT = 2**20
"""Bytes of the largest answer that is kept."""
NAMING = {"model", "history", "prices"}  # what names the subject; the rest is asked of it


class Desk:
    """Answers questions; safe to ask from several threads.

    Args:
        settings: Of the service.
        tell: Hears what happens to models.
    """

    def __init__(self, settings: ServiceSettings, tell: Tell | None = None) -> None:
        self.settings = settings
        self.shelf = ModelShelf(
            settings.store,
            model_bytes=settings.model_bytes,
            poll_seconds=settings.poll_seconds,
            tell=tell,
        )
        self._sources = PriceSources(settings.prices)
        self._subjects = Subjects(self.shelf, self._sources, settings.limits)
        self._kept = Kept(KEPT_BYTES)
        self.shelf.start()

    def close(self) -> None:
        """Let go of the store."""
        self.shelf.close()

    def readiness(self) -> Readiness:
        """Whether a model can answer; the baselines always can."""
        problem = self.shelf.store_problem
        if problem is not None:
            return Readiness(False, problem)
        n_names = len(self.shelf.names)
        return Readiness(True, f"{n_names} models and the baselines" if n_names else "baselines")

    def answer(self, kind: Kind, asked: Asked) -> Answer:
        """A JSON answer.

        Raises:
            Problem: If it cannot be answered.
        """
        with problems():
            match kind:
                case "models":
                    return _plain(self.shelf.listing())
                case "prices":
                    return _plain(self._sources.record())
                case "model" | "history":
                    return _plain(self._of_model(kind, _read(ModelQuery, asked.body)))
            return self._answer(kind, asked)

    def begin(self, asked: Asked, part: Part) -> Begun:
        """The head and first bytes of a cube.

        Raises:
            Problem: If it cannot be drawn.
        """
        with problems():
            query = _read(ScenarioQuery, asked.body)
            subject = self._subjects.of(query, asked.table)
            head = self._head("scenarios", query, subject, part=_written(part))
            if head["ETag"] == asked.known:
                return Begun(b"", head, is_whole=True, is_known=True)
            pinned = subject.reference, subject.digest
            if (kept := self._kept.get(head["ETag"])) is not None:
                return Begun(kept, head, is_whole=True, pinned=pinned)
            scenarios = self._part(query, subject, part)
            n_groups = len(group_bounds(scenarios.header, query.layout)) - 1
            chunks = _chunks(scenarios, query, part, 0)
            if n_groups > 1 and part.format != "json":
                with closing(chunks):
                    return Begun(next(chunks), head, is_whole=False, pinned=pinned)
            body = b"".join(chunks)
            self._kept.put(head["ETag"], body)
            return Begun(body, head, is_whole=True, pinned=pinned)

    def rest(
        self, asked: Asked, part: Part, pinned: tuple[str, str], first_chunk: int
    ) -> Generator[bytes, None, None]:
        """What follows the first bytes: chunks from a number on, of the version begun with.

        Raises:
            Problem: If that version is gone.
        """
        with problems():
            query = _read(ScenarioQuery, asked.body)
            reference, digest = pinned
            exact = query.model_copy(update={"model": reference})
            subject = self._subjects.of(exact, asked.table, digest)
            yield from _chunks(self._part(query, subject, part), query, part, first_chunk)

    def _answer(self, kind: Kind, asked: Asked) -> Answer:
        how = ANSWERS[kind]
        query = _read(how.schema, asked.body)
        subject = self._subjects.of(query, asked.table)
        n_assets = len(subject.sampler.assets)
        n_held, limits = how.held(query) * n_assets, self.settings.limits
        check_sizes(query, n_assets, self.settings.limits)
        if n_held > limits.max_held_values:
            raise Problem(
                422,
                "too-large",
                f"paths x steps x assets must be at most {limits.max_held_values:,} here, got"
                f" {n_held:,}; ask for fewer paths or a shorter horizon",
            )
        head = self._head(kind, query, subject)
        if not how.is_pure:
            del head["ETag"]
            return Answer(_json(how.reply(query, subject)), head)
        if head["ETag"] == asked.known:
            return Answer(b"", head, is_known=True)
        body = self._kept.get(head["ETag"])
        if body is None:
            body = _json(how.reply(query, subject))
            self._kept.put(head["ETag"], body)
        return Answer(body, head)

    def _of_model(self, kind: Kind, query: ModelQuery) -> dict[str, Any]:
        loaded = self.shelf.get(query.model)
        named = {"model": loaded.sampler.reference, "digest": loaded.digest}
        if kind == "history":
            return named | shown(loaded.sampler.history(), query.rows)
        return named | {
            "published": loaded.published,
            "card": loaded.card,
            "config": loaded.config,
        }

    def _head(self, kind: str, query: Question, subject: Subject, **written: Any) -> dict[str, str]:
        """Headers that say what an answer is made from."""
        said = query.model_dump(mode="json", exclude=NAMING) | written
        digest = request_digest(
            kind, subject.reference, subject.digest, subject.history.digest, **said
        )
        head = {
            "X-Fingan-Model": subject.reference,
            "X-Fingan-Model-Digest": subject.digest,
            "X-Fingan-Version": __version__,
            "X-Fingan-Request-Digest": digest,
            "ETag": f'"{digest}"',
        }
        seed = getattr(query, "seed", None)
        return head if seed is None else head | {"X-Fingan-Seed": str(seed)}

    def _part(self, query: ScenarioQuery, subject: Subject, part: Part) -> Scenarios:
        """The page of the cube that is asked for."""
        scenarios = cube_of(query, subject, self.settings.limits)
        is_all = part.offset == 0 and part.limit is None
        return scenarios if is_all else scenarios.page(part.offset, part.limit)


class Kept:
    """Small answers in memory, the least recently used one goes first.

    Args:
        n_bytes: Of all of them.
    """

    def __init__(self, n_bytes: int) -> None:
        self._most, self._used = n_bytes, 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tag: str) -> bytes | None:
        """The answer with this ETag; None where it is not kept."""
        with self._lock:
            if tag in self._answers:
                self._answers.move_to_end(tag)
            return self._answers.get(tag)

    def put(self, tag: str, body: bytes) -> None:
        """Keep an answer, unless it is large."""
        if len(body) > LARGEST_KEPT:
            return
        with self._lock:
            if tag not in self._answers:
                self._answers[tag] = body
                self._used += len(body)
            while self._used > self._most:
                _, gone = self._answers.popitem(last=False)
                self._used -= len(gone)


@contextmanager
def problems() -> Iterator[None]:
    """What the caller can mend becomes a problem document."""
    try:
        yield
    except FinganError as error:
        raise Problem.of(error) from None


def _read(schema: type[SomeConfig], body: bytes) -> SomeConfig:
    try:
        return schema.model_validate_json(body)
    except ValidationError as invalid:
        raise Problem(422, "request-invalid", *mistakes(invalid)) from None


def _written(part: Part) -> list[Any]:
    return [part.format, part.offset, part.limit]


def _chunks(
    scenarios: Scenarios, query: ScenarioQuery, part: Part, first_chunk: int
) -> Generator[bytes, None, None]:
    return encoded_chunks(
        scenarios,
        values=query.values,
        layout=query.layout,
        format=part.format,
        first_chunk=first_chunk,
    )


def _plain(record: dict[str, Any]) -> Answer:
    return Answer(_json(record), {"X-Fingan-Version": __version__})


def _json(record: Any) -> bytes:
    return json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
