"""Where published models stand: a directory, or a bucket behind a URL.

A directory is published by renaming a finished one to its number, which only one writer can win. A
bucket has no such rename: there a writer first claims the number, and the manifest, uploaded last,
makes the version count.
"""

import errno
import os
import re
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fingan.errors import ModelDamagedError
from fingan.files import sync_directory
from fingan.scenarios.manifest import MANIFEST, Folder, read_regular_file

ManifestFor = Callable[[int], bytes]  # version to content

STALE_SECONDS = 24 * 3600
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


_CLAIMING = threading.Lock()  # fsspec's memory:// looks and writes, in two steps, as threads see it


class Shelf(Protocol):
    """The versions of all models of a store."""

    def names(self) -> list[str]:
        """Everything that may be the name of a model."""

    def versions(self, name: str) -> list[int]:
        """Published versions, oldest first; none for an unknown name."""

    def opened(self, name: str, version: int) -> AbstractContextManager[Folder]:
        """The files of a version."""

    def draft(self, name: str) -> AbstractContextManager[Path]:
        """A private directory to fill; gone when the block ends, unless it was published."""

    def publish(self, name: str, draft: Path, manifest_for: ManifestFor) -> int:
        """Make a draft the next version; its number."""


class DirectoryShelf:
    """Models in ``<root>/<name>/<version>/``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """Everything that may be the name of a model."""
        with suppress(FileNotFoundError):
            return sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir())
        return []

    def versions(self, name: str) -> list[int]:
        """Published versions, oldest first; none for an unknown name."""
        with suppress(FileNotFoundError):
            return _numbers([entry.name for entry in os.scandir(self.root / name)])
        return []

    @contextmanager
    def opened(self, name: str, version: int) -> Iterator[Folder]:
        """The files of a version."""
        with opened_directory(self.root / name / str(version)) as folder:
            yield folder

    @contextmanager
    def draft(self, name: str) -> Iterator[Path]:
        """A private directory to fill; gone when the block ends, unless it was published."""
        home = self.root / name
        made = _make(home)
        _collect_stale(home)
        directory = home / f".tmp-{uuid.uuid4().hex}"
        try:
            directory.mkdir(parents=True)  # a writer that failed may have removed its parents
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            for parent in made:
                with suppress(OSError):  # not empty: something was published
                    parent.rmdir()

    def publish(self, name: str, draft: Path, manifest_for: ManifestFor) -> int:
        """Make a draft the next version; its number."""
        home = self.root / name
        for path in draft.iterdir():
            _sync_file(path)
        version = max(self.versions(name), default=0) + 1
        while True:
            manifest = draft / MANIFEST
            manifest.write_bytes(manifest_for(version))
            _sync_file(manifest)
            sync_directory(draft)
            try:
                draft.rename(home / str(version))
            except OSError as failure:
                if failure.errno not in _TAKEN:
                    raise
                version += 1  # another writer was first
                continue
            sync_directory(home)
            return version


class BucketShelf:
    """Models under ``<root>/<name>/<version>/`` of any fsspec file system."""

    def __init__(self, filesystem: Any, root: str, url: str) -> None:
        self.filesystem = filesystem
        self.root = root.rstrip("/")
        self.url = url.rstrip("/")

    def names(self) -> list[str]:
        """Everything that may be the name of a model."""
        found = self._glob(f"{self.root}/*/*/{MANIFEST}")
        return sorted({key.split("/")[-3] for key in found})

    def versions(self, name: str) -> list[int]:
        """Published versions, oldest first; none for an unknown name."""
        found = self._glob(f"{self.root}/{name}/*/{MANIFEST}")
        return _numbers([key.split("/")[-2] for key in found])

    @contextmanager
    def opened(self, name: str, version: int) -> Iterator[Folder]:
        """The files of a version."""
        yield bucket_folder(
            self.filesystem, f"{self.root}/{name}/{version}", f"{self.url}/{name}/{version}"
        )

    @contextmanager
    def draft(self, name: str) -> Iterator[Path]:
        """A private directory to fill; gone when the block ends."""
        with tempfile.TemporaryDirectory(prefix=f"fingan-{name}-") as directory:
            yield Path(directory)

    def publish(self, name: str, draft: Path, manifest_for: ManifestFor) -> int:
        """Upload a draft as the next version; its number."""
        version = self._claim(name)
        target = f"{self.root}/{name}/{version}"
        try:
            for path in sorted(draft.iterdir()):
                self.filesystem.pipe_file(f"{target}/{path.name}", path.read_bytes())
            self.filesystem.pipe_file(f"{target}/{MANIFEST}", manifest_for(version))
        except BaseException:
            with suppress(OSError):
                self.filesystem.rm(target, recursive=True)
            raise
        return version

    def _claim(self, name: str) -> int:
        """The next number that this writer alone may use; a crash wastes it."""
        token = uuid.uuid4().hex.encode()
        claims = f"{self.root}/{name}/.claims"
        with _CLAIMING:
            claimed = _numbers([key.split("/")[-1] for key in self._glob(f"{claims}/*")])
            version = max(self.versions(name) + claimed, default=0) + 1
            while True:
                key = f"{claims}/{version}"
                with suppress(FileExistsError):
                    self.filesystem.pipe_file(key, token, mode="create")
                    if self.filesystem.cat_file(key) == token:
                        return version
                version += 1  # another writer was first

    def _glob(self, pattern: str) -> list[str]:
        self.filesystem.invalidate_cache()
        return list(self.filesystem.glob(pattern))


@contextmanager
def opened_directory(path: Path) -> Iterator[Folder]:
    """The files of a directory that is not a link.

    Raises:
        ModelDamagedError: If there is something else in its place.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (NotADirectoryError, FileNotFoundError) as failure:
        raise ModelDamagedError(f"{path}: must be a directory: {failure.strerror}") from None
    except OSError as failure:
        if failure.errno == errno.ELOOP:
            raise ModelDamagedError(f"{path}: must be a directory, not a link") from None
        raise
    try:
        read = partial(read_regular_file, descriptor, str(path))
        yield Folder(str(path), [entry.name for entry in os.scandir(descriptor)], read)
    finally:
        os.close(descriptor)


def bucket_folder(filesystem: Any, key: str, url: str) -> Folder:
    """The files under a key."""

    def read(name: str, limit: int) -> bytes:
        with filesystem.open(f"{key}/{name}", "rb") as file:
            content: bytes = file.read(limit + 1)
        return content

    names = [found.rsplit("/", 1)[-1] for found in filesystem.ls(key, detail=False)]
    return Folder(url, names, read)


def _numbers(names: list[str]) -> list[int]:
    return sorted(int(name) for name in names if _VERSION.fullmatch(name))


def _make(directory: Path) -> list[Path]:
    """Make a directory and its parents; those that were not there, the innermost first."""
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for path in made:
        sync_directory(path.parent)
    return made


def _collect_stale(home: Path) -> None:
    """Remove drafts of writers that died; a living one is never a day old."""
    for draft in home.glob(".tmp-*"):
        with suppress(OSError):
            if time.time() - draft.lstat().st_mtime > STALE_SECONDS:
                shutil.rmtree(draft)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
