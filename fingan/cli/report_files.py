"""The files of ``fingan report``: the audit that goes in, the page and its JSON that come out."""

import json
from typing import Any

from fingan.errors import RequestError


def json_beside(out: str) -> str:
    """Where the JSON goes: the page's name with another suffix.

    Raises:
        RequestError: If ``out`` names no page.
        StoreError: If it cannot stand there.
    """
    from fingan.files import check_place

    stem, _, suffix = out.rpartition(".")
    if suffix.lower() not in ("html", "htm") or not stem.rpartition("/")[2]:
        raise RequestError(f"--out must name a page, such as report.html, got '{out}'")
    check_place(out)
    return f"{stem}.json"


def read_audit(path: str, model: str) -> dict[str, Any]:
    """The record of ``fingan privacy``."""
    import fsspec

    try:
        with fsspec.open(path, "rt", encoding="utf-8") as file:
            record = json.load(file)
    except FileNotFoundError:
        raise RequestError(f"{path}: there is no such file") from None
    except (OSError, ValueError, ImportError):
        record = None
    if not isinstance(record, dict) or record.get("kind") != "privacy":
        raise RequestError(f"{path}: must be what 'fingan privacy --json' prints")
    if record.get("model") != model:
        raise RequestError(
            f"{path}: must be the audit of model '{model}', got that of '{record.get('model')}'"
        )
    return record


def write_report(record: dict[str, Any], out: str, beside: str | None) -> None:
    """Both files, made before either is touched."""
    from pydantic_core import to_json

    from fingan.assessment.report_page import report_page
    from fingan.files import whole_file

    page = report_page(record).encode()
    if beside is not None:
        with whole_file(beside) as file:
            file.write(to_json(record, inf_nan_mode="null"))
    with whole_file(out) as file:
        file.write(page)
