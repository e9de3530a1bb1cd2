"""Work that ends when nobody waits for it."""

import threading

import pytest

from fingan import interruption
from fingan.interruption import InterruptedWorkError


def test_work_goes_on_while_somebody_waits_and_in_every_other_thread():
    given_up = threading.Event()
    interruption.check()
    with interruption.until(given_up):
        interruption.check()
        given_up.set()
        with pytest.raises(InterruptedWorkError):
            interruption.check()
        other = threading.Thread(target=interruption.check)
        other.start()
        other.join()
    interruption.check()


def test_who_waits_for_a_turn_leaves_when_nobody_waits_for_him():
    places, given_up = threading.Semaphore(), threading.Event()
    with interruption.turn(places):
        given_up.set()
        with (
            pytest.raises(InterruptedWorkError),
            interruption.until(given_up),
            interruption.turn(places),
        ):
            pass
    assert places.acquire(blocking=False)
