"""What the ingress does when generators fail it; no cluster, generators are stand-ins."""

import asyncio
import warnings

import pytest

from serve.backend import Answer, Asked, Begun, Part
from serve.problems import Problem
from serve.settings import Limits, ServiceSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    from ray.exceptions import ActorDiedError
    from ray.serve.exceptions import BackPressureError

    from serve.on_ray import backend
    from serve.on_ray.backend import RayBackend
    from serve.on_ray.generator import Refused

ASKED, PART = Asked(b"{}"), Part("arrow")
CHUNKS = [b"zero", b"first-chunk", b"second", b"third"]


class Reply:
    """What a handle returns: a promise of one reply."""

    def __init__(self, reply):
        self.reply = reply
        self.is_cancelled = False
        self.has_come = asyncio.Event()

    def come(self, reply):
        """Reply at last, where there was none."""
        self.reply = reply
        self.has_come.set()

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        if self.reply is None:
            yield from self.has_come.wait().__await__()
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    def cancel(self):
        self.is_cancelled = True


class Pieces:
    """What a streaming handle returns; ends with an exception if one is the last piece."""

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.is_cancelled = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.pieces:
            raise StopAsyncIteration
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    def cancel(self):
        self.is_cancelled = True


class Method:
    """A method of a handle: one prepared reply after another."""

    def __init__(self, replies):
        self.replies = list(replies)
        self.asked = []

    def remote(self, *arguments):
        self.asked.append(arguments)
        return self.replies.pop(0)


class Generators:
    """Stands for the handle of a deployment."""

    def __init__(self, answer=(), begin=(), rest=()):
        self.answer, self.begin, self.rest = Method(answer), Method(begin), Method(rest)

    def options(self, **_):
        return self


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(backend, "PAUSES", (0.0, 0.0, 0.0))


def over(generators: Generators, seconds: float = 5.0, max_late: int = 2) -> RayBackend:
    limits = Limits(answer_seconds=seconds, max_late=max_late)
    return RayBackend(generators, ServiceSettings(limits=limits))


def received(generators: Generators) -> bytes:
    async def read() -> bytes:
        streamed = await over(generators).scenarios(ASKED, PART)
        return b"".join([chunk async for chunk in streamed.chunks])

    return asyncio.run(read())


def begun(*, is_whole: bool = False) -> Reply:
    return Reply(Begun(CHUNKS[0], {}, is_whole, pinned=("demo@1", "digest")))


def pieces(first_chunk: int, size: int = 4):
    """A stream from a chunk on, in small pieces with their chunk's number."""
    for number, chunk in enumerate(CHUNKS[first_chunk:], first_chunk):
        for start in range(0, len(chunk), size):
            yield number, chunk[start : start + size]


def test_another_generator_answers_for_a_dead_one():
    answer = Answer(b"{}", {})
    generators = Generators(answer=[Reply(ActorDiedError()), Reply(answer)])
    assert asyncio.run(over(generators).answer("risk", ASKED)) == answer
    assert generators.answer.asked == [("risk", ASKED)] * 2


def test_a_refusal_is_the_generators_own_problem():
    problem = Problem(404, "model-not-found", "no such model")
    generators = Generators(answer=[Reply(Refused(problem.record()))])
    with pytest.raises(Problem) as raised:
        asyncio.run(over(generators).answer("risk", ASKED))
    assert raised.value.record() == problem.record()


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        ([BackPressureError(64, 64)], "overloaded"),
        ([ActorDiedError()] * 4, "no-generator"),
        ([None], "answer-late"),
    ],
)
def test_who_finds_nobody_is_told_to_come_again(replies, code):
    asked = [Reply(reply) for reply in replies]
    with pytest.raises(Problem) as raised:
        asyncio.run(over(Generators(answer=asked), seconds=0.05).answer("risk", ASKED))
    assert (raised.value.status, raised.value.code) == (503, code)
    assert raised.value.retry_after is not None


def test_work_that_nobody_waits_for_ends():
    reply = Reply(None)

    async def ask():
        with pytest.raises(Problem):
            await over(Generators(answer=[reply]), 0.01, max_late=0).answer("risk", ASKED)
        await asyncio.sleep(0)
        assert reply.is_cancelled

    asyncio.run(ask())


def test_a_late_answer_is_worked_on_for_who_asks_again():
    reply, answer = Reply(None), Answer(b"{}", {})
    generators = Generators(answer=[reply])

    async def ask():
        ingress = over(generators, seconds=0.05)
        with pytest.raises(Problem, match="ask the same again"):
            await ingress.answer("risk", ASKED)
        assert not reply.is_cancelled
        reply.come(answer)
        return await ingress.answer("risk", ASKED)

    assert asyncio.run(ask()) == answer
    assert len(generators.answer.asked) == 1


def test_generators_that_keep_silent_are_not_ready():
    generators = Generators()
    generators.readiness = Method([Reply(None)])
    readiness = asyncio.run(over(generators, seconds=0.01).readiness())
    assert (readiness.is_ready, readiness.detail[:12]) == (False, "no generator")


def test_a_whole_answer_asks_for_no_rest():
    assert received(Generators(begin=[begun(is_whole=True)])) == CHUNKS[0]


@pytest.mark.parametrize("n_pieces", range(7))
def test_a_broken_stream_goes_on_at_the_byte_where_it_broke(n_pieces):
    broken = [*list(pieces(1))[:n_pieces], ActorDiedError()]
    at_chunk = broken[n_pieces - 1][0] if n_pieces else 1
    generators = Generators(begin=[begun()], rest=[Pieces(broken), Pieces(pieces(at_chunk, 5))])
    assert received(generators) == b"".join(CHUNKS)
    assert [number for *_, number in generators.rest.asked] == [1, at_chunk]
    assert {pinned for _, _, pinned, _ in generators.rest.asked} == {("demo@1", "digest")}


def test_a_stream_that_breaks_again_and_again_at_one_byte_breaks_off():
    rest = [Pieces([ActorDiedError()]) for _ in range(4)]
    with pytest.raises(Problem) as raised:
        received(Generators(begin=[begun()], rest=rest))
    assert raised.value.code == "no-generator"


def test_who_stops_reading_ends_the_drawing():
    rest = Pieces(pieces(1))

    async def read_one() -> None:
        generators = Generators(begin=[begun()], rest=[rest])
        streamed = await over(generators).scenarios(ASKED, PART)
        chunks = streamed.chunks
        await anext(chunks)
        await anext(chunks)
        await chunks.aclose()

    asyncio.run(read_one())
    assert rest.is_cancelled


def test_readiness_without_generators_says_so():
    lost = [Reply(ActorDiedError()) for _ in range(4)]
    generators = Generators()
    generators.readiness = Method(lost)
    readiness = asyncio.run(over(generators).readiness())
    assert not readiness.is_ready
    assert "generator" in readiness.detail
