"""What is kept, what goes, and who waits for whom."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from serve.cache import LEAST_BYTES, Cache


def test_the_least_recently_used_value_goes_first():
    cache = Cache(3 * LEAST_BYTES)
    for name in ("a", "b", "c"):
        cache.put(name, name.upper(), 0)
    assert cache.get("a") == "A"
    cache.put("d", "D", 0)
    assert [cache.get(name) for name in "abcd"] == ["A", None, "C", "D"]


def test_a_value_put_again_is_counted_once():
    cache = Cache(2 * LEAST_BYTES)
    cache.put("a", 1, 0)
    for value in range(5):
        cache.put("b", value, 0)
    assert (cache.get("a"), cache.get("b")) == (1, 4)


def test_a_value_larger_than_the_cache_drives_nothing_out():
    cache = Cache(2 * LEAST_BYTES)
    cache.put("a", 1, 0)
    cache.put("b", 2, 3 * LEAST_BYTES)
    assert (cache.get("a"), cache.get("b")) == (1, None)


def test_a_value_is_computed_once_for_all_who_ask_and_nobody_else_waits():
    cache, begun, may_end, calls = Cache(10**6), threading.Event(), threading.Event(), []

    def slow():
        calls.append(1)
        begun.set()
        assert may_end.wait(10)
        return "slow"

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(cache.computed, "slow", slow, 0) for _ in range(3)]
        assert begun.wait(10)
        other = threads.submit(cache.computed, "quick", lambda: "quick", 0)
        assert other.result(10) == "quick"
        may_end.set()
        assert [one.result(10) for one in asked] == ["slow"] * 3
    assert len(calls) == 1


def test_a_failure_is_not_kept():
    cache = Cache(10**6)
    with pytest.raises(ZeroDivisionError):
        cache.computed("a", lambda: 1 / 0, 0)
    assert cache.computed("a", lambda: 1, 0) == 1
