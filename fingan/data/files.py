"""The bytes of a price file: local or by URL, unpacked, never more than the cap."""

import contextlib
import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, runtime_checkable

from fingan.errors import PriceDataError

Format = Literal["text", "parquet"]

_TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
_TEXT_ENDINGS = tuple(suffix + packed for suffix in _TEXT_SUFFIXES for packed in ("", ".gz"))
_PARQUET_ENDINGS = (".parquet", ".pq")
_ARCHIVE_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
_SHEET_ENDINGS = (".xls", ".xlsx", ".ods")
_CHUNK = 4 * 1024**2
_MOST_EXPANSION = 200
_ALWAYS_EXPANDED = 64 * 1024**2


@runtime_checkable
class Readable(Protocol):
    """Anything that gives its bytes in pieces."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


def is_url(source: str) -> bool:
    """True for ``scheme://...``: such a source is opened by fsspec."""
    return "://" in source


def source_format(source: str) -> Format:
    """Text or Parquet, by the ending of the name.

    Raises:
        PriceDataError: If the ending names neither; the message says how to mend it.
    """
    name = source.lower().split("?")[0]
    if name.endswith(_PARQUET_ENDINGS):
        return "parquet"
    if name.endswith(_ARCHIVE_ENDINGS):
        raise PriceDataError("is an archive of files; unpack it and pass the one CSV with prices")
    if name.endswith(_SHEET_ENDINGS):
        raise PriceDataError("is a spreadsheet; save the sheet as CSV and pass that")
    if name.endswith((*_TEXT_ENDINGS, ".zip")):
        return "text"
    raise PriceDataError(
        "a price file must end in .csv, .txt, .tsv (also .gz or .zip) or .parquet;"
        " rename or convert it"
    )


def source_stem(source: str) -> str:
    """The name of a file without folder and endings: it names an asset without a name."""
    name = source.rstrip("/").rsplit("/", 1)[-1].split("?")[0]
    for ending in sorted((*_TEXT_ENDINGS, *_PARQUET_ENDINGS, ".zip"), key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


@contextlib.contextmanager
def open_source(source: str) -> Iterator[Readable]:
    """Open a local regular file or a URL for reading.

    Raises:
        PriceDataError: If there is nothing to open, or it may not be opened.
    """
    with _open(source) as handle:
        yield handle


def _open(source: str) -> Any:
    try:
        return _open_url(source) if is_url(source) else _open_local(Path(source))
    except FileNotFoundError:
        raise PriceDataError("there is no such file") from None
    except PermissionError:
        raise PriceDataError("the file may not be read; check its permissions") from None
    except ImportError as error:
        raise PriceDataError(f"this kind of URL needs another package: {error}") from None
    except (OSError, ValueError) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise PriceDataError(f"cannot be opened: {reason}") from None


def _open_local(path: Path) -> BinaryIO:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise PriceDataError("is a directory; pass one price file")
    if not stat.S_ISREG(mode):
        raise PriceDataError("is not a regular file; pass one price file")
    return path.open("rb")


def _open_url(source: str) -> Any:
    import fsspec  # a fifth of a second that local files need not pay

    return fsspec.open(source, "rb").open()


def read_capped(handle: Readable, max_bytes: int) -> bytes:
    """Everything in ``handle``, or a refusal as soon as it holds more than ``max_bytes``."""
    parts: list[bytes] = []
    size = 0
    while chunk := handle.read(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise PriceDataError(
                f"holds more than {max_bytes:,} bytes; split it, or raise max_bytes"
            )
        parts.append(chunk)
    return b"".join(parts)


def read_text_bytes(source: str, max_bytes: int) -> bytes:
    """The bytes of a delimited text file, unpacked if its name ends in .gz or .zip."""
    with open_source(source) as handle:
        packed = read_source(handle, max_bytes)
    name = source.lower().split("?")[0]
    room = min(max_bytes, max(_ALWAYS_EXPANDED, _MOST_EXPANSION * len(packed)))
    if name.endswith(".gz"):
        return _gunzip(packed, room)
    if name.endswith(".zip"):
        return _unzip(packed, room)
    _check_is_text(packed)
    return packed


def read_source(handle: Readable, max_bytes: int) -> bytes:
    """As ``read_capped``; a read that fails half-way (network, disk) is refused as well."""
    try:
        return read_capped(handle, max_bytes)
    except OSError as error:
        raise PriceDataError(f"cannot be read: {error}") from None


def _gunzip(packed: bytes, room: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(packed)) as handle:
            return read_capped(handle, room)
    except (OSError, EOFError, zlib.error):
        raise PriceDataError("is damaged or no gzip file; fetch it again") from None


def _unzip(packed: bytes, room: int) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            member = _only_text_member(archive)
            with archive.open(member) as handle:
                return read_capped(handle, room)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError):
        raise PriceDataError("is damaged or no zip file; fetch it again") from None
    except RuntimeError:
        raise PriceDataError("is encrypted; unpack it and pass the CSV inside") from None


def _only_text_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1 or not members[0].filename.lower().endswith(_TEXT_SUFFIXES):
        raise PriceDataError(
            f"a zip file must hold one CSV and nothing else, this one holds {len(members)} files;"
            " unpack it and pass the CSV with prices"
        )
    return members[0]


def _check_is_text(content: bytes) -> None:
    for magic, name, ending in (
        (b"\x1f\x8b", "gzip", ".csv.gz"),
        (b"PK\x03\x04", "zip", ".zip"),
        (b"PAR1", "Parquet", ".parquet"),
    ):
        if content.startswith(magic):
            raise PriceDataError(f"is {name} data by its first bytes; name it {ending}")
