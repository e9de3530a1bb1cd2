"""A price table as an Arrow IPC stream that anybody may have sent: checked before it is unpacked.

Only plain numbers below dates are taken. Compressed buffers and dictionaries are refused: a few
bytes of them may claim any amount of memory.
"""

import struct
from typing import get_args

import pandas as pd
import pyarrow as pa

from fingan.data.options import Kind
from fingan.errors import RequestError
from serve.settings import Limits

METADATA_KEY = b"fingan"  # of an Arrow body: the request as JSON
KIND_KEY = b"kind"  # and what its numbers are
KINDS: tuple[Kind, ...] = get_args(Kind)
_HEADER, _COMPRESSION = 8, 10  # places in the tables of Arrow's Message.fbs
_IS_DATE = (
    pa.types.is_date, pa.types.is_timestamp, pa.types.is_string, pa.types.is_large_string,
)  # fmt: skip
_IS_NUMBER = (pa.types.is_floating, pa.types.is_integer, pa.types.is_null)


def request_in(body: bytes) -> bytes:
    """The request that travels in the schema of an Arrow body, as JSON.

    Raises:
        RequestError: If the body is no Arrow stream, or its schema holds no request.
    """
    metadata = _metadata(body)
    if METADATA_KEY not in metadata:
        raise RequestError(
            "an Arrow body must hold the request as JSON under the schema's metadata key 'fingan'"
        )
    found: bytes = metadata[METADATA_KEY]
    return found


def kind_in(body: bytes) -> Kind:
    """What the numbers of an Arrow body are; prices where its schema does not say.

    Raises:
        RequestError: If the body is no Arrow stream, or names no such kind.
    """
    given = _metadata(body).get(KIND_KEY, b"price")
    for kind in KINDS:
        if given == kind.encode():
            return kind
    raise RequestError(
        f"the schema's metadata key 'kind' of an Arrow body must be one of {', '.join(KINDS)}, got"
        f" '{given[:100].decode(errors='replace')}'"
    )


def table_in(body: bytes, limits: Limits) -> pd.DataFrame:
    """The table of an Arrow body: first column the date, one column per asset.

    Raises:
        RequestError: If it is no such stream or too large.
    """
    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
            _check_columns(reader.schema)
            _check_messages(body)
            batches, n_rows = [], 0
            for batch in reader:
                n_rows += batch.num_rows
                check_size(n_rows, batch.num_columns - 1, limits)
                batch.validate(full=True)
                batches.append(batch)
            table = pa.Table.from_batches(batches, reader.schema)
            frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas()
    except (pa.ArrowException, ValueError, TypeError, OSError, struct.error) as wrong:
        raise _no_stream(wrong) from None
    return frame


def check_size(n_rows: int, n_assets: int, limits: Limits) -> None:
    """Refuse a history that is over the limit.

    Raises:
        RequestError: With the limit.
    """
    if n_rows * max(n_assets, 1) > limits.max_history_values:
        raise RequestError(
            f"a history must hold at most {limits.max_history_values:,} prices, got {n_rows:,} rows"
            f" of {n_assets:,} assets; send its last rows"
        )


def _metadata(body: bytes) -> dict[bytes, bytes]:
    """What the schema of an Arrow body carries beside columns."""
    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
            return reader.schema.metadata or {}
    except (pa.ArrowException, ValueError, OSError) as wrong:
        raise _no_stream(wrong) from None


def _check_columns(schema: pa.Schema) -> None:
    if len(schema) < 2:
        raise RequestError(
            "an Arrow body must hold a column of dates and one column per asset, got"
            f" {len(schema)} columns"
        )
    date, *assets = schema
    if not any(fits(date.type) for fits in _IS_DATE):
        raise RequestError(
            f"the first column of an Arrow body must hold dates, got '{date.name[:100]}' of type"
            f" {_short(date.type)}"
        )
    for asset in assets:
        if not any(fits(asset.type) for fits in _IS_NUMBER):
            raise RequestError(
                "each column of an Arrow body after the first must hold numbers, got"
                f" '{asset.name[:100]}' of type {_short(asset.type)}"
            )


def _check_messages(body: bytes) -> None:
    """Refuse what would take more memory than the body has bytes."""
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(body)):
        if message.type == "dictionary":
            raise RequestError("an Arrow body must hold plain columns, got a dictionary")
        if message.type == "record batch" and _is_compressed(bytes(message.metadata)):
            raise RequestError("the buffers of an Arrow body must not be compressed")


def _is_compressed(message: bytes) -> bool:
    """Whether a record batch names a codec; the reader has checked its flatbuffer."""
    (root,) = struct.unpack_from("<I", message)
    slot = _place(message, root, _HEADER)
    (to_batch,) = struct.unpack_from("<I", message, slot)
    return _place(message, slot + to_batch, _COMPRESSION) != 0


def _place(message: bytes, table: int, field: int) -> int:
    """Where a field of a flatbuffer's table stands; 0 where it is not given."""
    (back,) = struct.unpack_from("<i", message, table)
    vtable = table - back
    (size,) = struct.unpack_from("<H", message, vtable)
    if field >= size:
        return 0
    (offset,) = struct.unpack_from("<H", message, vtable + field)
    return table + offset if offset else 0


def _short(of: pa.DataType) -> str:
    return str(of)[:100]


def _no_stream(failure: Exception) -> RequestError:
    lines = str(failure).strip().splitlines() or [type(failure).__name__]
    return RequestError(f"the body must be an Arrow IPC stream, but: {lines[0][:200]}")
