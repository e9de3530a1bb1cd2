import asyncio
import json

import pytest

from serve.recent import LARGEST, Recent

SECONDS = 0.5


class Endpoint:
    """Stands behind: answers with its version, 304 where that is known."""

    def __init__(self):
        self.version, self.size, self.status = 1, 10, 200
        self.n_computed = self.n_asked = 0

    async def __call__(self, scope, receive, send):
        message = await receive()
        assert message["body"]
        self.n_asked += 1
        scope["route"] = "route"
        etag = str(self.version).encode()
        is_known = dict(scope["headers"]).get(b"if-none-match") == etag
        status = 304 if is_known else self.status
        self.n_computed += not is_known
        head = [(b"etag", etag), (b"x-body", message["body"])]
        await send({"type": "http.response.start", "status": status, "headers": head})
        for part in () if is_known else (etag, b"." * self.size):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Asking:
    """Asks through the middleware."""

    def __init__(self):
        self.endpoint, self.clock = Endpoint(), Clock()
        self.recent = Recent(self.endpoint, SECONDS, self.clock)

    def __call__(self, body=b"{}", query=b"", method="POST", **headers):
        sent = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        head = {"content-type": "application/json", "accept": "*/*"}
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": "/v1/risk",
            "query_string": query,
            "headers": [(name.encode(), value.encode()) for name, value in head.items()],
        }
        asyncio.run(self.recent(scope, receive, send))
        assert scope["route"] == "route"
        assert sent[0]["type"] == "http.response.start"
        return sent[0]["status"], b"".join(part["body"] for part in sent[1:])


@pytest.fixture
def ask():
    return Asking()


def test_the_same_question_is_answered_again_without_asking(ask):
    assert ask() == ask() == (200, b"1..........")
    assert ask.endpoint.n_asked == 1


def test_a_media_type_may_have_parameters(ask):
    ask(content_type="Application/JSON ; charset=utf-8")
    ask(content_type="application/json")
    assert ask.endpoint.n_asked == 1


@pytest.mark.parametrize(
    "other",
    [{"body": b"[]"}, {"query": b"limit=3"}, {"accept": "text/csv"}],
    ids=lambda other: next(iter(other)),
)
def test_another_question_has_another_answer(ask, other):
    ask()
    ask(**other)
    assert ask.endpoint.n_asked == 2


def test_an_old_answer_is_confirmed_without_computing(ask):
    ask()
    ask.clock.now = SECONDS
    assert ask() == (200, b"1..........")
    assert (ask.endpoint.n_asked, ask.endpoint.n_computed) == (2, 1)
    ask()
    assert ask.endpoint.n_asked == 2


def test_a_new_version_is_seen_when_the_old_answer_ages(ask):
    ask()
    ask.endpoint.version = 2
    assert ask()[1].startswith(b"1")
    ask.clock.now = SECONDS
    assert ask()[1].startswith(b"2")
    assert ask()[1].startswith(b"2")


@pytest.mark.parametrize(
    "asked",
    [
        {"if_none_match": "1"},
        {"content_type": "application/vnd.apache.arrow.stream"},
        {"content_type": "application/jsonp"},
        {"method": "DELETE"},
        {"body": json.dumps({"history": "x" * 2**16}).encode()},
    ],
    ids=["conditional", "a table", "another type", "no question", "long"],
)
def test_what_is_not_a_plain_question_goes_through(ask, asked):
    ask(**asked)
    ask(**asked)
    assert ask.endpoint.n_asked == 2


@pytest.mark.parametrize(("status", "size"), [(503, 10), (200, LARGEST + 1)])
def test_refusals_and_large_answers_are_not_kept(ask, status, size):
    ask.endpoint.status, ask.endpoint.size = status, size
    assert ask()[0] == ask()[0] == status
    assert ask.endpoint.n_computed == 2


def test_memory_is_bounded_and_the_least_recently_asked_goes_first(ask, monkeypatch):
    monkeypatch.setattr("serve.recent.KEPT_BYTES", 25)
    bodies = [b"a", b"b"]
    for body in [*bodies, b"a", b"c", b"a"]:
        ask(body)
    assert ask.endpoint.n_asked == 3
    ask(b"b")
    assert ask.endpoint.n_asked == 4
