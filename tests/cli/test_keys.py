"""``fingan keys``: a key is printed once, listed without itself, and taken away."""

import json

from fingan.audit import AuditTrail
from fingan.cli.app import main
from fingan.keys import KeyRing


def test_a_key_is_made_listed_and_revoked(tmp_path, capsys):
    store = ["--store", str(tmp_path)]
    assert main(["keys", "create", "--name", "desk", "--days", "30", "--json", *store]) == 0
    made = json.loads(capsys.readouterr().out)
    ring = KeyRing(tmp_path / ".service")
    assert ring.find(made["key"]) is not None
    assert main(["keys", "list", "--json", *store]) == 0
    listed = capsys.readouterr().out
    assert made["id"] in listed
    assert made["key"] not in listed
    assert main(["keys", "revoke", made["id"], *store]) == 0
    assert ring.find(made["key"]) is None
    trail = AuditTrail(tmp_path / ".service")
    lines = [json.loads(line) for line in trail.path.read_text().splitlines()]
    assert [(line["event"], line["key"], line["name"]) for line in lines] == [
        ("key-created", made["id"], "desk"),
        ("key-revoked", made["id"], "desk"),
    ]
    assert trail.broken_at() is None
    assert made["key"] not in trail.path.read_text()


def test_bad_scopes_end_with_exit_code_2(tmp_path, capsys):
    assert main(["keys", "create", "--name", "x", "--scopes", "fly", "--store", str(tmp_path)]) == 2
    assert "scopes must be some of read, generate, admin" in capsys.readouterr().err
