"""The service from Python: the same questions over HTTP, with retries, and cubes that stream.

    client = fingan.Client("http://127.0.0.1:8000")
    client.scenarios("equities", horizon=20, n_paths=10_000).to_frame()
    client.risk("equities", portfolio={"AAPL": 0.5, "MSFT": 0.5})

An answer is a pure function of its request, so that asking again is safe: after a lost connection,
and after 429 or 503, no sooner than ``Retry-After`` says.
"""

import datetime as dt
import io
import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

from fingan.errors import (
    FinganError,
    InsufficientSupportError,
    ModelNotFoundError,
    RequestError,
    UnknownAssetError,
)
from fingan.files import Location, whole_file

if TYPE_CHECKING:
    import httpx
    import pandas as pd
    import pyarrow as pa

    from fingan.scenarios.scenario_set import ScenarioSet

Record = dict[str, Any]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

ARROW = "application/vnd.apache.arrow.stream"
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": ARROW,
    ".arrows": ARROW,
    ".csv": "text/csv",
    ".json": "application/json",
}
ERRORS: Mapping[str, type[FinganError]] = {
    "model-not-found": ModelNotFoundError,
    "asset-unknown": UnknownAssetError,
    "insufficient-support": InsufficientSupportError,
}
AGAIN = (429, 503)
LONGEST_PAUSE = 30.0


class ServiceError(Exception):
    """The service cannot be reached, or failed where the caller cannot mend it."""


class Client:
    """A service at an address.

    Args:
        url: As ``http://127.0.0.1:8000``.
        key: Bearer key, where the service needs one.
        timeout: Seconds that an answer may keep silent.
        retries: Further tries after a lost connection, 429 or 503.
        transport: Instead of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 300.0,
        retries: int = 5,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        import httpx

        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, transport=transport, trust_env=False
        )
        self._retries = retries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def models(self) -> list[Record]:
        """Every version of every model."""
        found: list[Record] = self._get("/v1/models")["models"]
        return found

    def model(self, reference: str) -> Record:
        """Card and configuration of a model.

        Raises:
            ModelNotFoundError: If there is none such.
        """
        return self._get(f"/v1/models/{quote(reference, safe='@')}")

    def limits(self) -> Record:
        """What a request may ask for."""
        return self._get("/v1/limits")

    def scenarios(self, model: str, **asked: Any) -> "RemoteScenarios":
        """A cube of joint scenarios, fetched when it is read.

        Args:
            model: ``name``, ``name@version`` or a baseline.
            **asked: ``horizon, n_paths, seed, as_of, assets, values, condition, drift_policy``;
                ``history``, a table from ``read_prices`` or columns as the service documents
                them, or ``prices``, a name that the service knows; ``offset`` and ``limit``, a
                page of the paths.
        """
        page: Record = {name: asked.pop(name) for name in ("offset", "limit") if name in asked}
        return RemoteScenarios(self, {"model": model, **asked}, page)

    def summary(self, model: str, **asked: Any) -> Record:
        """Fan, moments, correlations and drawdowns with errors."""
        return self._ask("/v1/scenarios/summary", model, asked)

    def risk(self, model: str, **asked: Any) -> Record:
        """Risk measures of a portfolio, beside the baselines'."""
        return self._ask("/v1/risk", model, asked)

    def stress(self, model: str, *shocks: str, **asked: Any) -> Record:
        """What goes with shocks such as ``"AAPL=-0.10"``; or with ``replay`` or ``views``."""
        given = {"shocks": list(shocks)} if shocks else {}
        return self._ask("/v1/stress", model, given | asked)

    def reverse_stress(self, model: str, loss: float, **asked: Any) -> Record:
        """The ways to lose at least so large a share of the value."""
        return self._ask("/v1/stress/reverse", model, {"loss": loss, **asked})

    def screen(self, model: str, **specification: Any) -> Record:
        """Ranked candidates with verdicts."""
        return self._ask("/v1/screens", model, specification)

    def optimize(self, model: str, **asked: Any) -> Record:
        """Weights that are best on scenarios."""
        return self._ask("/v1/optimize", model, asked)

    def anomalies(self, model: str, **asked: Any) -> Record:
        """Windows that do not look like the market learnt."""
        return self._ask("/v1/anomalies", model, asked)

    def submit(self, kind: str, model: str, **asked: Any) -> "RemoteJob":
        """Start long work: ``scenarios, backtest, evaluate, screen-validation, report``."""
        key = {"Idempotency-Key": uuid.uuid4().hex}  # a retry starts no second job
        request, table = _parted({"model": model, **asked})
        content, media_type = _body({"kind": kind, "request": request}, table)
        answer = self._send(
            "POST", "/v1/jobs", content=content, headers=key | {"Content-Type": media_type}
        )
        return RemoteJob(self, answer.json()["id"])

    def jobs(self) -> list[Record]:
        """Every job, the newest first; what was asked stands in each one's ``status()``."""
        found: list[Record] = self._get("/v1/jobs")["jobs"]
        return found

    def _ask(self, path: str, model: str, asked: Mapping[str, Any]) -> Record:
        content, media_type = _body(*_parted({"model": model, **asked}))
        answer = self._send("POST", path, content=content, headers={"Content-Type": media_type})
        record: Record = answer.json()
        return record

    def _get(self, path: str) -> Record:
        record: Record = self._send("GET", path).json()
        return record

    def _send(self, method: str, path: str, **request: Any) -> "httpx.Response":
        """An answer that is read whole; asked again where that may help."""

        def once() -> "httpx.Response":
            answer = self._http.request(method, path, **request)
            _check(answer)
            return answer

        return self._persistently(once)

    def _persistently(self, once: Callable[[], Any]) -> Any:
        import httpx

        for number in range(self._retries + 1):
            try:
                return once()
            except _Again as later:
                pause, reason = later.seconds, str(later)
            except httpx.TransportError as lost:
                pause, reason = 0.0, f"{type(lost).__name__}: {lost}"
            if number < self._retries:
                least = min(LONGEST_PAUSE, 0.1 * 2**number)
                time.sleep(max(pause, random.uniform(least / 2, least)))
        raise ServiceError(f"{self._http.base_url}: no answer after {number + 1} tries: {reason}")

    @contextmanager
    def _streamed(self, method: str, path: str, **request: Any) -> Iterator["httpx.Response"]:
        """An answer whose bytes are still to come."""

        def once() -> "httpx.Response":
            asked = self._http.build_request(method, path, **request)
            answer = self._http.send(asked, stream=True)
            if answer.status_code >= 300:
                answer.read()
                answer.close()
            _check(answer)
            return answer

        answer = self._persistently(once)
        try:
            yield answer
        finally:
            answer.close()


