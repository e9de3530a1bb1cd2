import json

import pytest


@pytest.fixture
def files(tmp_path, garch_prices):
    garch_prices.to_csv(tmp_path / "prices.csv")
    other = garch_prices.copy()
    other.iloc[10] *= 1.01
    other.to_csv(tmp_path / "other.csv")
    return tmp_path


@pytest.fixture
def privacy(run, files, tiny_model):
    def run_privacy(*arguments, prices="prices.csv"):
        where = ("--prices", files / prices, "--store", tiny_model.store)
        return run("privacy", tiny_model.reference, *where, *arguments)

    return run_privacy


def test_privacy_prints_one_record_with_both_audits(privacy):
    ended = privacy("--json", "--steps", 5, "--seed", 2)
    assert ended.code == 0
    record = json.loads(ended.out)
    assert (record["kind"], record["seed"], record["membership"]["steps"]) == ("privacy", 2, 5)
    assert record["verdict"]
    assert "5/5" in ended.err


def test_without_membership_nothing_is_trained(privacy):
    ended = privacy("--no-membership")
    assert ended.code == 0
    assert "synthetic is not anonymous" in ended.out
    assert ended.out.splitlines()[-1].split() == ["verdict", "no", "copy", "found"]
    assert "step" not in ended.err


def test_prices_that_the_model_was_not_trained_on_are_bad_input(privacy):
    ended = privacy(prices="other.csv")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert "must be the training data of 'tiny@1'" in ended.err


def test_steps_out_of_range_are_bad_input(privacy):
    assert privacy("--steps", 0).code == 2
