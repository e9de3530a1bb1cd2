"""Bearer keys of the service: shown once, kept as digests, with scopes and an end.

A key is 32 random bytes, so that one SHA-256 is as good as a slow hash: there is nothing to guess.
"""

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from fingan.errors import RequestError, StoreError

Scope = Literal["read", "generate", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
FILE = "keys.json"

_KEY = re.compile(r"fingan_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")


@dataclass(frozen=True)
class Key:
    """What is known of a key; the key itself is not."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created: str
    expires: str | None
    sha256: str

    def may(self, scope: Scope) -> bool:
        """Whether it opens a door; ``admin`` opens every one."""
        return scope in self.scopes or "admin" in self.scopes

    def is_current(self, now: dt.datetime) -> bool:
        """Whether it has not come to its end."""
        return self.expires is None or now < dt.datetime.fromisoformat(self.expires)


class KeyRing:
    """The keys of a service, in one file that only its owner may read.

    Args:
        directory: The service's state directory.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._read: tuple[int, dict[str, Key]] | None = None

    def create(
        self, name: str, scopes: tuple[str, ...], *, days: int | None = None
    ) -> tuple[str, Key]:
        """A new key: the secret, which is kept nowhere, and what is known of it.

        Args:
            name: Who or what it is for.
            scopes: Some of ``read``, ``generate``, ``admin``.
            days: Until it ends; None for never.

        Raises:
            RequestError: If a name, scope or number of days is not allowed.
            StoreError: If the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise RequestError(
                "a key's name must be 1 to 64 letters, digits, spaces or ._@- and begin with a"
                f" letter or digit, got '{name[:80]}'"
            )
        known = tuple(scope for scope in SCOPES if scope in scopes)
        if not known or len(known) < len(set(scopes)):
            given = ", ".join(scopes) or "none"
            raise RequestError(f"scopes must be some of {', '.join(SCOPES)}, got {given}")
        if days is not None and days < 1:
            raise RequestError(f"days must be at least 1, got {days}")
        keys = self._keys()
        secret = secrets.token_urlsafe(32)
        identity = secrets.token_hex(4)
        text = f"fingan_{identity}_{secret}"
        now = dt.datetime.now(dt.UTC)
        end = None if days is None else (now + dt.timedelta(days=days)).isoformat("T", "seconds")
        key = Key(identity, name, known, now.isoformat("T", "seconds"), end, _digest(text))
        self._write({**keys, identity: key})
        return text, key

    def list(self) -> tuple[Key, ...]:
        """Every key, the oldest first."""
        return tuple(sorted(self._keys().values(), key=lambda key: key.created))

    def revoke(self, identity: str) -> Key:
        """Take a key away.

        Raises:
            RequestError: If there is none such.
        """
        keys = self._keys()
        if identity not in keys:
            known = ", ".join(keys) or "none"
            raise RequestError(f"key must be one of {known}, got '{identity[:80]}'")
        gone = keys.pop(identity)
        self._write(keys)
        return gone

    def find(self, text: str) -> Key | None:
        """The key that a caller shows; None where it is none, or has come to its end."""
        match = _KEY.fullmatch(text)
        key = self._keys().get(match[1]) if match else None
        is_known = hmac.compare_digest(_digest(text), key.sha256 if key else _digest(""))
        if key is None or not is_known:
            return None
        return key if key.is_current(dt.datetime.now(dt.UTC)) else None

    def _keys(self) -> dict[str, Key]:
        """The file, read again when it has changed."""
        try:
            stamp = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, self._parsed()
        return dict(self._read[1])

    def _parsed(self) -> dict[str, Key]:
        try:
            records = json.loads(self.path.read_text())["keys"]
            keys = [Key(**record | {"scopes": tuple(record["scopes"])}) for record in records]
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            raise StoreError(
                f"{self.path}: must hold keys that 'fingan keys create' wrote: {wrong}"
            ) from None
        return {key.id: key for key in keys}

    def _write(self, keys: dict[str, Key]) -> None:
        """Put a new file in the old one's place; nobody but the owner may read either."""
        text = json.dumps({"keys": [asdict(key) for key in keys.values()]}, indent=1)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".keys-")
            with os.fdopen(descriptor, "w") as file:  # mkstemp opens it with mode 0600
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError as failure:
            raise StoreError(f"{self.path}: cannot be written: {failure.strerror}") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