@dataclass(frozen=True)
class RemoteScenarios:
    """Scenarios of a service, fetched by each method that reads them."""

    client: Client
    asked: Record
    page: Record

    def save(self, path: Location) -> Record:
        """Write them to a file, with memory that does not grow with their number.

        Args:
            path: The suffix names the format: .parquet, .arrow, .csv, .json.

        Returns:
            What they were made from: model, digest, seed, versions.

        Raises:
            RequestError: If the suffix names no format, or the request does not fit.
        """
        suffix = os.path.splitext(os.fspath(path))[1].lower()  # noqa: PTH122 - also of a URL
        if suffix not in MEDIA_TYPES:
            raise RequestError(f"{path}: the suffix must be one of {', '.join(MEDIA_TYPES)}")
        return self.client._persistently(lambda: self._written(path, MEDIA_TYPES[suffix]))

    def to_arrow(self) -> "pa.Table":
        """One table; its schema holds what it was made from under the key ``fingan``."""
        import pyarrow as pa

        return pa.ipc.open_stream(io.BytesIO(self._bytes())).read_all()

    def to_frame(self) -> "pd.DataFrame":
        """A data frame with the columns of the layout."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(date_as_object=False)
        return frame

    def to_scenario_set(self) -> "ScenarioSet":
        """The cube as the library has it."""
        from fingan.scenarios.readers import decoded
        from fingan.scenarios.scenario_set import ScenarioSet

        asked = {**self.asked, "values": "log_return", "layout": "tensor"}
        content = RemoteScenarios(self.client, asked, self.page)._bytes()
        return ScenarioSet(*decoded(io.BytesIO(content)))

    def _bytes(self) -> bytes:
        def whole() -> bytes:
            with self._open(ARROW) as answer:
                return b"".join(answer.iter_bytes())

        found: bytes = self.client._persistently(whole)
        return found

    def _written(self, path: Location, accept: str) -> Record:
        with self._open(accept) as answer:
            _save(answer, path)
            names = [name for name in answer.headers if name.startswith("x-fingan-")]
            return {name.removeprefix("x-fingan-"): answer.headers[name] for name in names}

    def _open(self, accept: str) -> Any:
        content, media_type = _body(*_parted(self.asked))
        headers = {"Content-Type": media_type, "Accept": accept}
        return self.client._streamed(
            "POST", "/v1/scenarios", content=content, params=self.page, headers=headers
        )


@dataclass(frozen=True)
class RemoteJob:
    """Long work at a service."""

    client: Client
    id: str

    def status(self) -> Record:
        """State, progress, and the problem of one that failed."""
        return self.client._get(f"/v1/jobs/{self.id}")

    def wait(
        self, progress: Callable[[int, int], None] | None = None, *, every: float = 1.0
    ) -> Self:
        """Wait until it has ended.

        Args:
            progress: Hears how much is done, of how much, where that is known.
            every: Seconds between two looks.

        Raises:
            FinganError: If it failed on what the caller can mend.
            ServiceError: If it failed otherwise, or was cancelled.
        """
        while True:
            job = self.status()
            told = job["progress"]
            if progress is not None and told is not None and told["total"] is not None:
                progress(told["done"], told["total"])
            if job["state"] == "succeeded":
                return self
            if job["state"] in ("failed", "cancelled"):
                problem = job["problem"] or {"status": 409, "code": "", "detail": "was cancelled"}
                raise _error(problem["status"], problem["code"], f"{self.id}: {problem['detail']}")
            time.sleep(every)

    def result(self) -> Record:
        """The record that came out; of a job that writes a file, use :meth:`save`."""
        return self.client._get(f"/v1/jobs/{self.id}/result")

    def save(self, path: Location) -> None:
        """Write what came out to a file, with memory that does not grow with its size."""
        self.client._persistently(lambda: self._written(path))

    def cancel(self) -> Record:
        """End it."""
        record: Record = self.client._send("DELETE", f"/v1/jobs/{self.id}").json()
        return record

    def _written(self, path: Location) -> None:
        with self.client._streamed("GET", f"/v1/jobs/{self.id}/result") as answer:
            _save(answer, path)


class _Again(Exception):  # noqa: N818 - never leaves this file
    """The service asks to come again later."""

    def __init__(self, detail: str, seconds: float) -> None:
        super().__init__(detail)
        self.seconds = seconds


def _save(answer: "httpx.Response", path: Location) -> None:
    with whole_file(path) as file:
        for part in answer.iter_bytes(2**20):
            file.write(part)


def _parted(asked: Mapping[str, Any]) -> tuple[Record, "pd.DataFrame | None"]:
    """A request, and apart from it a history that is a table; columns stay within."""
    history = asked.get("history")
    if history is None or isinstance(history, Mapping):
        return dict(asked), None
    return {name: value for name, value in asked.items() if name != "history"}, history


def _body(asked: Record, history: "pd.DataFrame | None") -> tuple[bytes, str]:
    """A request as JSON; with a history, as an Arrow table that carries the JSON."""
    text = json.dumps(asked, allow_nan=False, default=_plain).encode()
    if history is None:
        return text, "application/json"
    import pandas as pd
    import pyarrow as pa

    if not isinstance(history, pd.DataFrame):
        raise TypeError(f"history must be a table or columns, got {type(history).__name__}")
    table = pa.Table.from_pandas(history.rename_axis(index="date").reset_index())
    kind = str(history.attrs.get("kind", "price"))
    table = table.replace_schema_metadata({b"fingan": text, b"kind": kind.encode()})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue(), ARROW


def _plain(value: Any) -> Any:
    """As JSON has it: what NumPy and pandas hold, and dates."""
    import pandas as pd

    if isinstance(value, pd.Series):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    if isinstance(value, dt.date):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(
        "a request must be made of numbers, texts, lists and tables of them, got"
        f" {type(value).__name__}: {str(value)[:80]!r}"
    )


def _check(answer: "httpx.Response") -> None:
    """Raise what an answer complains of."""
    if answer.status_code < 300:
        return
    try:
        document = answer.json()
        code = str(document["type"]).rpartition(":")[2]
        detail = str(document["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "", answer.text[:200]
    if answer.status_code in AGAIN:
        seconds = answer.headers.get("retry-after", "1")
        raise _Again(detail, float(seconds) if seconds.isdigit() else 1.0)
    raise _error(answer.status_code, code, detail)


def _error(status: int, code: str, detail: str) -> Exception:
    if code in ERRORS:
        return ERRORS[code](detail)
    if status in (400, 401, 403, 404, 409, 413, 422):
        return RequestError(detail)
    return ServiceError(f"HTTP {status}: {detail}")
