"""What stands before the endpoints, from outside in: log, access, bodies, gate."""

import json
import logging
import re
import time
import uuid
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fingan.keys import KeyRing
from serve import problems
from serve.access import Access, address_of
from serve.bodies import Bodies
from serve.gate import Gate
from serve.meters import Meters
from serve.problems import Problem
from serve.recent import Recent
from serve.refusals import Refusals
from serve.settings import ServiceSettings

if TYPE_CHECKING:
    from fingan.audit import AuditTrail

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self'"
    " 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
EXPOSED = (
    "ETag", "Retry-After", "X-Request-Id", "X-Fingan-Model", "X-Fingan-Model-Digest",
    "X-Fingan-Seed", "X-Fingan-Version", "X-Fingan-Request-Digest",
)  # fmt: skip

_log = logging.getLogger("fingan.service")


def add_guards(
    app: FastAPI,
    settings: ServiceSettings,
    *,
    keys: KeyRing | None,
    meters: Meters,
    audit: "AuditTrail | None",
) -> None:
    """Put the guards before an application.

    Args:
        app: The endpoints.
        settings: Of the service.
        keys: Where the settings need them.
        meters: Count requests.
        audit: Hears of refused keys.
    """
    app.add_middleware(Gate, limits=settings.limits, meters=meters)
    app.add_middleware(Recent, seconds=settings.poll_seconds)
    app.add_middleware(Bodies, limits=settings.limits)
    app.add_middleware(Access, settings=settings, keys=keys)
    if settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allow_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Accept", "Idempotency-Key"],
            expose_headers=list(EXPOSED),
        )
    app.add_middleware(
        Outermost,
        meters=meters,
        refusals=None if audit is None else Refusals(audit.note),
        origins=settings.allow_origins,
    )


class Outermost:
    """Gives each request an id, logs and counts it, and turns problems into answers.

    Args:
        app: What stands behind.
        meters: Count.
        refusals: Hear of hosts, origins and keys that were refused.
        origins: Whose pages may read refusals too.
    """

    def __init__(
        self,
        app: ASGIApp,
        meters: Meters,
        refusals: Refusals | None = None,
        origins: tuple[str, ...] = (),
    ) -> None:
        self._app, self._meters, self._refusals, self._origins = app, meters, refusals, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            if self._refusals is not None:  # the service ends
                self._refusals.write(all_of_them=True)
            return
        request = _Request(scope, send, self._meters)
        try:
            await self._app(scope, receive, request.send)
        except Problem as problem:
            await self._refuse(problem, request, receive)
        except Exception:
            _log.exception(json.dumps({"event": "fault", "request_id": request.id}))
            if request.status is not None:
                raise  # bytes are on their way: break off
            fault = Problem(500, "fault", "an error of ours; the log has more under request_id")
            await self._refuse(fault, request, receive)
        finally:
            request.end()
            if self._refusals is not None and self._refusals.is_due:
                await run_in_threadpool(self._refusals.write)

    async def _refuse(self, problem: Problem, request: "_Request", receive: Receive) -> None:
        if request.status is not None:
            raise problem
        self._meters.refused.labels(problem.code).inc()
        if self._refusals is not None and problem.status in (401, 403):
            details = {
                "code": problem.code,
                "path": request.scope["path"][:200],
                "request_id": request.id,
            }
            await run_in_threadpool(self._refusals.add, address_of(request.scope), details)
        head = {"Cache-Control": "no-store", **self._cors(request.scope)}
        if problem.retry_after is not None:
            head["Retry-After"] = str(problem.retry_after)
        if problem.status in (400, 408, 413, 431):
            head["Connection"] = "close"  # what is left of the body is not wanted
        document = problem.document(request.scope["path"], request.id)
        answer = JSONResponse(document, problem.status, head, problems.MEDIA_TYPE)
        await answer(request.scope, receive, request.send)

    def _cors(self, scope: Scope) -> dict[str, str]:
        """What lets a browser's page of an allowed origin read an answer."""
        origin = Headers(scope=scope).get("origin", "")
        if origin not in self._origins:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": ", ".join(EXPOSED),
            "Vary": "Origin",
        }


class _Request:
    """One request on its way."""

    def __init__(self, scope: Scope, send: Send, meters: Meters) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self.scope, self._send, self._meters = scope, send, meters
        scope.setdefault("state", {})["request_id"] = self.id
        self.status: int | None = None
        self._began, self._head_at, self._n_bytes = time.perf_counter(), 0.0, 0

    async def send(self, message: Message) -> None:
        """Hand on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status, self._head_at = message["status"], time.perf_counter()
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self.id
        self._n_bytes += len(message.get("body", b""))
        await self._send(message)

    def end(self) -> None:
        """Count and log, without what was asked: prices and keys stay out of logs."""
        route = getattr(self.scope.get("route"), "path", "none")
        method, status = self.scope["method"], self.status or 0
        labels = (route, method if method in METHODS else "other")
        head_seconds = (self._head_at or time.perf_counter()) - self._began
        self._meters.seconds.labels(*labels).observe(head_seconds)
        self._meters.requests.labels(*labels, str(status)).inc()
        self._meters.bytes_sent.labels(route).inc(self._n_bytes)
        record = {
            "event": "request",
            "request_id": self.id,
            "method": labels[1],
            "route": route,
            "status": status,
            "seconds": round(time.perf_counter() - self._began, 4),
            "bytes": self._n_bytes,
            "caller": self.scope.get("state", {}).get("caller"),
        }
        _log.info(json.dumps(record))


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
