"""The manifest of a published model, and the check of its files against it.

A model is a flat directory of regular files. ``manifest.json`` lists all others with size and
SHA-256, and carries a digest of itself; it stands only in its canonical form, so that no byte of a
model can change unseen. Neither safetensors nor JSON would notice on its own.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeInt, PositiveInt, ValidationError

from fingan.config import Config
from fingan.errors import ModelDamagedError

MANIFEST = "manifest.json"
CONFIG = "config.json"
CARD = "card.json"
MAX_JSON_BYTES = 16 * 2**20
MAX_FILE_BYTES = 2 * 2**30

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_MEND = "publish the model again"


@dataclass(frozen=True)
class Folder:
    """The files of one version, open for reading."""

    place: str
    """Directory or URL, for messages."""
    names: list[str]
    """The files that are there."""
    read: Callable[[str, int], bytes]
    """Name and limit to content; of a longer file one byte more than the limit."""


class FileRecord(Config):
    """One file of a model."""

    size: NonNegativeInt
    """Bytes."""

    sha256: str
    """Of the content, in hexadecimal."""


class Manifest(Config):
    """What was published."""

    schema_version: Literal[1] = 1
    """Version of this form."""

    name: str
    """Name of the model."""

    version: PositiveInt
    """Counted from 1 within the name."""

    published: str
    """Time in UTC; for people, never for order."""

    files: dict[str, FileRecord]
    """All other files of the model."""

    @property
    def reference(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the manifest, and so of the model."""
        return f"sha256:{hashlib.sha256(_canonical(self.model_dump(mode='json'))).hexdigest()}"

    def to_bytes(self) -> bytes:
        """The manifest as its file holds it."""
        return _canonical(self.model_dump(mode="json") | {"digest": self.digest})

    @classmethod
    def from_bytes(cls, content: bytes, place: str) -> "Manifest":
        """Read a manifest that must be exactly what :meth:`to_bytes` wrote.

        Raises:
            ModelDamagedError: If it is not.
        """
        document = read_json(content, place)
        document.pop("digest", None)
        try:
            manifest = cls.model_validate(document)
        except ValidationError as invalid:
            error = invalid.errors(include_url=False)[0]
            key = ".".join(map(str, error["loc"]))
            raise ModelDamagedError(f"{place}: '{key}': {error['msg']}") from None
        if manifest.to_bytes() != content:
            raise ModelDamagedError(f"{place}: must match its own digest, but was changed")
        return manifest


def describe_files(directory: Path) -> dict[str, FileRecord]:
    """Records of the files in a directory.

    Raises:
        ValueError: If there is anything but regular files with plain names, or no config or card.
    """
    records = {}
    for path in sorted(directory.iterdir()):
        is_plain = _FILE_NAME.fullmatch(path.name) and path.name != MANIFEST
        if not is_plain or not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError(f"a model must hold plain files only, got '{path.name}'")
        content = path.read_bytes()
        if path.suffix == ".json":
            read_json(content, str(path))
        digest = hashlib.sha256(content).hexdigest()
        records[path.name] = FileRecord(size=len(content), sha256=digest)
    if missing := {CONFIG, CARD} - records.keys():
        raise ValueError(f"a model must hold {' and '.join(sorted(missing))}")
    return records


def read_manifest(folder: Folder, reference: str | None = None) -> Manifest:
    """The manifest of a version whose files are the listed ones, by name.

    Args:
        folder: The files.
        reference: ``name@version`` that it must be of; None where only a path is known.

    Raises:
        ModelDamagedError: If the manifest was changed or moved, or a file is missing or added.
    """
    place, there = folder.place, set(folder.names)
    if MANIFEST not in there:
        raise ModelDamagedError(f"{place}: {MANIFEST} is missing; {_MEND}")
    manifest = Manifest.from_bytes(folder.read(MANIFEST, MAX_JSON_BYTES), f"{place}/{MANIFEST}")
    if reference not in (None, manifest.reference):
        raise ModelDamagedError(f"{place}: must be {reference}, but is {manifest.reference}")
    listed = manifest.files.keys() | {MANIFEST}
    if missing := (listed | {CONFIG, CARD}) - there:
        raise ModelDamagedError(f"{place}: {min(missing)} is missing; {_MEND}")
    if added := there - listed:
        raise ModelDamagedError(f"{place}: {min(added)} is no file of this model; {_MEND}")
    return manifest


def read_file(folder: Folder, name: str, record: FileRecord) -> bytes:
    """The content of a file, read once, if it is what the manifest says.

    Raises:
        ModelDamagedError: If it is not.
    """
    limit = MAX_JSON_BYTES if name.endswith(".json") else MAX_FILE_BYTES
    content = folder.read(name, min(limit, record.size))
    if len(content) != record.size or hashlib.sha256(content).hexdigest() != record.sha256:
        raise ModelDamagedError(f"{folder.place}: {name} is not the file of this model; {_MEND}")
    return content


def read_json(content: bytes, place: str) -> dict[str, Any]:
    """A JSON object: no repeated keys, no NaN, not too long.

    Raises:
        ModelDamagedError: If it is anything else.
    """
    if len(content) > MAX_JSON_BYTES:
        raise ModelDamagedError(f"{place}: must be at most {MAX_JSON_BYTES:,} bytes")
    try:
        document = json.loads(content, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as wrong:
        raise ModelDamagedError(f"{place}: must be strict JSON: {wrong}") from None
    if not isinstance(document, dict):
        raise ModelDamagedError(f"{place}: must be a JSON object")
    return document


def read_regular_file(directory: int, place: str, name: str, limit: int) -> bytes:
    """Read a regular file of an open directory, never through a link.

    Args:
        directory: Descriptor of the directory.
        place: The directory, for messages.
        name: The file.
        limit: Bytes at most; one more is read of a longer file, so that it fails its check.

    Raises:
        ModelDamagedError: If it is a link, pipe, device or directory.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError as failure:
        raise ModelDamagedError(
            f"{place}: {name} must be a regular file: {failure.strerror}"
        ) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ModelDamagedError(f"{place}: {name} must be a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(descriptor)


def _canonical(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False)
    return f"{text}\n".encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is repeated")
    return document


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")
