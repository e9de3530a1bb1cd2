import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import copies
from tests.conftest import TinyModel


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[list[dict]]:
    copies.main([*arguments, "--json"])
    return [table["rows"] for table in json.loads(capsys.readouterr().out)["tables"]]


def test_every_model_of_the_store_is_searched(
    tiny_model: TinyModel,
    garch_prices: pd.DataFrame,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "prices.parquet"
    garch_prices.to_parquet(path)
    goal, models = printed(["--store", tiny_model.store, "--prices", str(path)], capsys)
    assert goal[0]["figure"] == "1"
    (row,) = models
    assert (row["model"], row["verdict"], row["assets copied"]) == ("tiny@1", "pass", None)
    assert row["longest run"] <= row["allowed"]


def test_a_model_that_cannot_be_searched_is_said_and_not_counted(
    tiny_model: TinyModel, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["tiny", "absent", "--store", tiny_model.store, "--prices", "sp500-index"]
    goal, models = printed(arguments, capsys)
    assert goal[0]["figure"] == "0; 2 not searched"
    assert [row["verdict"] for row in models] == ["not searched"] * 2


def test_an_empty_store_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--store must hold a model"):
        copies.main(["--store", str(tmp_path / "none")])
