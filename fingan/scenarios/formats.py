"""Scenario files: Parquet, Arrow IPC streams, CSV and small JSON, written group by group.

The same scenarios give the same bytes, whether they are streamed or in memory.
"""

import gzip
import io
import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Literal, Protocol, Self, cast, get_args, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from torch import Tensor

from fingan.errors import RequestError
from fingan.files import Location, Sink, whole_file
from fingan.scenarios import layouts
from fingan.scenarios.header import Layout, ScenarioHeader, Values

Format = Literal["parquet", "arrow", "csv", "csv.gz", "json"]
WriteBatch = Callable[[pa.RecordBatch], object]

MAX_JSON_VALUES = 1_000_000
_ARROW_END = 8  # bytes that end an IPC stream
_SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".json": "json",
}
_LEAST_BYTES: dict[Format, float] = {  # of a value; resampled history compresses best
    "parquet": 0.4,
    "arrow": 4,
    "csv": 4,
    "csv.gz": 0.5,
    "json": 4,
}


@runtime_checkable
class Scenarios(Protocol):
    """A scenario set or stream."""

    @property
    def header(self) -> ScenarioHeader:
        """What the scenarios are about."""

    @property
    def weights(self) -> Tensor | None:
        """Probability of each path; None where all are equal."""

    def blocks(self) -> Generator[Tensor, None, None]:
        """Log-returns in the order of the paths."""

    def page(self, offset: int, limit: int | None = None) -> Self:
        """Some of the paths, with their numbers."""


def format_of(location: Location, format: Format | None = None) -> Format:  # noqa: A002
    """The format that was asked for, or that the suffix names.

    Raises:
        RequestError: If there is no such format.
    """
    if format is not None:
        _check_choice("format", format, get_args(Format))
        return format
    name = os.fspath(location).lower()
    found = [known for suffix, known in _SUFFIXES.items() if name.endswith(suffix)]
    if not found:
        raise RequestError(f"{location}: the suffix must be one of {', '.join(_SUFFIXES)}")
    return found[0]


def write_scenarios(
    scenarios: Scenarios,
    location: Location,
    *,
    values: Values = "simple_return",
    layout: Layout = "wide",
    format: Format | None = None,  # noqa: A002 - the field's word
) -> None:
    """Write scenarios to a file that appears whole or not at all.

    Scenarios are numbered from 0, steps from 1.

    Args:
        scenarios: A set, or a stream, which is drawn with flat memory.
        location: Path or fsspec URL.
        values: What the numbers are.
        layout: ``"wide"``, a row for each scenario and step with a column for each asset;
            ``"tensor"``, a row for each scenario with its steps and assets; ``"long"``, a row for
            each number; ``"terminal"``, a row for each scenario with values over the horizon.
        format: None takes it from the suffix.

    Raises:
        RequestError: If the format, layout or values do not exist or do not fit the scenarios.
        StoreError: If the file cannot be written.
    """
    chosen = format_of(location, format)
    n_values = _count(scenarios.header, layout)
    _check_request(n_values, values, layout, chosen)
    with whole_file(location, at_least=int(n_values * _LEAST_BYTES[chosen])) as sink:
        encode_scenarios(scenarios, sink, values=values, layout=layout, format=chosen)


def encode_scenarios(
    scenarios: Scenarios,
    sink: Sink,
    *,
    values: Values = "simple_return",
    layout: Layout = "wide",
    format: Format,  # noqa: A002 - the field's word
) -> None:
    """Write scenarios to an open binary file, as :func:`write_scenarios` does to a named one."""
    header = scenarios.header
    _check_request(_count(header, layout), values, layout, format)
    schema = _schema(scenarios, values, layout)
    with closing(scenarios.blocks()) as blocks, _writer(sink, schema, format) as write_batch:
        bounds = layouts.group_bounds(header, layout)
        for batch in layouts.record_batches(
            blocks, schema, header, values, layout, scenarios.weights, bounds
        ):
            write_batch(batch)


def encoded_chunks(
    scenarios: Scenarios,
    *,
    values: Values = "simple_return",
    layout: Layout = "wide",
    format: Format,  # noqa: A002 - the field's word
    first_chunk: int = 0,
) -> Generator[bytes, None, None]:
    """The bytes of :func:`encode_scenarios` as they come, the first of them soon.

    The same scenarios give the same chunks, so that a reader who lost the rest may ask for it from
    any chunk on, here or elsewhere. Closing the generator ends the drawing.

    Args:
        scenarios: A set or stream.
        values: As for :func:`write_scenarios`.
        layout: As for :func:`write_scenarios`.
        format: Of the file.
        first_chunk: Chunks left out; where the format allows it, they are not drawn either.

    Raises:
        RequestError: As :func:`write_scenarios`.
    """
    header = scenarios.header
    _check_request(_count(header, layout), values, layout, format)
    schema, bounds = _schema(scenarios, values, layout), layouts.group_bounds(header, layout)
    skipped = first_chunk if format in ("arrow", "csv") and layout != "long" else 0
    left = first_chunk - skipped
    if skipped >= len(bounds) - 1:
        return
    begin = bounds[skipped]
    rest = scenarios.page(begin) if skipped else scenarios
    ends = [bound - begin for bound in bounds[skipped:]]
    sink = _Chunk(drop=_n_head_bytes(schema, format) if skipped else 0)
    with closing(rest.blocks()) as blocks, _writer(sink, schema, format) as write_batch:
        batches = layouts.record_batches(
            blocks, schema, rest.header, values, layout, rest.weights, ends
        )
        for number, batch in enumerate(batches, 2):
            write_batch(batch)
            del batch  # before the next one is drawn
            if number < len(ends) and (chunk := sink.taken()):
                left -= 1
                if left < 0:
                    yield chunk
    if left < 1:
        yield sink.taken()


