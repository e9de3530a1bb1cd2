"""Threads behind an event loop: streams that end early, answers that are late."""

import asyncio
import json
import threading

import pytest

import fingan
from fingan import interruption
from fingan.interruption import InterruptedWorkError
from fingan.scenarios import samplers
from fingan.scenarios.noise import path_normals
from serve import subjects
from serve.backend import Answer, Asked, Begun, Part, Readiness
from serve.desk import Desk
from serve.local_backend import LocalBackend
from serve.problems import Problem
from serve.settings import Limits, ServiceSettings

ASKED, PART = Asked(b"{}"), Part("arrow")


class SlowDesk:
    """A desk that answers when it is told to, and notes what it drew."""

    def __init__(self, answer_seconds=60.0):
        self.settings = ServiceSettings(limits=Limits(answer_seconds=answer_seconds))
        self.may_answer, self.drawn, self.is_closed = threading.Event(), [], threading.Event()

    def answer(self, kind, *_):
        assert self.may_answer.wait(10)
        return Answer(kind.encode(), {})

    def begin(self, *_):
        return Begun(b"0", {"X": "1"}, is_whole=False, pinned=("a@1", "d"))

    def rest(self, _asked, _part, pinned, first_chunk):
        assert pinned == ("a@1", "d")
        try:
            for number in range(first_chunk, 6):
                if number == 4:
                    raise Problem(503, "version-gone", "gone")
                self.drawn.append(number)
                yield str(number).encode()
        finally:
            self.is_closed.set()

    def readiness(self):
        return Readiness(True, "ready")

    def close(self):
        self.is_closed.set()


def test_a_stream_that_its_reader_leaves_is_drawn_no_further():
    desk = SlowDesk()
    backend = LocalBackend(desk)

    async def read_two():
        streamed = await backend.scenarios(ASKED, PART)
        chunks = [await anext(streamed.chunks), await anext(streamed.chunks)]
        assert not desk.is_closed.is_set()
        await streamed.chunks.aclose()
        return chunks

    assert asyncio.run(read_two()) == [b"0", b"1"]
    assert desk.is_closed.is_set()
    assert desk.drawn == [1]


def test_a_stream_that_breaks_says_so_after_what_came_before():
    backend = LocalBackend(SlowDesk())
    found = []

    async def read():
        streamed = await backend.scenarios(ASKED, PART)
        while True:
            found.append(await anext(streamed.chunks))

    with pytest.raises(Problem, match="gone"):
        asyncio.run(read())
    assert found == [b"0", b"1", b"2", b"3"]


def test_an_answer_that_does_not_come_in_time_is_a_problem():
    desk = SlowDesk(answer_seconds=0.05)
    backend = LocalBackend(desk)

    async def ask():
        with pytest.raises(Problem) as late:
            await backend.answer("risk", ASKED)
        desk.may_answer.set()
        return late.value

    problem = asyncio.run(ask())
    assert (problem.status, problem.code, problem.retry_after) == (503, "answer-late", 1)


def test_a_fit_that_is_given_up_is_ended_and_kept(store, monkeypatch):
    begun, may_end, fitted = threading.Event(), threading.Event(), []

    def slow_fit(name, prices):
        fitted.append(name)
        begun.set()
        assert may_end.wait(10)
        return fingan.baseline(name, prices)

    monkeypatch.setattr(subjects, "baseline", slow_fit)
    desk = Desk(ServiceSettings(store=str(store), limits=Limits(max_late=0)))
    backend = LocalBackend(desk, n_threads=1)
    asked = [
        Asked(json.dumps({"model": "historical", "n_paths": 10, "horizon": steps}).encode())
        for steps in (1, 2)
    ]

    async def ask():
        caller = asyncio.ensure_future(backend.scenarios(asked[0], PART))
        await asyncio.to_thread(begun.wait, 10)
        caller.cancel()
        await asyncio.wait([caller])
        may_end.set()
        return await backend.scenarios(asked[1], PART)

    assert asyncio.run(ask()).head["X-Fingan-Model"] == "historical"
    backend.close()
    assert fitted == ["historical"]


def test_drawing_that_nobody_waits_for_ends_at_the_next_block(desk, monkeypatch):
    given_up, drawn = threading.Event(), []

    def giving_up(*asked):
        drawn.append(asked[1])
        given_up.set()
        return path_normals(*asked)

    monkeypatch.setattr(samplers, "path_normals", giving_up)
    body = {"model": "tiny", "n_paths": 512 * 8, "horizon": 2, "baselines": [], "seed": 321}
    with pytest.raises(InterruptedWorkError), interruption.until(given_up):
        desk.answer("risk", Asked(json.dumps(body).encode()))
    assert drawn == [0]


def test_what_nobody_waits_for_any_more_is_not_begun():
    desk = SlowDesk()
    backend = LocalBackend(desk, n_threads=1)

    async def leave():
        first = asyncio.ensure_future(backend.answer("risk", ASKED))
        second = asyncio.ensure_future(backend.answer("stress", ASKED))
        await asyncio.sleep(0)
        second.cancel()
        desk.may_answer.set()
        assert (await first).body == b"risk"
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(leave())
    backend.close()


def test_a_cube_through_the_backend_is_the_one_of_the_desk(desk):
    asked = Asked(json.dumps({"model": "tiny", "n_paths": 600, "horizon": 2}).encode())

    async def read():
        streamed = await LocalBackend(desk).scenarios(asked, PART)
        return streamed.head, b"".join([chunk async for chunk in streamed.chunks])

    head, body = asyncio.run(read())
    begun = desk.begin(asked, PART)
    assert head == begun.head
    assert body == begun.chunk + b"".join(desk.rest(asked, PART, begun.pinned, 1))
