import json

import pandas as pd
import pytest

from fingan.assessment.report_span import Span
from fingan.cli.report_commands import rerun_commands


@pytest.fixture
def report(run, tmp_path, garch_prices, tiny_model):
    """Run ``fingan report tiny`` on the prices it was trained on, which leave no day to test."""
    garch_prices.loc[:"2017-12-29"].to_csv(tmp_path / "prices.csv")

    def run_report(*arguments, out="page.html", model="tiny"):
        return run(
            "report",
            model,
            "--store",
            tiny_model.store,
            "--prices",
            tmp_path / "prices.csv",
            "--baselines",
            "fhs-gjr",
            "--out",
            tmp_path / out,
            *arguments,
        )

    return run_report


def test_report_writes_a_page_and_its_json_beside_it(report, tmp_path):
    ended = report()
    assert ended.code == 0
    record = json.loads((tmp_path / "page.json").read_text())
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert record["kind"] == "report"
    assert all(f'id="{section["id"]}"' in page for section in record["sections"])
    assert "page.html" in ended.out


def test_json_goes_to_stdout_if_asked_for(report, tmp_path):
    assert report().code == 0
    beside = json.loads((tmp_path / "page.json").read_text())
    (tmp_path / "page.json").unlink()
    ended = report("--json")
    assert json.loads(ended.out) == beside
    assert not (tmp_path / "page.json").exists()


def test_the_page_says_how_to_do_it_again(report, tmp_path):
    assert report("--seed", 9, "--kind", "price").code == 0
    record = json.loads((tmp_path / "page.json").read_text())
    (again,) = record["sections"][-1]["commands"]
    assert again.startswith("fingan report tiny@1 ")
    for option in ("--seed 9", "--kind price", "--baselines fhs-gjr"):
        assert option in again


def test_evaluation_and_backtest_are_named_on_the_days_that_were_compared():
    span = Span(pd.Timestamp("2017-06-01"), pd.Timestamp("2017-12-29"), in_sample=True)
    given = {
        "--prices": "my prices.csv",
        "--seed": 3,
        "--baselines": None,
        "--portfolio": "w.csv",
        "--allow-leverage": False,
        "--paths": 512,
        "--backtest-paths": 1000,
        "--out": "page.html",
    }
    days = "--from 2017-06-01 --to 2017-12-29 --in-sample"
    assert rerun_commands("tiny@1", span, 900, given) == [
        f"fingan evaluate tiny@1 --prices 'my prices.csv' --seed 3 --paths 512 {days}",
        "fingan backtest tiny@1 --prices 'my prices.csv' --seed 3 --portfolio w.csv --paths 1000"
        f" --window 900 {days}",
        "fingan report tiny@1 --prices 'my prices.csv' --seed 3 --portfolio w.csv --paths 512"
        f" --backtest-paths 1000 --out page.html {days}",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "2017-06-01"), "must begin after the training period"),
        (("--from", "2030-06-01"), "must hold rows of the prices"),
        (("--in-sample", "--to", "1999-01-04"), "must hold rows of the prices"),
        (("--from", "yesterday"), "must be a date"),
        (("--in-sample", "--baselines", "arima"), "baseline must be one of"),
        (("--audit", "nowhere.json"), "nowhere.json: there is no such file"),
        (("--portfolio", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("--paths", "0"), "--paths"),
    ],
    ids=lambda entry: " ".join(entry) if isinstance(entry, tuple) else None,
)
def test_bad_input_is_one_sentence_and_writes_nothing(report, tmp_path, arguments, sentence):
    ended = report(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["prices.csv"]


@pytest.mark.parametrize("out", ["page.json", "page.pdf", ".html"])
def test_the_page_must_be_named_as_one(report, out):
    ended = report(out=out)
    assert ended.code == 2
    assert "must name a page, such as report.html" in ended.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("asset,weight\nABLE,0.5\nNOBODY,0.5\n", "asset 'NOBODY' in line 3 is not in"),
        ("asset,weight\nABLE,0.5\nDOG,0.6\n", "weights must sum to 1, got 1.1"),
    ],
)
def test_a_portfolio_that_does_not_fit_is_refused(report, tmp_path, text, sentence):
    (tmp_path / "weights.csv").write_text(text)
    ended = report("--portfolio", tmp_path / "weights.csv")
    assert ended.code == 2
    assert sentence in ended.err


@pytest.mark.parametrize("text", ["[]", "{", '{"kind": "evaluation"}'])
def test_an_audit_must_be_one(report, tmp_path, text):
    (tmp_path / "audit.json").write_text(text)
    ended = report("--audit", tmp_path / "audit.json")
    assert ended.code == 2
    assert "must be what 'fingan privacy --json' prints" in ended.err


def test_the_audit_of_another_model_is_refused(report, tmp_path):
    (tmp_path / "audit.json").write_text('{"kind": "privacy", "model": "other@3"}')
    ended = report("--audit", tmp_path / "audit.json")
    assert ended.code == 2
    assert "must be the audit of model 'tiny@1', got that of 'other@3'" in ended.err


def test_an_unwritable_place_leaves_nothing(report, tmp_path):
    ended = report(out="nowhere/page.html")
    assert ended.code == 2
    assert "does not exist" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["prices.csv"]
