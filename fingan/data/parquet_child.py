"""Parse one Parquet file in a process of its own: run by path, imports nothing of fingan.

A malformed file can crash or exhaust the native reader. It then takes this process with it and
not the caller's. The table goes back as an Arrow file; refusals go back as a line on stdout.
"""

import json
import resource
import sys

MEMORY_BYTES = 8 * 1024**3
CPU_SECONDS = 120
REFUSED = 3


def refuse(message: str) -> None:
    """Say in one line why the file is not accepted, and end."""
    sys.stdout.write(message)
    sys.exit(REFUSED)


def limit(what: int, most: int) -> None:
    """Lower a limit of this process; a lower one that is there already stays."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def index_names(metadata: dict[bytes, bytes] | None) -> list[str]:
    """The columns that pandas wrote as index, by its own metadata; none if that is absent."""
    try:
        stored = json.loads((metadata or {}).get(b"pandas", b"{}"))
        return [name for name in stored.get("index_columns", []) if isinstance(name, str)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []


def main(source: str, target: str, max_columns: int, max_cells: int) -> None:
    """Read ``source`` under limits and write it to ``target`` in the Arrow file format."""
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, CPU_SECONDS)
    limit(resource.RLIMIT_CORE, 0)
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(source, page_checksum_verification=True)
    n_rows, n_columns = file.metadata.num_rows, file.metadata.num_columns
    if n_columns > max_columns:
        refuse(f"has {n_columns:,} columns; at most {max_columns:,} are read")
    if n_rows * n_columns > max_cells:
        refuse(f"has {n_rows * n_columns:,} cells; at most {max_cells:,} are read")
    for field in file.schema_arrow:
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
            refuse(f"column {field.name!r} holds {field.type}; it must hold numbers, text or dates")

    table = file.read(use_threads=False)
    table.validate(full=True)
    names = json.dumps(index_names(table.schema.metadata)).encode()
    table = table.replace_schema_metadata({b"index_names": names})
    with pa.OSFile(target, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
