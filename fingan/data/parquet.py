"""Parquet files of unknown origin: parsed in a short-lived process, which alone they can end."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fingan.data import parquet_child
from fingan.data.files import is_url, open_source, read_source
from fingan.data.options import MAX_CELLS, MAX_COLUMNS
from fingan.data.tables import RawTable, as_label
from fingan.errors import PriceDataError

_PATIENCE_SECONDS = 300
_UNREADABLE = "unreadable: it is damaged, cut short or no Parquet file; fetch or write it again"


def read_parquet(source: str, max_bytes: int) -> RawTable:
    """The columns of a Parquet file, local or by URL.

    Raises:
        PriceDataError: If the file cannot be read, or is larger than the caps.
    """
    with tempfile.TemporaryDirectory(prefix="fingan-") as directory:
        path = _fetch(source, max_bytes, Path(directory))
        target = Path(directory) / "table.arrow"
        _parse_in_child(path, target)
        with pa.memory_map(str(target)) as mapped:
            return _as_table(pa.ipc.open_file(mapped).read_all())


def _fetch(source: str, max_bytes: int, directory: Path) -> Path:
    with open_source(source) as handle:
        if not is_url(source):
            size = Path(source).stat().st_size
            if size > max_bytes:
                raise PriceDataError(
                    f"holds {size:,} bytes, more than {max_bytes:,}; split it, or raise max_bytes"
                )
            return Path(source).absolute()
        path = directory / "source.parquet"
        path.write_bytes(read_source(handle, max_bytes))
        return path


def _parse_in_child(path: Path, target: Path) -> None:
    command = [sys.executable, "-I", parquet_child.__file__, str(path), str(target)]
    quiet = {"OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    try:
        child = subprocess.run(
            [*command, str(MAX_COLUMNS), str(MAX_CELLS)],
            env=os.environ | quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PriceDataError(_UNREADABLE) from None
    if child.returncode == parquet_child.REFUSED:
        raise PriceDataError(child.stdout.decode(errors="replace").strip())
    if child.returncode != 0:
        raise PriceDataError(_UNREADABLE)


def _as_table(table: pa.Table) -> RawTable:
    declared = json.loads((table.schema.metadata or {}).get(b"index_names", b"[]"))
    columns = [_as_series(column) for column in table.columns]
    cells = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    cells.columns = pd.RangeIndex(cells.shape[1])
    names = table.column_names
    index = tuple(names.index(name) for name in declared if name in names)
    return RawTable(tuple(map(as_label, names)), cells, index_columns=index)


def _as_series(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    try:
        series: pd.Series = column.to_pandas(date_as_object=False)
    except pa.ArrowInvalid:
        raise PriceDataError("a date lies outside 1678-2261; correct or remove it") from None
    return series
