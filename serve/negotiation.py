"""Which form of an answer a caller takes: ``Accept`` (RFC 9110, section 12.5.1), ``?format=``."""

from collections.abc import Mapping, Sequence

from fingan.scenarios.formats import Format
from serve.problems import Problem

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
MEDIA_TYPES: Mapping[Format, str] = {
    "json": JSON,
    "arrow": ARROW,
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
}
SUFFIXES: Mapping[Format, str] = {
    "json": ".json",
    "arrow": ".arrows",
    "parquet": ".parquet",
    "csv": ".csv",
}


def format_for(accept: str | None, named: str | None = None) -> Format:
    """The format of a cube: the one that was named, else the one that is liked best.

    Args:
        accept: The header; None for whatever there is, which is JSON.
        named: ``?format=``.

    Raises:
        Problem: 406 if there is none such.
    """
    if named is not None:
        for known in MEDIA_TYPES:
            if known == named:
                return known
        raise _none(f"format '{named[:50]}'", list(MEDIA_TYPES))
    ranked = [(_liking(accept, media_type), known) for known, media_type in MEDIA_TYPES.items()]
    best, chosen = max(ranked, key=lambda pair: pair[0])
    if best <= 0:
        raise _none(f"Accept '{(accept or '')[:100]}'", list(MEDIA_TYPES.values()))
    return chosen


def check_takes_json(accept: str | None) -> None:
    """Refuse a caller that takes no JSON, where there is nothing else.

    Raises:
        Problem: 406.
    """
    if _liking(accept, JSON) <= 0:
        raise _none(f"Accept '{(accept or '')[:100]}'", [JSON])


def _liking(accept: str | None, media_type: str) -> float:
    """The quality value of a media type; of several ranges that fit, the closest one's."""
    if not accept or not accept.strip():
        return 1.0
    kind = media_type.split("/")[0]
    found: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        found[name] = _quality(parameters)
    for fitting in (media_type, f"{kind}/*", "*/*"):
        if fitting in found:
            return found[fitting]
    return 0.0


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _none(given: str, known: Sequence[str]) -> Problem:
    return Problem(406, "not-acceptable", f"must be one of {', '.join(known)}, got {given}")
