"""What the commands say: results on stdout, progress and notes on stderr."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer


def note(text: str) -> None:
    """A line on stderr, for people."""
    typer.echo(text, err=True)


def emit(record: Mapping[str, Any], *, as_json: bool) -> None:
    """The result of a command: one JSON object, or one aligned line per entry."""
    if as_json:
        typer.echo(_json(record))
        return
    _emit_entries(record, indent="")


def _emit_entries(record: Mapping[str, Any], indent: str) -> None:
    """One aligned line per entry, records within records indented; long lists are counted."""
    width = max((len(name) for name in record), default=0)
    for name, value in record.items():
        head = f"{indent}{name.replace('_', ' '):<{width}}"
        if isinstance(value, Mapping) and value:
            typer.echo(head.rstrip())
            _emit_entries(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            typer.echo(f"{head}  {len(value)} records (--json prints them)")
        else:
            typer.echo(f"{head}  {_plain(value)}")


def emit_rows(name: str, rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """A list of records: one JSON object that holds it, or one aligned line per record."""
    if as_json:
        typer.echo(_json({name: rows}))
        return
    if not rows:
        note(f"no {name}")
        return
    lines = [[column.replace("_", " ") for column in rows[0]]]
    lines += [[_plain(value) for value in row.values()] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """A moving sign on stderr while something takes its time; nothing where nobody looks."""
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def duration(seconds: float) -> str:
    """A span of time for people: ``42 s``, ``5 min 07 s``, ``1 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _json(record: Mapping[str, Any]) -> str:
    from pydantic_core import to_json

    return to_json(record, indent=2, inf_nan_mode="null", fallback=str).decode()


def _plain(value: Any) -> str:
    """A value as a person reads it on one line."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.6g}"
        case int() if not isinstance(value, bool):
            return f"{value:,}"
        case Mapping():
            return ", ".join(f"{name} {_plain(entry)}" for name, entry in value.items()) or "none"
        case list() | tuple():
            return ", ".join(_plain(entry) for entry in value) or "none"
    return str(value)
