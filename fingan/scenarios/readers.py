"""Scenario files read back: Parquet and Arrow streams in layout wide or tensor."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch
from torch import Tensor

from fingan.errors import StoreError
from fingan.files import Location, filesystem_of, local_path
from fingan.scenarios import layouts
from fingan.scenarios.header import ScenarioHeader, Values


def read_scenarios(location: Location) -> tuple[ScenarioHeader, Tensor, Tensor | None]:
    """Read a Parquet or Arrow file of layout ``wide`` or ``tensor``.

    Returns:
        Header, log-returns and weights.

    Raises:
        StoreError: If the file cannot be read or holds no scenarios of fingan.
        RequestError: If the scenarios are larger than the memory of this machine.
    """
    try:
        with _opened(location) as source:
            return decoded(source)
    except OSError as failure:
        raise StoreError(f"{location}: cannot be read: {failure.strerror or failure}") from failure
    except ValueError as failure:
        raise StoreError(
            f"{location}: must be a Parquet or Arrow file of scenarios: {failure}"
        ) from failure


def decoded(source: Any) -> tuple[ScenarioHeader, Tensor, Tensor | None]:
    """As :func:`read_scenarios`, from an open binary file.

    Raises:
        ValueError: If it holds no scenarios of fingan.
    """
    is_parquet = source.read(4) == b"PAR1"
    source.seek(0)
    if is_parquet:
        parquet = pa.parquet.ParquetFile(source, page_checksum_verification=True)
        schema, batches = parquet.schema_arrow, parquet.iter_batches(use_threads=False)
    else:
        stream = pa.ipc.open_stream(source)
        schema, batches = stream.schema, iter(stream)
    text = (schema.metadata or {}).get(b"fingan", b"null").decode()
    header, labels = ScenarioHeader.from_json(text, "layout", "values")
    cube = header.empty_cube()
    weights = _fill(cube, batches, header, labels["layout"])
    for part in cube.split(max(1, layouts.GROUP_VALUES // cube[0].numel())):
        part.copy_(layouts.as_log_returns(part, header, cast("Values", labels["values"])))
    if not cube.isfinite().all():
        raise ValueError("its values must be finite as log-returns")
    return header, cube, weights


def _fill(
    cube: Tensor, batches: Iterator[pa.RecordBatch], header: ScenarioHeader, layout: str
) -> Tensor | None:
    """Put the cells of a file into the cube.

    Returns:
        The weights of the paths, where the file has them.
    """
    if layout not in ("wide", "tensor"):
        raise ValueError(f"its layout must be 'wide' or 'tensor', got '{layout}'")
    rows_of_path = header.horizon if layout == "wide" else 1
    cells = cube.view(header.n_paths * rows_of_path, -1).numpy()
    weights: list[float] = []
    first = 0
    for batch in batches:
        last = first + batch.num_rows
        scenario = np.arange(first, last) // rows_of_path + header.first
        if last > len(cells) or not np.array_equal(batch["scenario"].to_numpy(), scenario):
            raise ValueError("its rows must stand in the order in which they were written")
        if layout == "tensor":
            cells[first:last] = batch["returns"].to_numpy_ndarray().reshape(last - first, -1)
        else:
            for column, asset in enumerate(header.assets):
                cells[first:last, column] = batch[asset].to_numpy()
        if "weight" in batch.schema.names and "weight" not in header.assets:
            weights += batch["weight"].to_numpy()[-first % rows_of_path :: rows_of_path].tolist()
        first = last
    if first != len(cells):
        raise ValueError(f"it must hold {len(cells):,} rows, got {first:,}")
    return torch.tensor(weights, dtype=torch.float64) if weights else None


def _opened(location: Location) -> AbstractContextManager[Any]:
    path = local_path(location)
    if path is not None:
        return path.open("rb")
    filesystem, key = cast("tuple[Any, str]", filesystem_of(location))
    return cast("AbstractContextManager[Any]", filesystem.open(key, "rb"))
