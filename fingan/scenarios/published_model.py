"""A model read from a store, every byte compared with its manifest."""

import io
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fingan.errors import ModelDamagedError
from fingan.files import local_path
from fingan.scenarios.manifest import (
    CARD,
    CONFIG,
    MANIFEST,
    Folder,
    Manifest,
    read_file,
    read_json,
    read_manifest,
)


@dataclass(frozen=True)
class PublishedModel:
    """A model whose files are the published ones.

    Each file was read once; what :meth:`open` and :meth:`read` give is what was verified, even if
    the store has changed since.
    """

    manifest: Manifest
    place: str
    """Directory or URL."""
    contents: Mapping[str, bytes] = field(repr=False)

    @property
    def reference(self) -> str:
        """``name@version``."""
        return self.manifest.reference

    @property
    def digest(self) -> str:
        """SHA-256 of the model."""
        return self.manifest.digest

    @cached_property
    def config(self) -> dict[str, Any]:
        """Everything that determines the model."""
        return read_json(self.contents[CONFIG], f"{self.place}/{CONFIG}")

    @cached_property
    def card(self) -> dict[str, Any]:
        """What it was trained on, its scores and limits."""
        return read_json(self.contents[CARD], f"{self.place}/{CARD}")

    @cached_property
    def directory(self) -> Path:
        """The files on disk: the model's own directory, or a copy that lives as long as this."""
        local = local_path(self.place)
        if local is not None:
            return local
        copy = Path(tempfile.mkdtemp(prefix="fingan-model-"))
        weakref.finalize(self, shutil.rmtree, copy, ignore_errors=True)
        for name, content in self.contents.items():
            (copy / name).write_bytes(content)
        (copy / MANIFEST).write_bytes(self.manifest.to_bytes())
        return copy

    def read(self, file: str) -> bytes:
        """The verified content of one file.

        Raises:
            ModelDamagedError: If the model has no such file.
        """
        if file not in self.contents:
            held = ", ".join(sorted(self.contents))
            raise ModelDamagedError(f"{self.place}: model has no file '{file}'; it has {held}")
        return self.contents[file]

    def open(self, file: str) -> io.BytesIO:
        """The verified content of one file, as a file."""
        return io.BytesIO(self.read(file))


def verified_model(folder: Folder, reference: str | None = None) -> PublishedModel:
    """Read all files of a version.

    Args:
        folder: The files.
        reference: ``name@version`` that the model must have; None where only a path is known.

    Raises:
        ModelDamagedError: If the files are not the published ones.
    """
    manifest = read_manifest(folder, reference)
    contents = {name: read_file(folder, name, record) for name, record in manifest.files.items()}
    return PublishedModel(manifest, folder.place, contents)
