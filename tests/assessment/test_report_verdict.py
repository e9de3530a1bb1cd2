import copy

import pytest
from report_records import backtest_record, evaluation_record

from fingan.assessment.report_document import Statement
from fingan.assessment.report_verdict import (
    backtest_statements,
    fidelity_statements,
    gate_statements,
    headline,
)

SPAN = {"first": "2018-01-01", "last": "2018-01-26", "n_days": 20, "in_sample": False}


def texts(statements, outcome):
    return [statement.text for statement in statements if statement.outcome == outcome]


def test_a_difference_beyond_its_error_is_a_win_or_a_loss():
    statements = fidelity_statements(evaluation_record())
    (won,) = texts(statements, "wins")
    assert won.startswith("Energy score of all assets, 10 days: better than fhs-gjr")
    assert texts(statements, "loses")[0].startswith("CRPS of each asset, 1 day: worse than fhs-gjr")


def test_a_difference_within_its_error_is_neither():
    record = evaluation_record()
    for value in record["rows"][0]["values"].values():
        value["t"] = None if value["t"] is None else 1.5
    statements = fidelity_statements(record)
    assert texts(statements, "wins") == []
    assert not any("worse than" in text for text in texts(statements, "loses"))
    assert sum("no difference" in text for text in texts(statements, "open")) == 2


def test_for_a_metric_where_higher_is_better_a_positive_difference_is_a_win():
    record = evaluation_record()
    record["metrics"][0]["better"] = "higher"
    statements = fidelity_statements(record)
    assert any("Energy score" in text for text in texts(statements, "loses"))


def test_a_baseline_that_is_nearer_to_the_market_is_named():
    losses = texts(fidelity_statements(evaluation_record()), "loses")
    assert losses[1] == (
        "ACF of |r|, lags 1-250: 0.061; 1 of 2 baselines clearly nearer to the market, fhs-gjr"
        " the nearest (0.043)"
    )


def test_a_baseline_ahead_by_less_than_the_spread_of_the_floor_wins_nothing():
    record = evaluation_record()
    record["rows"][1]["values"]["acf_absolute"]["estimate"] = 0.058
    assert not any("ACF" in text for text in texts(fidelity_statements(record), "loses"))


def test_what_lies_within_the_floor_loses_to_nobody():
    record = evaluation_record()
    record["floor"]["values"]["acf_absolute"]["p90"] = 0.07
    statements = fidelity_statements(record)
    assert not any("ACF" in text for text in texts(statements, "loses"))
    (within,) = texts(statements, "passed")
    assert "ACF of |r|, lags 1-250" in within


def test_what_lies_beyond_the_floor_differs_from_the_market():
    (beyond,) = texts(fidelity_statements(evaluation_record()), "differs")
    assert beyond.endswith("ACF of |r|, lags 1-250")


def test_a_level_fails_by_the_names_of_its_tests():
    statements = backtest_statements(backtest_record())
    assert texts(statements, "failed") == ["VaR 95 %: 6 exceedances, 1.0 expected; fails Kupiec"]
    (passed,) = texts(statements, "passed")
    assert "none of 1 tests fails" in passed
    assert "noticed with probability 0.24" in passed


def test_a_level_without_an_applicable_test_is_left_open():
    record = backtest_record()
    for row in record["rows"]:
        row["tests"] = {"kupiec": {"p": None, "adjusted_p": None, "failed": False}}
    statements = backtest_statements(record)
    assert {statement.outcome for statement in statements} == {"open"}


def test_a_model_outside_the_confidence_set_loses():
    record = backtest_record()
    record["rows"][0]["in_mcs"] = False
    assert len(texts(backtest_statements(record), "loses")) == 1


def test_baselines_do_not_speak_for_the_model():
    record = copy.deepcopy(backtest_record())
    for row in record["rows"]:
        if row["sampler"] != "model":
            row["tests"]["kupiec"]["failed"] = True
    assert len(texts(backtest_statements(record), "failed")) == 1


def test_gates_of_both_kinds_of_card_are_read():
    gate = {"name": "one_mode", "value": 0.3, "threshold": "at most 0.1", "note": None}
    with_results = gate_statements(
        {
            "results": [
                gate | {"passed": False},
                gate | {"passed": None, "note": "too few days"},
            ]
        }
    )
    assert with_results == [
        Statement("failed", "Gate one mode: 0.3, asked for at most 0.1"),
        Statement("open", "Gate one mode: not applicable, too few days"),
    ]
    plain = gate_statements({"passed": ["spread"], "failed": ["copies"]})
    assert [statement.outcome for statement in plain] == ["failed", "passed"]


@pytest.mark.parametrize(
    ("gates", "sentence"),
    [
        ([], "No gate was asked of tiny@1."),
        ([Statement("passed", "a"), Statement("open", "b")], "tiny@1 passes 1 of 1 gates."),
        ([Statement("passed", "a"), Statement("failed", "b")], "tiny@1 fails 1 of 2 gates"),
    ],
)
def test_the_headline_begins_with_the_gates(gates, sentence):
    assert headline([], gates, SPAN, "tiny@1").startswith(sentence)


def test_the_headline_counts_losses_and_levels():
    statements = fidelity_statements(evaluation_record()) + backtest_statements(backtest_record())
    said = headline(statements, [], SPAN, "tiny@1")
    assert "loses to a baseline on 2 measures" in said
    assert "beats the reference by more than chance on 1 measure." in said
    assert "passes the tests at 1 of 2 levels" in said


def test_the_headline_says_when_it_is_no_test():
    assert "this is no test" in headline([], [], SPAN | {"in_sample": True}, "tiny@1")
    assert "not tested" in headline([], [], None, "tiny@1")
