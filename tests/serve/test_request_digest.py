"""Everything that an answer is made from is in its digest."""

import pytest

from serve.request_digest import request_digest

WHOLE = {
    "kind": "risk",
    "model": "tiny@1",
    "model_digest": "sha256:aa",
    "history": "price sha256:bb",
    "horizon": 3,
    "weights": {"ABLE": 0.5, "DOG": 0.5},
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_digest_changes_with_everything_that_it_is_made_from(name):
    other = WHOLE | {name: {"ABLE": 1.0} if name == "weights" else "other"}
    assert request_digest(**other) != request_digest(**WHOLE)


def test_a_digest_does_not_depend_on_the_order_of_fields():
    turned = dict(reversed(WHOLE.items()))
    turned["weights"] = {"DOG": 0.5, "ABLE": 0.5}
    assert request_digest(**turned) == request_digest(**WHOLE)


def test_a_digest_is_that_of_the_engine_s_version(monkeypatch):
    before = request_digest(**WHOLE)
    monkeypatch.setattr("serve.request_digest.__version__", "99.0")
    assert request_digest(**WHOLE) != before
