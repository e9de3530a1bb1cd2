import json

import pandas as pd
import pytest


@pytest.fixture
def price_file(tmp_path, garch_prices):
    path = tmp_path / "prices.csv"
    garch_prices.to_csv(path)
    return path


def test_check_prints_the_report_for_people(run, price_file):
    ended = run("prices", "check", price_file)
    assert (ended.code, ended.err) == (0, "")
    assert "wide layout, kind price" in ended.out
    assert "800 rows from 2015-01-02" in ended.out
    assert "digest sha256:" in ended.out


def test_check_prints_one_json_object(run, price_file):
    ended = run("prices", "check", price_file, "--json")
    report = json.loads(ended.out)
    assert ended.code == 0
    assert (report["n_rows"], report["n_assets"], report["layout"]) == (800, 4, "wide")


def test_check_reads_the_file_as_the_options_say(run, tmp_path):
    path = tmp_path / "returns.csv"
    dates = pd.bdate_range("2020-01-01", periods=60, name="date").strftime("%d/%m/%Y")
    pd.DataFrame({"ABLE": 0.5, "BAKER": -0.25}, index=dates).to_csv(path)
    ended = run(
        "prices", "check", path, "--kind", "simple_return", "--scale", "0.01",
        "--date-order", "dmy", "--layout", "wide", "--json",
    )  # fmt: skip
    report = json.loads(ended.out)
    assert (report["kind"], report["first"]) == ("simple_return", "2020-01-01")


def test_options_that_contradict_each_other_are_bad_input(run, price_file):
    ended = run("prices", "check", price_file, "--kind", "simple_return", "--allow-negative")
    assert ended.code == 2
    assert ended.err.startswith("error: allow_negative is for prices and levels")


def test_a_missing_file_is_bad_input(run, tmp_path):
    ended = run("prices", "check", tmp_path / "absent.csv")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {tmp_path / 'absent.csv'}: ")
    assert len(ended.err.splitlines()) == 1


def test_a_negative_price_is_bad_input_that_names_asset_and_date(run, tmp_path, garch_prices):
    spoilt = garch_prices.copy()
    spoilt.iloc[3, 1] = -1.0
    path = tmp_path / "prices.csv"
    spoilt.to_csv(path)
    ended = run("prices", "check", path)
    assert ended.code == 2
    assert "BAKER" in ended.err
    assert "2015-01-07" in ended.err
