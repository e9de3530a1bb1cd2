"""Problems as documents: what went wrong, in words that the caller can act on (RFC 9457)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, Self

from pydantic import ValidationError

from fingan.config import rule_in_words
from fingan.errors import (
    FinganError,
    InsufficientSupportError,
    ModelDamagedError,
    ModelNotFoundError,
    StoreError,
    UnknownAssetError,
)

MEDIA_TYPE = "application/problem+json"
MOST_MISTAKES = 20
STORE_DETAIL = "the model store must be readable, but is not at the moment; ask again later"
LONGEST_SHOWN = 80  # characters of what was given
_IS_TYPE = re.compile(r"[\[(]|^(str|int|float|bool|tuple|list|dict)$")  # in a place, not a field
_CODES: Mapping[type[FinganError], tuple[str, int]] = {
    ModelNotFoundError: ("model-not-found", 404),
    ModelDamagedError: ("model-damaged", 503),
    StoreError: ("store-unavailable", 503),
    UnknownAssetError: ("asset-unknown", 422),
    InsufficientSupportError: ("insufficient-support", 422),
}


@dataclass
class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """A request that is not answered, and why; crosses process bounds as :meth:`record`.

    Args:
        status: HTTP status.
        code: Of the catalogue in ``docs/http.md``, such as ``model-not-found``.
        detail: One sentence: what must hold, what was given, the mend.
        errors: Each mistake as ``{"pointer": "/horizon", "detail": ...}``.
        retry_after: Seconds after which the same request may fare better.
    """

    status: int
    code: str
    detail: str
    errors: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    retry_after: int | None = None

    @classmethod
    def of(cls, error: FinganError) -> Self:
        """What the caller can mend, with the same words."""
        code, status = _CODES.get(type(error), ("request-invalid", 422))
        detail = STORE_DETAIL if isinstance(error, StoreError) else str(error)
        return cls(status, code, detail, retry_after=5 if status == 503 else None)

    @classmethod
    def late(cls, seconds: float, *, goes_on: bool) -> Self:
        """No answer has begun in the time it may take.

        Args:
            seconds: That time.
            goes_on: Whether it is worked on, so that the same request finds it done, or nearly.
        """
        mend = (
            "it is worked on: ask the same again, or ask for less, or for a job"
            if goes_on
            else "too much is late already for it to go on: ask for less, for a job, or later"
        )
        return cls(
            503,
            "answer-late",
            f"an answer must begin within {seconds:g} seconds, and this one did not; {mend}",
            retry_after=1 if goes_on else 10,
        )

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read back what :meth:`record` wrote."""
        return cls(**record)

    def record(self) -> dict[str, Any]:
        """The problem as plain data."""
        return asdict(self)

    def document(self, instance: str, request_id: str) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "type": f"urn:fingan:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "errors": list(self.errors),
            "request_id": request_id,
        }


def mistakes(invalid: ValidationError) -> tuple[str, list[dict[str, str]]]:
    """The first mistake of a request in words, and all of them by their place in it."""
    errors = [_mistake(error) for error in invalid.errors(include_url=False)[:MOST_MISTAKES]]
    more = invalid.error_count() - 1
    others = f" (and {more} more)" if more else ""
    return f"{errors[0]['pointer'] or 'the body'}: {errors[0]['detail']}{others}", errors


def _mistake(error: Any) -> dict[str, str]:
    pointer = "".join(f"/{part}" for part in error["loc"] if not _IS_TYPE.search(str(part)))
    if error["type"] == "extra_forbidden":
        return {"pointer": pointer, "detail": "must not be given: there is no such field"}
    if error["type"] == "missing":
        return {"pointer": pointer, "detail": "must be given"}
    if error["type"] == "value_error":
        return {"pointer": pointer, "detail": str(error["ctx"]["error"])}
    rule = rule_in_words(error["msg"])
    given = repr(error["input"])
    short = given if len(given) <= LONGEST_SHOWN else f"{given[:LONGEST_SHOWN]}..."
    return {"pointer": pointer, "detail": f"{rule}, got {short}"}
