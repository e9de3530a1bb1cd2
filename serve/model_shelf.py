"""The models of one process: loaded when first asked for, newest sound version first.

A thread looks into the store every now and then. A new version of a model in use is read, verified
and loaded beside the old one before the pointer moves; one that is not sound is refused, the old
one serves on, and :meth:`ModelShelf.listing` says why. A refused version is looked at again after a
while: it may have been half copied.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fingan.errors import (
    FinganError,
    ModelDamagedError,
    ModelNotFoundError,
    PriceDataError,
    RequestError,
    StoreError,
    UnknownAssetError,
)
from fingan.models.market import MarketModel
from fingan.scenarios.samplers import TrainedSampler
from fingan.scenarios.store import ModelEntry, ModelStore
from serve.model_listing import baselines, described

Tell = Callable[[str, dict[str, Any]], None]
"""Hears of what happened: ``model-loaded``, ``model-refused``, ``model-current``."""

REFERENCE = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})(?:@([1-9][0-9]{0,9}))?")

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError)
"""What whole files of another software make this one raise."""

Version = tuple[str, int]


@dataclass(frozen=True)
class Loaded:
    """A model in memory."""

    sampler: TrainedSampler
    card: dict[str, Any]
    config: dict[str, Any]
    published: str
    n_bytes: int

    @property
    def digest(self) -> str:
        """Of the published model."""
        return self.sampler.digest or ""


@dataclass(frozen=True)
class Refusal:
    """Why a version is not served, and until when it is not looked at again."""

    problem: str
    until: float


class ModelShelf:
    """Models by reference.

    Args:
        store: Model store, a directory or URL.
        model_bytes: Memory that models may take; the least recently used one goes first.
        poll_seconds: Between two looks into the store; :meth:`start` begins to look.
        refusal_seconds: For which a refused version is not looked at again.
        tell: Hears of what happened.
    """

    def __init__(
        self,
        store: str,
        *,
        model_bytes: int,
        poll_seconds: float = 0.5,
        refusal_seconds: float = 30.0,
        tell: Tell | None = None,
    ) -> None:
        self.store = ModelStore(store)
        self._model_bytes, self._hears = model_bytes, tell
        self._poll_seconds, self._refusal_seconds = poll_seconds, refusal_seconds
        self._versions: dict[str, tuple[int, ...]] = {}
        self._current: dict[str, int] = {}
        self._refused: dict[Version, Refusal] = {}
        self._verified: set[Version] = set()
        self._entries: dict[Version, ModelEntry] = {}
        self._loaded: OrderedDict[Version, Loaded] = OrderedDict()
        self._store_problem: str | None = None
        self._lock = threading.RLock()
        self._loading = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="model-shelf", daemon=True)
        self.look()

    def start(self) -> None:
        """Begin to look into the store now and then."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def store_problem(self) -> str | None:
        """Why the store cannot be read; None where it can."""
        return self._store_problem

    @property
    def n_loaded(self) -> int:
        """Models in memory."""
        with self._lock:
            return len(self._loaded)

    @property
    def names(self) -> tuple[str, ...]:
        """Models that the store holds."""
        with self._lock:
            return tuple(self._versions)

    def get(self, reference: str) -> Loaded:
        """A model, loaded now if need be.

        Args:
            reference: ``name`` for the newest sound version, or ``name@version``.

        Raises:
            ModelNotFoundError: If there is no such model.
            ModelDamagedError: If its files are not the published ones.
            StoreError: If the store cannot be read.
        """
        match = REFERENCE.fullmatch(reference)
        if match is None:
            raise ModelNotFoundError(
                f"a model must be given as 'name' or 'name@version', got '{reference[:100]}'"
            )
        name, number = match[1], match[2]
        if number is not None:
            return self._version(name, int(number))
        with self._lock:
            current = self._current.get(name)
        return self._version(name, current) if current is not None else self._newest(name)

    def look(self) -> None:
        """Look into the store once: learn of versions, move pointers of models in use."""
        try:
            versions = self.store.versions()
        except StoreError as problem:
            self._store_problem = str(problem)
            return
        self._store_problem = None
        with self._lock:
            self._versions = versions
            self._forget_gone()
            moving = [name for name, number in self._current.items() if versions[name][-1] > number]
        for name in moving:
            self._move(name)

    def listing(self) -> dict[str, Any]:
        """Every version and baseline as ``GET /v1/models`` shows them.

        Raises:
            StoreError: If a version cannot be read for another reason than damage.
        """
        with self._lock:
            versions, current = dict(self._versions), dict(self._current)
        models = []
        for name, numbers in versions.items():
            entries = [self._entry((name, number)) for number in numbers]
            problems = [self._problem_of(entry) for entry in entries]
            sound = [n for n, problem in zip(numbers, problems, strict=True) if problem is None]
            served = current.get(name, max(sound, default=None))
            models += [
                described(
                    entry,
                    problem,
                    is_newest=entry.version == numbers[-1],
                    is_served=problem is None and entry.version == served,
                )
                for entry, problem in zip(entries, problems, strict=True)
            ]
        return {
            "models": models,
            "baselines": baselines(),
            "store_problem": self._store_problem,
        }

    def _watch(self) -> None:
        try:
            while not self._closed.wait(self._poll_seconds):
                self.look()
                self._verify_one()
        finally:
            if not self._closed.is_set():
                self._store_problem = "the store is not watched any more; start the service again"

    def _forget_gone(self) -> None:
        """Versions that left the store: their numbers may come again with other files."""
        known = {(name, one) for name, numbers in self._versions.items() for one in numbers}
        for kept in (self._loaded, self._entries, self._refused):
            for version in [one for one in kept if one not in known]:
                del kept[version]
        self._verified &= known
        for version in [one for one in self._current.items() if one not in known]:
            del self._current[version[0]]

    def _verify_one(self) -> None:
        """Read the newest version of a model that nobody has asked for, to know of damage early."""
        with self._lock:
            newest = [(name, numbers[-1]) for name, numbers in self._versions.items()]
            now = time.monotonic()
            refused = {version for version, one in self._refused.items() if now < one.until}
            known = self._verified | refused | self._loaded.keys()
            version = next((one for one in newest if one not in known), None)
        if version is None:
            return
        try:
            self._read(*version)
        except FinganError:
            return  # of damage it has been told; without a store there is nothing to verify
        self._verified.add(version)

    def _move(self, name: str) -> None:
        """Let a name mean its newest sound version; as long as there is none, the one before."""
        with self._lock:
            before = self._current.get(name)
        try:
            found = self._newest(name)
        except FinganError as problem:
            self._store_problem = str(problem) if isinstance(problem, StoreError) else None
            return
        if found.sampler.reference != f"{name}@{before}":
            self._tell("model-current", {"model": found.sampler.reference, "digest": found.digest})

    def _newest(self, name: str) -> Loaded:
        versions = self._numbers(name)
        for number in reversed(versions):
            try:
                found = self._version(name, number)
            except (ModelDamagedError, ModelNotFoundError):
                continue
            with self._lock:
                self._current[name] = number
            return found
        with self._lock:
            refused = [self._refused.get((name, number)) for number in versions]
        reasons = "; ".join(one.problem for one in refused if one is not None)
        raise ModelDamagedError(f"model '{name}' has no sound version: {reasons}")

    def _numbers(self, name: str, wanted: int | None = None) -> tuple[int, ...]:
        """The versions of a model, among them the wanted one."""
        with self._lock:
            versions = self._versions.get(name, ())
        if not versions or wanted not in (None, *versions):  # published since, or never
            versions = self.store.versions().get(name, ())
        if not versions:
            known = ", ".join(self.names[:8]) or "none"
            raise ModelNotFoundError(f"model '{name}' is not in the store; it has {known}")
        if wanted not in (None, *versions):
            shown = ", ".join(map(str, versions[-8:]))
            raise ModelNotFoundError(f"model '{name}' has no version {wanted}; it has {shown}")
        return versions

    def _version(self, name: str, number: int) -> Loaded:
        if (found := self._at_hand(name, number)) is not None:
            return found
        self._numbers(name, number)
        with self._loading:
            return self._at_hand(name, number) or self._load(name, number)

    def _at_hand(self, name: str, number: int) -> Loaded | None:
        """A version in memory.

        Raises:
            ModelDamagedError: If it was refused a short while ago.
        """
        with self._lock:
            refused = self._refused.get((name, number))
            if refused is not None and time.monotonic() < refused.until:
                raise ModelDamagedError(refused.problem)
            found = self._loaded.get((name, number))
            if found is not None:
                self._loaded.move_to_end((name, number))
            return found

    def _load(self, name: str, number: int) -> Loaded:
        """Read, verify and keep a version; whoever loads holds the lock."""
        found = self._read(name, number)
        with self._lock:
            self._loaded[name, number] = found
            self._make_room()
        self._tell("model-loaded", {"model": f"{name}@{number}", "digest": found.digest})
        return found

    def _read(self, name: str, number: int) -> Loaded:
        """A version whose every byte is the published one, and which this software can read."""
        try:
            found = self._sound(f"{name}@{number}")
        except ModelDamagedError as damage:
            problem = self._told(str(damage))
            self._refuse((name, number), problem)
            raise ModelDamagedError(problem) from None
        with self._lock:
            self._refused.pop((name, number), None)
            entry = self._entries.get((name, number))
            if entry is not None and entry.problem is not None:
                del self._entries[name, number]
        return found

    def _sound(self, reference: str) -> Loaded:
        model = self.store.resolve(reference, paths=False)
        try:
            sampler = TrainedSampler(
                MarketModel.load(model.read), model.reference, model.digest, model.card
            )
            sampler.prepared(None)
        except (RequestError, UnknownAssetError, PriceDataError, *UNREADABLE) as wrong:
            raise ModelDamagedError(
                f"{reference}: must be a model that this version of fingan can read, but"
                f" {type(wrong).__name__}: {str(wrong)[:200]}"
            ) from None
        return Loaded(
            sampler=sampler,
            card=model.card,
            config=model.config,
            published=model.manifest.published,
            n_bytes=sum(file.size for file in model.manifest.files.values()),
        )

    def _told(self, problem: str) -> str:
        """Without the place of the store, which is nobody's business beyond this machine."""
        return problem.replace(f"{self.store.root}/", "")

    def _refuse(self, version: Version, problem: str) -> None:
        until = time.monotonic() + self._refusal_seconds
        with self._lock:
            before = self._refused.get(version)
            self._refused[version] = Refusal(problem, until)
        if before is None or before.problem != problem:
            name, number = version
            self._tell("model-refused", {"model": f"{name}@{number}", "problem": problem})

    def _tell(self, event: str, details: dict[str, Any]) -> None:
        if self._hears is not None:
            self._hears(event, details)

    def _make_room(self) -> None:
        while len(self._loaded) > 1 and self._used() > self._model_bytes:
            self._loaded.popitem(last=False)

    def _used(self) -> int:
        return sum(one.n_bytes for one in self._loaded.values())

    def _entry(self, version: Version) -> ModelEntry:
        """What the store says of a version, read once unless it is damaged."""
        found = self._entries.get(version)
        if found is None or found.problem is not None:
            found = self._entries[version] = self.store.entry(*version)
        return found

    def _problem_of(self, entry: ModelEntry) -> str | None:
        with self._lock:
            refused = self._refused.get((entry.name, entry.version))
        if refused is not None:
            return refused.problem
        return None if entry.problem is None else self._told(entry.problem)
