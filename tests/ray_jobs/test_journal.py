import multiprocessing
from functools import partial

import pytest

from ray_jobs.journal import Journal


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "sweep" / "journal.jsonl")


def test_what_was_written_is_read_in_its_order(journal):
    assert journal.entries() == []
    written = [{"values": {"a": 1e-4, "b": "x"}, "score": number / 3} for number in range(5)]
    for entry in written:
        journal.append(entry)
    assert journal.entries() == written


@pytest.mark.parametrize("n_left", [1, 5, 9, 12, 30])
def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole(journal, n_left):
    for number in range(3):
        journal.append({"number": number, "text": "a line of some length"})
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:2]) + lines[2][:n_left])
    assert [entry["number"] for entry in journal.entries()] == [0, 1]
    journal.append({"number": 3})
    assert [entry["number"] for entry in journal.entries()] == [0, 1, 3]


def test_a_line_with_a_flipped_bit_is_left_out(journal):
    for number in range(3):
        journal.append({"number": number})
    content = bytearray(journal.path.read_bytes())
    place = content.index(b'"number": 1') + len(b'"number": ')
    content[place] ^= 1  # another digit
    journal.path.write_bytes(bytes(content))
    assert [entry["number"] for entry in journal.entries()] == [0, 2]


def write_many(journal, owner):
    for number in range(200):
        journal.append({"owner": owner, "number": number})


def test_writers_side_by_side_lose_nothing(journal):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(partial(write_many, journal), range(3))
    found = {(entry["owner"], entry["number"]) for entry in journal.entries()}
    assert found == {(owner, number) for owner in range(3) for number in range(200)}
