import json
import math

import pytest

from fingan.cli.console import duration, emit, emit_rows


def test_json_is_one_object_and_what_is_not_finite_is_null(capsys):
    emit({"model": "m@1", "score": math.nan, "path": ("a", "b")}, as_json=True)
    written = json.loads(capsys.readouterr().out)
    assert written == {"model": "m@1", "score": None, "path": ["a", "b"]}


def test_a_record_is_one_aligned_line_per_entry(capsys):
    emit({"model": "m@1", "n_paths": 10_000, "scores": {"energy": 2.44382917}}, as_json=False)
    assert capsys.readouterr().out == ("model    m@1\nn paths  10,000\nscores\n  energy  2.44383\n")


def test_rows_are_aligned_under_their_names(capsys):
    rows = [{"model": "a@1", "steps": 5}, {"model": "long@12", "steps": None}]
    emit_rows("models", rows, as_json=False)
    assert capsys.readouterr().out == "model    steps\na@1      5\nlong@12  -\n"


def test_no_rows_are_an_empty_list_in_json_and_a_note_otherwise(capsys):
    emit_rows("models", [], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"models": []}
    emit_rows("models", [], as_json=False)
    assert capsys.readouterr() == ("", "no models\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (307, "5 min 07 s"), (3900, "1 h 05 min")],
)
def test_durations_are_rounded_for_people(seconds, text):
    assert duration(seconds) == text
