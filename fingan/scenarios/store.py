"""The model store: models published whole, found by name and version, verified when read.

    <store>/<name>/<version>/    config.json, card.json, weights as safetensors, manifest.json

Nothing in a model is executable: there is no pickle, and each file is compared with its SHA-256
before it is parsed.
"""

import datetime as dt
import difflib
import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fingan.errors import ModelDamagedError, ModelNotFoundError, RequestError, StoreError
from fingan.files import filesystem_of, local_path
from fingan.scenarios.manifest import (
    CARD,
    MANIFEST,
    Manifest,
    describe_files,
    read_file,
    read_json,
    read_manifest,
)
from fingan.scenarios.published_model import PublishedModel, verified_model
from fingan.scenarios.shelves import (
    BucketShelf,
    DirectoryShelf,
    Shelf,
    bucket_folder,
    opened_directory,
)

__all__ = ["ModelEntry", "ModelStore", "PublishedModel"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_REFERENCE = re.compile(rf"({_NAME.pattern})(?:@([1-9][0-9]{{0,8}}))?")


@dataclass(frozen=True)
class ModelEntry:
    """One version in the list of a store."""

    name: str
    version: int
    digest: str | None
    """None for a damaged version."""
    published: str | None
    card: dict[str, Any]
    problem: str | None = None
    """Why the version cannot be used."""

    @property
    def reference(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


Entries = list[ModelEntry]


class ModelStore:
    """A directory or bucket of published models.

    Args:
        root: Path or fsspec URL; made when the first model is published.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.fspath(root)
        self._shelf = _shelf(self.root)

    def publish(self, name: str, write: Callable[[Path], None]) -> str:
        """Publish a model as the next version of its name; nothing is ever overwritten.

        Args:
            name: Lower-case letters, digits, ``-`` and ``_``; at most 64.
            write: Fills an empty private directory with plain files, ``config.json`` and
                ``card.json`` among them. If it raises, nothing is left.

        Returns:
            The reference, such as ``equities@3``.

        Raises:
            RequestError: If the name is not allowed.
            StoreError: If the store cannot be written.
        """
        _check_name(name)
        published = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        with self._errors("written"), self._shelf.draft(name) as draft:
            write(draft)
            files = describe_files(draft)

            def manifest_for(version: int) -> bytes:
                manifest = Manifest(name=name, version=version, published=published, files=files)
                return manifest.to_bytes()

            version = self._shelf.publish(name, draft, manifest_for)
        return f"{name}@{version}"

    def check_writable(self, name: str) -> None:
        """Fail now rather than after a long training: as :meth:`publish` would.

        Raises:
            RequestError: If the name is not allowed.
            StoreError: If the store cannot be written.
        """
        _check_name(name)
        with self._errors("written"), self._shelf.draft(name):
            pass

    def resolve(self, reference: str, *, paths: bool = True) -> PublishedModel:
        """Find a model, read it and verify every byte.

        Args:
            reference: ``name`` for its newest version, ``name@version``, or the path or URL of a
                version's directory.
            paths: Whether a path may be given; False where the caller is not trusted.

        Raises:
            ModelNotFoundError: If there is no such model.
            ModelDamagedError: If its files are not the published ones.
            StoreError: If the store cannot be read.
        """
        with self._errors("read"):
            match = _REFERENCE.fullmatch(reference)
            if match is None and paths and _is_path(reference):
                return _verified_at(reference)
            if match is None:
                raise ModelNotFoundError(
                    "a model must be given as 'name' or 'name@version'"
                    f"{', or as a path with a slash' if paths else ''}, got '{reference}'"
                )
            name, version = match[1], self._version(match[1], match[2])
            with self._shelf.opened(name, version) as folder:
                return verified_model(folder, f"{name}@{version}")

    def verify(self, reference: str) -> PublishedModel:
        """Check that every file of a model is the published one; as :meth:`resolve`."""
        return self.resolve(reference)

    def show(self, reference: str) -> dict[str, Any]:
        """Reference, digest, time, card and configuration of a model."""
        model = self.resolve(reference)
        return {
            "model": model.reference,
            "digest": model.digest,
            "published": model.manifest.published,
            "place": model.place,
            "card": model.card,
            "config": model.config,
        }

    def versions(self) -> dict[str, tuple[int, ...]]:
        """The numbers of every model's versions, rising; nothing is read or verified.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._errors("read"):
            names = [name for name in self._shelf.names() if _NAME.fullmatch(name)]
            found = {name: tuple(self._shelf.versions(name)) for name in names}
        return {name: versions for name, versions in found.items() if versions}

    def list(self) -> Entries:
        """Every published version, by name and number; a damaged one with its problem.

        Manifests and cards are verified, weights are not read.
        """
        with self._errors("read"):
            names = [name for name in self._shelf.names() if _NAME.fullmatch(name)]
            return [
                self.entry(name, version)
                for name in names
                for version in self._shelf.versions(name)
            ]

    def entry(self, name: str, version: int) -> ModelEntry:
        """What a version says of itself: manifest and card verified, weights not read."""
        try:
            with self._shelf.opened(name, version) as folder:
                manifest = read_manifest(folder, f"{name}@{version}")
                card = read_json(read_file(folder, CARD, manifest.files[CARD]), folder.place)
        except ModelDamagedError as damage:
            return ModelEntry(name, version, None, None, {}, str(damage))
        return ModelEntry(name, version, manifest.digest, manifest.published, card)

    def _version(self, name: str, wanted: str | None) -> int:
        versions = self._shelf.versions(name)
        if not versions:
            raise ModelNotFoundError(self._no_model(name))
        if wanted is None:
            return versions[-1]
        if int(wanted) not in versions:
            known = ", ".join(map(str, versions))
            raise ModelNotFoundError(f"model '{name}' has no version {wanted}; it has {known}")
        return int(wanted)

    def _no_model(self, name: str) -> str:
        known = [other for other in self._shelf.names() if self._shelf.versions(other)]
        if not known:
            return f"model '{name}' is not in store '{self.root}', which is empty"
        near = difflib.get_close_matches(name, known, n=1)
        mend = f"did you mean '{near[0]}'? " if near else ""
        return f"model '{name}' is not in store '{self.root}'; {mend}it has {', '.join(known)}"

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        """Failures of the disk or network in one sentence."""
        try:
            yield
        except OSError as failure:
            reason = failure.strerror or str(failure)
            if failure.errno in (errno.ENOSPC, errno.EDQUOT):
                reason += "; make room and publish again"
            raise StoreError(f"store '{self.root}' cannot be {verb}: {reason}") from failure


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RequestError(
            "a model's name must be 1 to 64 lower-case letters, digits, '-' or '_' and begin "
            f"with a letter or digit, got '{name}'"
        )


def _shelf(root: str) -> Shelf:
    path = local_path(root)
    if path is not None:
        return DirectoryShelf(path)
    filesystem, key = filesystem_of(root) or (None, "")
    return BucketShelf(filesystem, key, root)


def _is_path(reference: str) -> bool:
    return "/" in reference or os.sep in reference or reference in (".", "..")


def _verified_at(reference: str) -> PublishedModel:
    path = local_path(reference)
    if path is None:
        filesystem, key = filesystem_of(reference) or (None, "")
        return verified_model(bucket_folder(filesystem, key, reference.rstrip("/")))
    if not (path / MANIFEST).exists():
        below = sorted(found.parent.name for found in path.glob(f"*/{MANIFEST}"))
        mend = f"; its versions are {', '.join(below)}" if below else ""
        raise ModelNotFoundError(f"'{reference}' must be the directory of a model version{mend}")
    with opened_directory(path) as folder:
        return verified_model(folder)
