"""The desk: every question answered in this process, each answer wholly of one model version."""

import json
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

from pydantic import ValidationError

from fingan import __version__, interruption
from fingan.config import SomeConfig
from fingan.errors import FinganError
from fingan.scenarios.formats import Scenarios, encoded_chunks
from fingan.scenarios.layouts import group_bounds
from fingan.scenarios.samplers import BLOCK_SIZE
from serve.answers import ANSWERS, Answering
from serve.backend import Answer, Asked, Begun, Head, Kind, Part, Readiness
from serve.cache import Cache
from serve.cubes import block_values, check_block, check_held, check_json, check_sizes, cube_of
from serve.histories import PriceSources, shown
from serve.model_shelf import ModelShelf, Tell
from serve.problems import STORE_DETAIL, Problem, mistakes
from serve.request_digest import request_digest
from serve.schemas import ModelQuery, Question, ScenarioQuery
from serve.settings import ServiceSettings
from serve.subjects import Subject, Subjects

KEPT_BYTES = 64 * 2**20  # of small answers in memory
LARGEST_KEPT = 2**20
"""Bytes of the largest answer that is kept."""
LARGE = 10_000_000
"""Numbers drawn at once, 40 bytes of memory each, from which on questions take turns."""
NOT_FINITE = ("JSON compliant", "contains NaN", "contains infinity")  # of json and sklearn
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
        self._kept: Cache[str, bytes] = Cache(KEPT_BYTES)
        self._large = threading.Semaphore()
        self.shelf.start()

    def warm(self, *, reference: bool = True) -> None:
        """Do now what the first caller would have to wait for.

        Args:
            reference: Whether to fit it, too: seconds of a processor.
        """
        self._subjects.warm(reference=reference)

    def close(self) -> None:
        """Let go of the store."""
        self.shelf.close()

    def readiness(self) -> Readiness:
        """Whether a model can answer: one in memory does without the store, baselines always."""
        problem, n_loaded = self.shelf.store_problem, self.shelf.n_loaded
        if problem is not None and n_loaded == 0:
            return Readiness(False, STORE_DETAIL)
        if problem is not None:
            return Readiness(True, f"{n_loaded} models in memory; {STORE_DETAIL}")
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
            check_sizes(query, 1, self.settings.limits)
            subject = self._subjects.of(query, asked.table)
            head = self._head("scenarios", query, subject, part=_written(part))
            if _is_known(head, asked):
                return Begun(b"", head, is_whole=True, is_known=True)
            pinned = subject.reference, head["X-Fingan-Request-Digest"]
            if (kept := self._kept.get(head["ETag"])) is not None:
                return Begun(kept, head, is_whole=True, pinned=pinned)
            with self._turn(block_values(query, subject.sampler)):
                scenarios = self._part(query, subject, part)
            n_groups = len(group_bounds(scenarios.header, query.layout)) - 1
            chunks = self._chunks(scenarios, query, subject, part, 0)
            if n_groups > 1 and part.format != "json":
                with closing(chunks):
                    return Begun(next(chunks), head, is_whole=False, pinned=pinned)
            body = b"".join(chunks)
            self._keep(head, body)
            return Begun(body, head, is_whole=True, pinned=pinned)

    def rest(
        self, asked: Asked, part: Part, pinned: tuple[str, str], first_chunk: int
    ) -> Generator[bytes, None, None]:
        """What follows the first bytes: chunks from a number on, of the version begun with.

        Args:
            asked: As it was begun.
            part: As it was begun.
            pinned: What :meth:`begin` said.
            first_chunk: Chunks left out.

        Raises:
            Problem: If that version, or that history, is gone.
        """
        with problems():
            query = _read(ScenarioQuery, asked.body)
            reference, digest = pinned
            exact = query.model_copy(update={"model": reference})
            subject = self._subjects.of(exact, asked.table)
            head = self._head("scenarios", query, subject, part=_written(part))
            if head["X-Fingan-Request-Digest"] != digest:
                raise Problem(
                    503,
                    "version-gone",
                    f"'{reference}' must be the version that the answer was begun with, but it, or"
                    " the prices, were replaced since; ask again",
                    retry_after=1,
                )
            scenarios = self._part(query, subject, part)
            yield from self._chunks(scenarios, query, subject, part, first_chunk)

    def _answer(self, kind: Kind, asked: Asked) -> Answer:
        how = ANSWERS[kind]
        query = _read(how.schema, asked.body)
        check_sizes(query, 1, self.settings.limits)
        subject = self._subjects.of(query, asked.table)
        n_assets = len(subject.sampler.assets)
        check_sizes(query, n_assets, self.settings.limits)
        block = BLOCK_SIZE * getattr(query, "horizon", 1)
        held = max(how.held(query), block) * n_assets
        check_block(block * n_assets, self.settings.limits)
        check_held(held, self.settings.limits)
        head = self._head(kind, query, subject)
        if not how.is_pure:
            del head["ETag"]
            with self._turn(held):
                return Answer(_replied(how, query, subject), head)
        if _is_known(head, asked):
            return Answer(b"", head, is_known=True)
        body = self._kept.get(head["ETag"])
        if body is None:
            with self._turn(held):
                body = _replied(how, query, subject)
            self._keep(head, body)
        return Answer(body, head)

    @contextmanager
    def _turn(self, n_values: int) -> Iterator[None]:
        """Work that holds so many numbers, one after another where they are many."""
        if n_values < LARGE:
            yield
            return
        with interruption.turn(self._large):
            yield

    def _chunks(
        self,
        scenarios: Scenarios,
        query: ScenarioQuery,
        subject: Subject,
        part: Part,
        first_chunk: int,
    ) -> Generator[bytes, None, None]:
        """The chunks of a cube; whoever reads them holds no turn between two of them."""
        n_values = block_values(query, subject.sampler)
        chunks = encoded_chunks(
            scenarios,
            values=query.values,
            layout=query.layout,
            format=part.format,
            first_chunk=first_chunk,
        )
        with closing(chunks):
            while True:
                with self._turn(n_values):
                    chunk = next(chunks, None)
                if chunk is None:
                    return
                yield chunk

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
            kind, subject.reference, subject.digest, subject.history.key, **said
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
        page = scenarios if is_all else scenarios.page(part.offset, part.limit)
        if part.format == "json":
            check_json(page.header.shape, self.settings.limits)
        return page

    def _keep(self, head: Head, body: bytes) -> None:
        if len(body) <= LARGEST_KEPT:
            self._kept.put(head["ETag"], body, len(body))


