import json

import pyarrow.parquet
import pytest


@pytest.fixture
def augment(run, tmp_path, garch_prices, tiny_model):
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_augment(*arguments, out="panel.parquet"):
        where = ("--prices", tmp_path / "prices.csv", "--store", tiny_model.store)
        small = ("--paths", 4, "--horizon", 30, "--starts", 2, "--out", tmp_path / out)
        return run("augment", tiny_model.reference, *where, *small, *arguments)

    return run_augment


def test_without_measuring_the_panel_is_written_and_nothing_is_claimed(augment, tmp_path):
    ended = augment("--no-measure")
    assert ended.code == 0
    assert pyarrow.parquet.read_table(tmp_path / "panel.parquet").num_rows == 120
    assert "not measured" in ended.out


def test_the_record_names_model_and_digest(augment):
    record = json.loads(augment("--no-measure", "--json").out)
    assert record["panel"]["model"] == "tiny@1"
    assert record["panel"]["model_digest"].startswith("sha256:")
    assert record["gain"] is None


def test_a_holdout_too_short_to_measure_on_is_bad_input(augment):
    ended = augment()
    assert (ended.code, ended.out) == (2, "")
    assert "real holdout must have at least" in ended.err


def test_a_panel_as_csv_is_refused_before_anything_is_drawn(augment):
    ended = augment(out="panel.csv")
    assert ended.code == 2
    assert "must be written as .parquet" in ended.err
