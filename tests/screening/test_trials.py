import json

import pytest

from fingan.errors import StoreError
from fingan.screening.trials import Trials, count_trials, log_trial


def test_every_run_counts_and_none_is_overwritten(tmp_path):
    store = str(tmp_path / "models")
    assert count_trials(store, "a") == Trials(0, 0)
    log_trial(store, "a", {"seed": 1})
    log_trial(store, "b", {"seed": 1})
    assert log_trial(store, "a", {"seed": 2}) == Trials(of_definition=2, of_store=3)
    lines = (tmp_path / "models" / ".screens" / "trials.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [1, 1, 2]
    assert all(json.loads(line)["time"].endswith("+00:00") for line in lines)


def test_a_log_that_was_tampered_with_is_refused(tmp_path):
    log_trial(str(tmp_path), "a", {})
    path = tmp_path / ".screens" / "trials.jsonl"
    path.write_text(path.read_text() + "nonsense\n")
    with pytest.raises(StoreError, match="one JSON object of a run in each line"):
        count_trials(str(tmp_path), "a")


def test_a_store_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        log_trial(str(tmp_path / "file"), "a", {})


@pytest.mark.parametrize(("card", "counted"), [({}, 3), ({"selection": {"n_trials": 12}}, 14)])
def test_the_configurations_of_a_sweep_count_too(card, counted):
    assert Trials(of_definition=1, of_store=3).with_those_of(card) == counted
