import json

import pytest

from benchmarks import index_var

SMALL = ["--to", "2005-02-15", "--paths", "100", "--processes", "1"]


def test_every_forecaster_stands_beside_the_known_figures(capsys: pytest.CaptureFixture[str]):
    index_var.main([*SMALL, "--baselines", "fhs-gjr,historical", "--json"])
    goals, beside = (table["rows"] for table in json.loads(capsys.readouterr().out)["tables"])
    assert [row["goal"] for row in goals[:3]] == [
        f"{known} within 1 %" for known in (1.2433, 0.9977, 0.8047)
    ]
    assert goals[-1]["what"].startswith("wall time, 31 days of 2 forecasters, 100 paths a day")
    rows = {(row["forecaster"], row["tail"]): row for row in beside}
    own = rows["fhs-gjr", "1 %"]
    assert float(own["ratio"]) == pytest.approx(float(own["FZ0"]) / 1.2433, abs=1e-3)
    assert float(rows["historical, 250 days", "5 %"]["FZ0"]) > 0
    assert rows["gjr-skew-t", "2.5 %"]["FZ0"] is None  # not asked for
    assert rows["gjr-skew-t", "2.5 %"]["known"] == 0.9978
    assert {name for name, _ in rows} == {"historical", *index_var.KNOWN}


def test_historical_simulation_of_every_day_may_be_left_out(capsys: pytest.CaptureFixture[str]):
    index_var.main([*SMALL, "--baselines", "historical", "--no-daily", "--json"])
    _, beside = (table["rows"] for table in json.loads(capsys.readouterr().out)["tables"])
    figures = [row["forecaster"] for row in beside if row["FZ0"] is not None]
    assert figures == ["historical"] * 3


def test_an_unknown_baseline_is_one_sentence():
    with pytest.raises(SystemExit, match=r"^RequestError: baseline must be one of"):
        index_var.main([*SMALL, "--baselines", "magic"])