class _Chunk(io.RawIOBase):
    """Where a writer writes; what it has written so far is taken away."""

    def __init__(self, drop: int) -> None:
        self._parts: list[bytes] = []
        self._drop = drop

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        view = memoryview(content).cast("B")
        dropped = min(self._drop, len(view))
        self._drop -= dropped
        self._parts.append(bytes(view[dropped:]))
        return len(view)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _n_head_bytes(schema: pa.Schema, format: Format) -> int:  # noqa: A002
    """What stands before the first batch."""
    sink = io.BytesIO()
    with _writer(sink, schema, format):
        pass
    return len(sink.getvalue()) - (_ARROW_END if format == "arrow" else 0)


def to_table(
    scenarios: Scenarios, *, values: Values = "simple_return", layout: Layout = "wide"
) -> pa.Table:
    """Scenarios in memory as one table; it may share memory with them."""
    _check_request(0, values, layout, "arrow")
    schema = _schema(scenarios, values, layout)
    bounds = layouts.group_bounds(scenarios.header, layout)
    batches = layouts.record_batches(
        scenarios.blocks(), schema, scenarios.header, values, layout, scenarios.weights, bounds
    )
    return pa.Table.from_batches(batches, schema)


@contextmanager
def _writer(sink: Sink, schema: pa.Schema, format: Format) -> Iterator[WriteBatch]:  # noqa: A002
    match format:
        case "parquet":
            with pa.parquet.ParquetWriter(sink, schema, **_parquet_options(schema)) as writer:
                yield lambda batch: writer.write_batch(batch, row_group_size=batch.num_rows)
        case "arrow":
            with pa.ipc.new_stream(sink, schema) as writer:
                yield writer.write_batch
        case "csv":
            with _csv_writer(sink, schema) as writer:
                yield writer.write_batch
        case "csv.gz":
            with (
                gzip.GzipFile("", "wb", compresslevel=6, fileobj=sink, mtime=0) as packed,
                _csv_writer(packed, schema) as writer,
            ):
                yield writer.write_batch
        case "json":
            columns: dict[str, list[Any]] = {name: [] for name in schema.names}

            def collect(batch: pa.RecordBatch) -> None:
                for name, items in columns.items():
                    items += _plain(batch[name])

            yield collect
            head = json.loads(schema.metadata[b"fingan"])
            document = {"fingan": head, "columns": columns}
            sink.write(json.dumps(document, allow_nan=False, ensure_ascii=False).encode())


def _parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """No dictionaries for the values, which never repeat; their bytes are split by place."""
    index = [name for name in schema.names if name in layouts.INDEX_COLUMNS]
    values = [name for name in schema.names if name not in layouts.INDEX_COLUMNS]
    return {
        "compression": "zstd",
        "use_dictionary": index,
        "use_byte_stream_split": ["returns.list.element" if c == "returns" else c for c in values],
        "write_statistics": index,
        "write_page_checksum": True,
    }


def _csv_writer(sink: Sink, schema: pa.Schema) -> pa.csv.CSVWriter:
    is_plain = not any(set(name) & set(',"\r\n') for name in schema.names)
    options = pa.csv.WriteOptions(quoting_header="none" if is_plain else "needed")
    return pa.csv.CSVWriter(sink, schema, write_options=options)


def _plain(column: pa.Array) -> list[Any]:
    """A column as JSON values; a float32 by its shortest decimal."""
    if isinstance(column.type, pa.FixedShapeTensorType):
        cells = np.array(_plain(column.storage.flatten()))
        return cast("list[Any]", cells.reshape(-1, *column.type.shape).tolist())
    if pa.types.is_float32(column.type):
        column = column.cast(pa.string()).cast(pa.float64())
    items = column.to_pylist()
    return [item.isoformat() for item in items] if pa.types.is_temporal(column.type) else items


def _schema(scenarios: Scenarios, values: Values, layout: Layout) -> pa.Schema:
    has_weights = scenarios.weights is not None
    return layouts.table_schema(scenarios.header, values, layout, has_weights=has_weights)


def _count(header: ScenarioHeader, layout: Layout) -> int:
    steps = 1 if layout == "terminal" else header.horizon
    return header.n_paths * steps * len(header.assets)


def _check_request(n_values: int, values: Values, layout: Layout, format: Format) -> None:  # noqa: A002
    _check_choice("values", values, get_args(Values))
    _check_choice("layout", layout, get_args(Layout))
    _check_choice("format", format, get_args(Format))
    if layout == "tensor" and format in ("csv", "csv.gz"):
        raise RequestError(
            "layout 'tensor' has no CSV form; use layout 'wide', or Parquet or Arrow"
        )
    if format == "json" and n_values > MAX_JSON_VALUES:
        raise RequestError(
            f"JSON holds at most {MAX_JSON_VALUES:,} values, got {n_values:,}; "
            "use .parquet, .arrow or .csv"
        )


def _check_choice(name: str, chosen: str, known: tuple[str, ...]) -> None:
    if chosen not in known:
        raise RequestError(f"{name} must be one of {', '.join(known)}, got '{chosen}'")
