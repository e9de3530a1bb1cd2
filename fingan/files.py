"""Files that appear whole or not at all, on disk or behind a URL."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from upath import UPath

from fingan.errors import StoreError

Location = str | os.PathLike[str]
Folder = Path | UPath


@runtime_checkable
class Sink(Protocol):
    """A binary file that is open for writing."""

    def write(self, content: Any, /) -> Any:
        """Append bytes."""

    def flush(self) -> Any:
        """Hand over what is buffered."""


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def filesystem_of(location: Location) -> tuple[Any, str] | None:
    """The fsspec file system and key of a URL; None for a local path.

    Raises:
        StoreError: If no installed package speaks the URL's protocol.
    """
    if "://" not in os.fspath(location):
        return None
    import fsspec

    try:
        filesystem, key = fsspec.core.url_to_fs(os.fspath(location))
    except (ImportError, ValueError) as failure:
        raise StoreError(f"{location}: cannot be opened: {failure}") from None
    return filesystem, key


def local_path(location: Location) -> Path | None:
    """The path of a local file, also of a ``file://`` URL; None for any other URL."""
    match filesystem_of(location):
        case None:
            return Path(location)
        case filesystem, key if "file" in filesystem.protocol:
            return Path(key)
    return None


def folder(location: Location) -> Folder:
    """A directory on disk or behind a URL, with the methods of a path."""
    path = local_path(location)
    return UPath(os.fspath(location)) if path is None else path


def remove_folder(directory: Folder) -> None:
    """Remove a directory with everything in it, where there is one."""
    if isinstance(directory, Path):
        shutil.rmtree(directory, ignore_errors=True)
    elif directory.exists():
        directory.fs.rm(directory.path, recursive=True)


@contextmanager
def whole_file(location: Location, at_least: int = 0) -> Iterator[Sink]:
    """Open a file for writing that takes its name only when the block ends without error.

    It is written beside the target under a hidden name, synced and renamed. Whatever ends the
    block early, Ctrl-C included, removes it and leaves an older target as it was.

    Args:
        location: Path or URL of the target, as typed.
        at_least: Bytes that the file cannot be smaller than; refused where the disk has less.

    Raises:
        StoreError: If the target cannot be written.
    """
    try:
        target = local_path(location)
        opened = _remote(location) if target is None else _local(target, location, at_least)
        with opened as sink:
            yield sink
    except OSError as failure:
        raise StoreError(f"{location}: {_reason(failure, at_least)}") from failure


def check_place(location: Location) -> None:
    """Refuse a place where no file can stand, before the work whose result it is to hold.

    Raises:
        StoreError: If its directory does not exist, or it is something else than a file.
    """
    if (target := local_path(location)) is not None:
        _check_local(Path(os.path.realpath(target)), location)


def _check_local(target: Path, location: Location) -> None:
    if not target.parent.is_dir():
        raise StoreError(f"{location}: directory '{target.parent}' does not exist; make it first")
    if target.is_dir():
        raise StoreError(f"{location}: must name a file, but is a directory")
    if target.exists() and not target.is_file():
        raise StoreError(f"{location}: must name a regular file, but is a device or pipe")


@contextmanager
def _local(target: Path, location: Location, at_least: int) -> Iterator[Sink]:
    target = Path(os.path.realpath(target))  # a link keeps pointing where it points
    _check_local(target, location)
    directory = target.parent
    disk = shutil.disk_usage(directory)
    if disk.total and disk.free < at_least:
        raise StoreError(
            f"{location}: needs about {at_least:,} bytes, but the disk has {disk.free:,} free"
        )
    temporary = directory / f".fingan-{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(directory)


@contextmanager
def _remote(location: Location) -> Iterator[Sink]:
    filesystem, key = cast("tuple[Any, str]", filesystem_of(location))
    temporary = f"{key.rpartition('/')[0]}/.fingan-{uuid.uuid4().hex}.tmp"
    try:
        with filesystem.open(temporary, "wb") as sink:
            yield sink
        filesystem.mv(temporary, key)
    except BaseException:
        with suppress(OSError):
            filesystem.rm(temporary)
        raise


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(failure: OSError, at_least: int) -> str:
    reason = failure.strerror or str(failure)
    if failure.errno in _FULL and at_least:
        return f"cannot be written: {reason}; it needs about {at_least:,} bytes"
    return f"cannot be written: {reason}"
