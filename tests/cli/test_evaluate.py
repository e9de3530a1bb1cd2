import json

import pytest

from fingan.cli.scores import score_line


@pytest.fixture
def evaluate(run, tmp_path, garch_prices, tiny_model):
    """Run ``fingan evaluate`` of the tiny model, trained to the end of 2017."""
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_evaluate(*arguments, model=tiny_model.reference):
        prices = ("--prices", tmp_path / "prices.csv", "--store", tiny_model.store)
        return run("evaluate", model, *prices, "--paths", 16, *arguments)

    return run_evaluate


def in_sample(*arguments):
    return ("--from", "2017-06-01", "--to", "2017-10-31", "--in-sample", *arguments)


def test_the_record_is_one_json_object(evaluate):
    ended = evaluate(*in_sample("--baselines", "historical", "--seed", 3, "--json"))
    assert ended.code == 0, ended.err
    record = json.loads(ended.out)
    assert record["kind"] == "evaluation"
    assert [row["sampler"] for row in record["rows"]] == ["model", "historical", "fhs-gjr"]
    assert (record["seed"], record["n_paths"], record["in_sample"]) == (3, 16, True)
    assert "parts of the evaluation" in ended.err


def test_the_table_has_groups_samplers_and_says_what_is_in_sample(evaluate):
    ended = evaluate(*in_sample("--baselines", "historical"))
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert "IN SAMPLE" in lines[0]
    assert ended.out.count("(in") == 3
    for word in ("scores", "dependence", "copies", "n/a", "floor", "* best of the row"):
        assert word in ended.out
    (row,) = [line for line in lines if line.strip().startswith("CRPS of each asset, 1 day ")]
    assert len([cell for cell in row.split("  ") if cell.strip()]) >= 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "2017-06-01"), "the span must begin after 2017-12-29, the last day that"),
        ((), "the span must hold at least 60 days of returns, got"),
        (in_sample("--baselines", "garch"), "baseline must be one of historical"),
        (("--from", "soon"), "must be a date such as 2020-03-16, got 'soon'"),
    ],
)
def test_bad_input_is_one_sentence(evaluate, arguments, sentence):
    ended = evaluate(
        *arguments, *(() if "--baselines" in arguments else ("--baselines", "fhs-gjr"))
    )
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err.splitlines()[-1]


def test_prices_without_an_asset_of_the_model_are_bad_input(evaluate, garch_prices, tmp_path):
    garch_prices.drop(columns="DOG").to_csv(tmp_path / "fewer.csv")
    ended = evaluate("--prices", tmp_path / "fewer.csv")
    assert ended.code == 2
    assert "asset 'DOG' of 'tiny@1' is not in the prices" in ended.err


def test_a_candidate_is_named_as_such_in_one_line():
    card = {
        "status": "candidate",
        "offer": "fhs-gjr",
        "scores": {"skipped": "too few days"},
        "gates": {"failed": ["tails", "one_mode"]},
    }
    assert score_line(card) == (
        "no score on the validation span: too few days; a candidate only, it fails: tails, one"
        " mode; use fhs-gjr instead"
    )


def test_a_candidate_that_fails_where_its_reference_does_is_not_sent_there():
    card = {
        "status": "candidate",
        "offer": None,
        "scores": {"skipped": "too few days", "reference": "fhs-gjr"},
        "gates": {"failed": ["spread_of_directions"]},
    }
    assert score_line(card).endswith(
        "a candidate only, it fails: spread of directions, as fhs-gjr does"
    )
