import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import index_var
from benchmarks.index_var_tables import KNOWN

SMALL = ["--to", "2005-02-15", "--paths", "100", "--processes", "1"]


def test_every_forecaster_stands_beside_the_known_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(index_var, "LAST", "2005-02-15")
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
    assert {name for name, _ in rows} == {"historical", *KNOWN}


def test_historical_simulation_of_every_day_may_be_left_out(capsys: pytest.CaptureFixture[str]):
    index_var.main([*SMALL, "--baselines", "historical", "--no-daily", "--json"])
    _, beside = (table["rows"] for table in json.loads(capsys.readouterr().out)["tables"])
    figures = [row["forecaster"] for row in beside if row["FZ0"] is not None]
    assert figures == ["historical"] * 3


def test_a_model_is_trained_again_while_it_walks_and_every_training_is_kept(
    garch_prices: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path, store = tmp_path / "prices.csv", tmp_path / "store"
    garch_prices[["ABLE"]].to_csv(path)
    arguments = ["--prices", str(path), "--store", str(store), "--seeds", "0", "--members", "1"]
    arguments += ["--from", "2017-08-01", "--to", "2017-11-30", "--retrain", "60"]
    arguments += ["--paths", "200", "--processes", "1", "--no-daily", "--baselines", ""]
    arguments += ["--steps", "1", "--set", "batch_size=4", "--set", "window=32"]
    arguments += ["--set", "selection.n_paths=16", "--json"]
    index_var.main(arguments)
    first = json.loads(capsys.readouterr().out)["tables"]
    assert len(list(store.glob("seed*"))) == 2
    index_var.main(arguments)
    again = json.loads(capsys.readouterr().out)["tables"]
    assert again[1:] == first[1:]
    assert len(list(store.glob("seed*"))) == 2
    goals, means, beside = (table["rows"] for table in first)
    assert goals[0]["what"] == "training of an index, wall, 2 trainings"
    assert [row["what"].split(" ")[0] for row in goals[1:4]] == ["FZ0", "Kupiec", "cond."]
    (own,) = (row for row in beside if (row["forecaster"], row["tail"]) == ("model, seed 0", "5 %"))
    (mean,) = (row for row in means if row["tail"] == "5 %")
    assert float(mean["FZ0, mean of seeds"]) == pytest.approx(float(own["FZ0"]), abs=1e-4)


def test_training_must_begin_before_the_first_day():
    with pytest.raises(SystemExit, match="--from must lie after row 9000"):
        index_var.main([*SMALL, "--seeds", "0", "--first-row", "9000"])


def test_an_index_is_one_asset(garch_prices: pd.DataFrame, tmp_path: Path):
    path = tmp_path / "prices.csv"
    garch_prices.to_csv(path)
    with pytest.raises(SystemExit, match=r"^RequestError: --prices must hold one asset, got 4"):
        index_var.main(["--prices", str(path)])


def test_an_unknown_baseline_is_one_sentence():
    with pytest.raises(SystemExit, match=r"^RequestError: baseline must be one of"):
        index_var.main([*SMALL, "--baselines", "magic"])
