import json

import pytest


@pytest.fixture
def generate(run, tmp_path, garch_prices, tiny_model):
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_generate(*arguments):
        where = ("--prices", tmp_path / "prices.csv", "--out", tmp_path / "cube.parquet")
        paths = ("--paths", 20, "--horizon", 5, "--store", tiny_model.store)
        return run("generate", tiny_model.reference, *where, *paths, *arguments)

    return run_generate


def test_explanations_stand_in_the_record_in_the_order_asked_for(generate):
    record = json.loads(generate("--explain", 7, "--explain", 0, "--json").out)
    assert [explanation["path"] for explanation in record["explanations"]] == [7, 0]
    assert record["explanations"][0]["states"]


def test_no_explanation_where_none_is_asked_for(generate):
    assert "explanations" not in json.loads(generate("--json").out)


def test_explanations_are_printed_as_tables(generate):
    ended = generate("--explain", 3)
    assert ended.code == 0
    assert "path 3: portfolio" in ended.out
    for heading in ("real windows most like it", "factors of its move", "today's state"):
        assert heading in ended.out


@pytest.mark.parametrize("number", [20, -1])
def test_a_path_that_is_not_drawn_is_bad_input_and_writes_nothing(generate, tmp_path, number):
    ended = generate("--explain", number)
    assert (ended.code, ended.out) == (2, "")
    assert f"got {number}" in ended.err
    assert not (tmp_path / "cube.parquet").exists()
