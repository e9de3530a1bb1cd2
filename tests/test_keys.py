"""Keys: shown once, kept as digests, found in constant time, gone when revoked."""

import datetime as dt
import json
import stat

import pytest

from fingan.errors import RequestError, StoreError
from fingan.keys import KeyRing


def test_a_key_is_found_and_nothing_like_it_is(tmp_path):
    ring = KeyRing(tmp_path)
    secret, key = ring.create("desk", ("generate", "read"))
    assert ring.find(secret) == key
    assert key.scopes == ("read", "generate")
    for other in ("", secret[:-1], secret + "x", secret.replace(key.id, "00000000"), "fingan_x_y"):
        assert ring.find(other) is None


def test_the_file_holds_no_key_and_is_its_owner_s_alone(tmp_path):
    ring = KeyRing(tmp_path / "state")
    secret, _ = ring.create("desk", ("read",))
    assert secret.rpartition("_")[2] not in ring.path.read_text()
    assert stat.S_IMODE(ring.path.stat().st_mode) == 0o600


def test_a_revoked_key_opens_nothing_in_another_process_either(tmp_path):
    ring, other = KeyRing(tmp_path), KeyRing(tmp_path)
    secret, key = ring.create("desk", ("admin",))
    assert other.find(secret) is not None
    ring.revoke(key.id)
    assert other.find(secret) is None
    with pytest.raises(RequestError, match="key must be one of none"):
        ring.revoke(key.id)


def test_a_key_comes_to_its_end(tmp_path):
    ring = KeyRing(tmp_path)
    secret, key = ring.create("desk", ("read",), days=1)
    assert ring.find(secret) is not None
    document = json.loads(ring.path.read_text())
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    document["keys"][0]["expires"] = past.isoformat()
    ring.path.write_text(json.dumps(document))
    assert KeyRing(tmp_path).find(secret) is None
    assert key.may("read")
    assert not key.may("generate")


@pytest.mark.parametrize(
    ("name", "scopes", "days", "words"),
    [
        ("", ("read",), None, "a key's name must be"),
        ("desk", (), None, "scopes must be some of"),
        ("desk", ("read", "fly"), None, "got read, fly"),
        ("desk", ("read",), 0, "days must be at least 1"),
    ],
)
def test_what_cannot_be_a_key_is_refused(tmp_path, name, scopes, days, words):
    with pytest.raises(RequestError, match=words):
        KeyRing(tmp_path).create(name, scopes, days=days)
    assert not (tmp_path / "keys.json").exists()


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(StoreError, match="must hold keys that 'fingan keys create' wrote"):
        KeyRing(tmp_path).list()
