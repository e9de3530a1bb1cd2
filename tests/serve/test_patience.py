"""Answers in time, and what becomes of those that are late."""

import asyncio

import pytest

from serve import patience
from serve.patience import Patience
from serve.problems import Problem
from serve.settings import Limits

SOON = 0.02  # seconds


class Work:
    """Work that ends when it is told to."""

    def __init__(self):
        self.n_begun, self.is_cancelled, self._may_end = 0, False, asyncio.Event()

    async def __call__(self):
        self.n_begun += 1
        try:
            await self._may_end.wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        return self.n_begun

    def end(self):
        self._may_end.set()


def patient(**limits) -> Patience:
    return Patience(Limits(answer_seconds=SOON, **limits))


async def late(waiting, question, work) -> Problem:
    with pytest.raises(Problem) as problem:
        await waiting.answer(question, work)
    await asyncio.sleep(0)
    assert (problem.value.status, problem.value.code) == (503, "answer-late")
    return problem.value


def test_what_is_in_time_is_no_affair_of_anybody_else():
    async def ask():
        waiting, work = patient(), Work()
        work.end()
        return [await waiting.answer("a", work) for _ in range(2)]

    assert asyncio.run(ask()) == [1, 2]


def test_late_work_goes_on_and_answers_who_asks_again():
    async def ask():
        waiting, work = patient(), Work()
        assert "ask the same again" in (await late(waiting, "a", work)).detail
        assert "ask the same again" in (await late(waiting, "a", work)).detail
        work.end()
        assert await waiting.answer("a", work) == 1
        assert await waiting.answer("a", work) == 2  # told once; who asks then begins anew

    asyncio.run(ask())


def test_the_mistake_of_late_work_is_told_to_who_asks_again():
    async def ask():
        waiting = patient()

        async def mistaken():
            await asyncio.sleep(2 * SOON)
            raise Problem(422, "request-invalid", "wrong")

        await late(waiting, "a", mistaken)
        with pytest.raises(Problem, match="wrong"):
            await waiting.answer("a", mistaken)

    asyncio.run(ask())


def test_more_late_work_than_there_is_place_for_is_given_up():
    async def ask():
        waiting, works = patient(max_late=2), [Work() for _ in range(3)]
        said = [await late(waiting, number, work) for number, work in enumerate(works)]
        assert [work.is_cancelled for work in works] == [False, False, True]
        assert "ask for less" in said[2].detail
        assert said[2].retry_after > said[0].retry_after
        works[0].end()
        await asyncio.sleep(0)
        again = Work()
        await late(waiting, 2, again)
        assert not again.is_cancelled

    asyncio.run(ask())


def test_of_two_that_are_late_with_the_same_one_goes_on():
    async def ask():
        waiting, works = patient(), [Work(), Work()]
        await asyncio.gather(*(late(waiting, "a", work) for work in works))
        assert [work.is_cancelled for work in works] == [False, True]

    asyncio.run(ask())


def test_late_work_ends_when_its_time_is_over():
    async def ask():
        waiting, work = patient(late_seconds=2 * SOON), Work()
        await late(waiting, "a", work)
        await asyncio.sleep(4 * SOON)
        assert work.is_cancelled
        work.end()
        assert await waiting.answer("a", work) == 2

    asyncio.run(ask())


def test_a_late_answer_that_nobody_fetches_is_forgotten(monkeypatch):
    monkeypatch.setattr(patience, "KEPT_SECONDS", SOON)

    async def ask():
        waiting, work = patient(), Work()
        await late(waiting, "a", work)
        work.end()
        await asyncio.sleep(4 * SOON)
        assert await waiting.answer("a", work) == 2

    asyncio.run(ask())


def test_a_caller_who_leaves_ends_his_work_but_not_what_others_ask_for():
    async def ask():
        waiting, work, shared = Patience(Limits(answer_seconds=60)), Work(), Work()
        caller = asyncio.ensure_future(waiting.answer("a", work))
        await asyncio.sleep(0.001)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await asyncio.sleep(0)
        assert work.is_cancelled

        hasty = patient()
        await late(hasty, "b", shared)
        caller = asyncio.ensure_future(hasty.answer("b", shared))
        await asyncio.sleep(0.001)
        caller.cancel()
        await asyncio.wait([caller])
        assert not shared.is_cancelled

    asyncio.run(ask())