@contextmanager
def problems() -> Iterator[None]:
    """What the caller can mend becomes a problem document."""
    try:
        yield
    except FinganError as error:
        raise Problem.of(error) from None


@contextmanager
def finite() -> Iterator[None]:
    """A history may lead beyond the numbers, for which JSON, too, has no word."""
    try:
        yield
    except (ArithmeticError, ValueError) as wrong:
        is_of_numbers = isinstance(wrong, ArithmeticError)
        if not is_of_numbers and not any(words in str(wrong) for words in NOT_FINITE):
            raise
        raise Problem(
            422,
            "not-finite",
            "every number of the answer must be finite, but one is not; take a shorter horizon, and"
            " look for wrong prices in the history",
        ) from None


def _replied(how: Answering, query: Question, subject: Subject) -> bytes:
    with finite():
        return _json(how.reply(query, subject))


def _read(schema: type[SomeConfig], body: bytes) -> SomeConfig:
    try:
        return schema.model_validate_json(body)
    except ValidationError as invalid:
        raise Problem(422, "request-invalid", *mistakes(invalid)) from None


def _is_known(head: Head, asked: Asked) -> bool:
    """Whether the caller has the answer; ``If-None-Match`` may be a list."""
    return asked.known is not None and head["ETag"] in asked.known


def _written(part: Part) -> list[Any]:
    return [part.format, part.offset, part.limit]


def _plain(record: dict[str, Any]) -> Answer:
    return Answer(_json(record), {"X-Fingan-Version": __version__})


def _json(record: Any) -> bytes:
    return json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
