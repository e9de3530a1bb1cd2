"""The models of one process: loaded when first asked for, newest sound version first.

A thread looks into the store every now and then. A new version of a model in use is read, verified
and loaded beside the old one before the pointer moves; one that is not sound is refused, the old
one serves on, and :meth:`ModelShelf.listing` says why.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fingan.errors import FinganError, ModelDamagedError, ModelNotFoundError, StoreError
from fingan.models.market import MarketModel
from fingan.scenarios.baselines import BASELINES
from fingan.scenarios.samplers import TrainedSampler
from fingan.scenarios.store import ModelEntry, ModelStore

Tell = Callable[[str, dict[str, Any]], None]
"""Hears of what happened: ``model-loaded``, ``model-refused``, ``model-current``."""

REFERENCE = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})(?:@([1-9][0-9]{0,9}))?")

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


class ModelShelf:
    """Models by reference.

    Args:
        store: Model store, a directory or URL.
        model_bytes: Memory that models may take; the least recently used one goes first.
        poll_seconds: Between two looks into the store; :meth:`start` begins to look.
        tell: Hears of what happened.
    """

    def __init__(
        self,
        store: str,
        *,
        model_bytes: int,
        poll_seconds: float = 0.5,
        tell: Tell | None = None,
    ) -> None:
        self.store = ModelStore(store)
        self._model_bytes, self._poll_seconds, self._hears = model_bytes, poll_seconds, tell
        self._versions: dict[str, tuple[int, ...]] = {}
        self._current: dict[str, int] = {}
        self._refused: dict[Version, str] = {}
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
            gone = [name for name in self._current if name not in versions]
            for name in gone:
                del self._current[name]
            moving = {
                name: number
                for name, number in self._current.items()
                if versions[name][-1] > number or number not in versions[name]
            }
        for name in moving:
            self._move(name)

    def listing(self) -> dict[str, Any]:
        """Every version and baseline as ``GET /v1/models`` shows them."""
        with self._lock:
            versions, current = dict(self._versions), dict(self._current)
        models = [
            self._described(self._entry((name, number)), current.get(name), numbers[-1])
            for name, numbers in versions.items()
            for number in numbers
        ]
        return {
            "models": models,
            "baselines": [{"model": name, "kind": "baseline"} for name in BASELINES],
            "store_problem": self._store_problem,
        }

    def _watch(self) -> None:
        while not self._closed.wait(self._poll_seconds):
            self.look()

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
            if (name, number) in self._refused:
                continue
            try:
                found = self._version(name, number)
            except ModelDamagedError:
                continue
            with self._lock:
                self._current[name] = number
            return found
        reasons = "; ".join(self._refused[name, number] for number in versions)
        raise ModelDamagedError(f"model '{name}' has no sound version: {reasons}")

    def _numbers(self, name: str) -> tuple[int, ...]:
        with self._lock:
            versions = self._versions.get(name)
        if versions is None:  # published since the last look, or never
            versions = self.store.versions().get(name, ())
        if not versions:
            known = ", ".join(self.names[:8]) or "none"
            raise ModelNotFoundError(f"model '{name}' is not in the store; it has {known}")
        return versions

    def _version(self, name: str, number: int) -> Loaded:
        with self._lock:
            found = self._loaded.get((name, number))
            if found is not None:
                self._loaded.move_to_end((name, number))
                return found
            refused = self._refused.get((name, number))
        if refused is not None:
            raise ModelDamagedError(refused)
        with self._loading:
            return self._loaded.get((name, number)) or self._load(name, number)

    def _load(self, name: str, number: int) -> Loaded:
        """Read, verify and keep a version; whoever loads holds the lock."""
        reference = f"{name}@{number}"
        try:
            model = self.store.resolve(reference, paths=False)
            sampler = TrainedSampler(
                MarketModel.load(model.read), model.reference, model.digest, model.card
            )
        except ModelDamagedError as damage:
            with self._lock:
                self._refused[name, number] = str(damage)
            self._tell("model-refused", {"model": reference, "problem": str(damage)})
            raise
        found = Loaded(
            sampler=sampler,
            card=model.card,
            config=model.config,
            published=model.manifest.published,
            n_bytes=sum(file.size for file in model.manifest.files.values()),
        )
        with self._lock:
            self._loaded[name, number] = found
            self._make_room()
        self._tell("model-loaded", {"model": reference, "digest": found.digest})
        return found

    def _tell(self, event: str, details: dict[str, Any]) -> None:
        if self._hears is not None:
            self._hears(event, details)

    def _make_room(self) -> None:
        while len(self._loaded) > 1 and self._used() > self._model_bytes:
            self._loaded.popitem(last=False)

    def _used(self) -> int:
        return sum(one.n_bytes for one in self._loaded.values())

    def _entry(self, version: Version) -> ModelEntry:
        """What the store says of a version, read once."""
        found = self._entries.get(version)
        if found is None:
            found = self._entries[version] = self.store.entry(*version)
        return found

    def _described(self, entry: ModelEntry, current: int | None, newest: int) -> dict[str, Any]:
        """One version for people and programs."""
        card = entry.card
        problem = self._refused.get((entry.name, entry.version)) or entry.problem
        data, gates = card.get("data", {}), card.get("gates", {})
        return {
            "model": entry.reference,
            "name": entry.name,
            "version": entry.version,
            "kind": "trained",
            "digest": entry.digest,
            "published": entry.published,
            "is_newest": entry.version == newest,
            "is_served": problem is None and entry.version == (current or newest),
            "status": card.get("status"),
            "offer": card.get("offer"),
            "gates_passed": len(gates.get("passed", ())),
            "gates_failed": list(gates.get("failed", ())),
            "assets": data.get("assets", []),
            "first": data.get("first"),
            "fitted_until": data.get("last"),
            "problem": problem,
        }
