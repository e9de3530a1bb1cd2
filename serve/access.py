"""Who may ask, how often, and by which name the service is called."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from fingan.keys import Key, KeyRing
from fingan.keys import Scope as Right
from serve.problems import Problem
from serve.settings import LOOPBACK, Rates, ServiceSettings

OPEN = ("/healthz", "/readyz", "/version", "/", "/docs", "/openapi.json")  # need no key
OPEN_BELOW = ("/assets/", "/docs/")
MOST_CALLERS = 10_000  # whose rates are remembered
MUTATING = ("POST", "PUT", "PATCH", "DELETE")


class Access:
    """Refuses hosts, origins and keys that may not ask, and those that ask too often.

    Args:
        app: What stands behind.
        settings: Of the service.
        keys: Needed where the settings ask for keys.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings, keys: KeyRing | None) -> None:
        if settings.needs_keys and keys is None:
            raise ValueError("a service that needs keys must be given a key ring")
        self._app, self._settings, self._keys = app, settings, keys
        self._buckets = Buckets(settings.rates)
        self._refused = Buckets(settings.rates)  # of addresses; keys that are known go by their own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or raise the problem with it."""
        if scope["type"] == "http":
            is_open = scope["path"] in OPEN or scope["path"].startswith(OPEN_BELOW)
            try:
                key = self._admitted(scope, is_open=is_open)
            except Problem:
                self._refused.take(address_of(scope))
                raise
            state = scope.setdefault("state", {})
            state["caller"] = "local" if key is None else key.id
            state["sees_all"] = key is None or key.may("admin")
            if not is_open:
                self._buckets.take(key.id if key else address_of(scope))
        await self._app(scope, receive, send)

    def _admitted(self, scope: Scope, *, is_open: bool) -> Key | None:
        """The key of a request that may be made."""
        headers = Headers(scope=scope)
        self._check_host(headers.get("host", ""))
        self._check_origin(headers, scope["method"])
        return None if is_open else self._key(headers, _right(scope["method"]))

    def _check_host(self, host: str) -> None:
        """Only names that the operator gave: DNS may point any other here (rebinding)."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        known = {*LOOPBACK, *map(str.lower, (self._settings.host, *self._settings.allow_hosts))}
        if name not in known and "*" not in known:
            raise Problem(
                403,
                "host-unknown",
                f"Host must be a name that the service was given, got '{name[:100]}'; add it to"
                " allow_hosts",
            )

    def _check_origin(self, headers: Headers, method: str) -> None:
        """A page of another origin may not change or compute anything here."""
        origin = headers.get("origin")
        if origin is None or method not in MUTATING:
            return
        own = {f"{scheme}://{headers.get('host', '')}" for scheme in ("http", "https")}
        if origin not in own and origin not in self._settings.allow_origins:
            raise Problem(
                403,
                "origin-unknown",
                f"Origin must be allowed (allow_origins), got '{origin[:100]}'",
            )

    def _key(self, headers: Headers, right: Right) -> Key | None:
        """The key of a request, if one is needed."""
        if not self._settings.needs_keys:
            return None
        kind, _, text = headers.get("authorization", "").partition(" ")
        assert self._keys is not None
        key = self._keys.find(text.strip()) if kind.lower() == "bearer" else None
        if key is None:
            raise Problem(
                401,
                "key-needed",
                "a request must carry 'Authorization: Bearer KEY' with a current key; 'fingan keys"
                " create' makes one",
            )
        if not key.may(right):
            raise Problem(403, "scope-needed", f"the key must have the scope '{right}'")
        return key


def address_of(scope: Scope) -> str:
    """Where a request comes from; behind a proxy, the proxy's."""
    client = scope.get("client") or ("local", 0)
    return str(client[0])


def _right(method: str) -> Right:
    """What a request needs a key for."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return "read"
    return "generate"


@dataclass
class Bucket:
    """What is left to a caller."""

    left: float
    since: float


class Buckets:
    """A bucket of requests for each caller, which fills again by the minute.

    Args:
        rates: How fast.
    """

    def __init__(self, rates: Rates) -> None:
        self._per_minute = rates.requests_per_minute
        self._of: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> None:
        """Take one request.

        Raises:
            Problem: 429 if there is none left.
        """
        now = time.monotonic()
        with self._lock:
            bucket = self._of.setdefault(caller, Bucket(self._per_minute, now))
            self._of.move_to_end(caller)
            while len(self._of) > MOST_CALLERS:
                self._of.popitem(last=False)
            filled = (now - bucket.since) * self._per_minute / 60
            bucket.left, bucket.since = min(self._per_minute, bucket.left + filled), now
            if bucket.left < 1:
                seconds = max(1, round((1 - bucket.left) * 60 / self._per_minute))
                raise Problem(
                    429,
                    "quota-exceeded",
                    f"a caller may ask {self._per_minute:,} times a minute; ask again later",
                    retry_after=seconds,
                )
            bucket.left -= 1
