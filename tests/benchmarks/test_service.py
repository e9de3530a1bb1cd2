"""How the programs that load and break the service count; none starts one."""

import socket
import threading
from itertools import pairwise

import pytest

from benchmarks.service_callers import Plan, carried_out, percentile
from benchmarks.service_faults import is_refusal, recovery, staleness
from benchmarks.service_wire import LOST, Call, Reply, Wire

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "whole": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\nbody",
    "chunked": CHUNKED + b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody",
    "cut chunk": CHUNKED + b"2\r\nbo\r\n2\r\nd",
    "no end": CHUNKED + b"2\r\nbo\r\n",
    "nothing": b"",
}


@pytest.fixture
def port_that_answers():
    """Serve one fixed answer to each connection, then hang up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(answer: bytes, n_times: int) -> int:
            def work() -> None:
                for _ in range(n_times):
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(10_000)
                        connection.sendall(answer)

            threads.append(threading.Thread(target=work))
            threads[-1].start()
            return server.getsockname()[1]

        threads = []
        yield serve
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("name", ANSWERS)
def test_only_a_whole_answer_counts(port_that_answers, name):
    wire = Wire(port_that_answers(ANSWERS[name], 1))
    reply = wire.ask(Call("/", "{}"))
    wire.close()
    is_whole = name in ("whole", "chunked")
    assert reply.status == (200 if is_whole else LOST)
    assert reply.n_bytes == (4 if is_whole else 0)


def test_callers_at_a_rate_count_from_when_a_request_was_due(port_that_answers):
    port = port_that_answers(ANSWERS["whole"], 5)
    calls = (Call("/a", "SEED"), Call("/b", "SEED"))
    plan = Plan(port, calls, 0.05, n_callers=2, rate=100.0, reuse=False, sown=7)
    replies = sorted(carried_out(plan), key=lambda reply: reply.index)
    assert [reply.index for reply in replies] == [0, 1, 2, 3, 4]
    assert [plan.call(index).body for index in range(3)] == ["7", "8", "9"]
    gaps = [after.began - before.began for before, after in pairwise(replies)]
    assert gaps == pytest.approx([0.01] * 4)
    assert all(reply.seconds > 0 for reply in replies)


def reply(began, seconds=0.1, status=200, **head):
    head = {name.replace("_", "-"): value for name, value in head.items()}
    return Reply(status, head, "", 0, began, 0.0, seconds)


def test_percentiles_are_of_the_ordered_values():
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(100)), 0.99) == 99


def test_an_old_version_is_stale_from_the_next_ones_publication_on():
    appeared = [("m@1", 0.0), ("m@2", 10.0), ("m@3", 20.0)]
    replies = [reply(at, x_fingan_model=model) for at, model in [(9, "m@1"), (10.4, "m@1")]]
    assert staleness(appeared, replies) == pytest.approx(0.4)
    assert staleness(appeared, [*replies, reply(21.5, x_fingan_model="m@2")]) == 1.5
    assert staleness(appeared, [reply(9, x_fingan_model="m@1")]) == 0.0


def testrecovery_lasts_until_the_last_slow_second():
    replies = [reply(100 + second, seconds=1.0 if second in (0, 2) else 0.1) for second in range(9)]
    assert recovery(replies, since=100.0, most=0.2) == 3.0
    assert recovery(replies, since=100.0, most=2.0) == 0.0


@pytest.mark.parametrize(
    ("status", "head", "is_one"),
    [(503, {"retry_after": "1"}, True), (503, {}, False), (500, {"retry_after": "1"}, False)],
)
def test_a_refusal_says_when_to_come_again(status, head, is_one):
    assert is_refusal(reply(0.0, status=status, **head)) is is_one
