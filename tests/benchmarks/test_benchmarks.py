import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from benchmarks import demo_cost, generation, training, workers
from benchmarks.tables import Table
from benchmarks.timing import Contestant, Timings, in_turns
from benchmarks.yardsticks import DoppelGanger, QuantGan

SMALL = ("--batch", "4", "--window", "32", "--turns", "1")


@pytest.fixture(scope="module")
def price_file(garch_prices: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    garch_prices.to_csv(path)
    return str(path)


def printed(
    program: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables that a program prints, by title."""
    program.main([*arguments, "--json"])
    document = json.loads(capsys.readouterr().out)
    return {table["title"]: table["rows"] for table in document["tables"]}


def test_training_prints_a_rate_for_every_contestant(
    price_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = printed(training, ["--prices", price_file, *SMALL], capsys)
    goal, beside = tables.values()
    assert goal[0]["figure"] == beside[0]["windows/CPU-s"] > 0
    assert goal[0]["command"].startswith("python -m benchmarks.training --prices")
    assert {row["step"] for row in beside} == {training.OWN, *training.RIVALS}


def test_generation_prints_a_rate_for_every_contestant_that_is_installed(
    price_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--prices", price_file, "--paths", "40", "--horizon", "4", "--turns", "1"]
    goals, beside = printed(generation, arguments, capsys).values()
    assert len(goals) == 3
    names = {row["generator"] for row in beside}
    assert {generation.FLOOR, generation.BLOCKS, generation.CUBE, generation.FHS} < names
    assert "arch GJR-t, each asset alone" in names
    assert all(row["paths/CPU-s"] > 0 for row in beside)


@pytest.mark.slow
def test_two_workers_are_timed_beside_one_and_compared_with_it(
    price_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    goals, beside = printed(workers, ["--prices", price_file, *SMALL], capsys).values()
    assert [row["workers"] for row in beside] == [1, 2]
    assert beside[0]["all-reduce bytes a step"] == 0 < beside[1]["all-reduce bytes a step"]
    difference, weight = goals[-1]["figure"].split(" ")
    assert float(difference) < 1
    assert "." in weight


def test_the_demo_must_end_well_to_be_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "fingan"
    program.write_text('#!/bin/sh\ntest "$2" = --quick\n')
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    (rows,) = printed(demo_cost, ["--quick"], capsys).values()
    assert [row["what"] for row in rows] == [
        "fingan demo --quick, wall",
        "fingan demo --quick, peak memory",
    ]
    with pytest.raises(SystemExit, match="must end with 0, got 1"):
        demo_cost.main([])


def test_the_yardsticks_are_of_the_published_sizes() -> None:
    tcn = sum(p.numel() for p in QuantGan(1).generator.parameters())
    assert 190_000 < tcn < 250_000
    lstm = DoppelGanger(20, horizon=64, sample_len=8)
    assert sum(p.numel() for p in lstm.memory.parameters()) == 4 * 100 * (40 + 10 + 100 + 2)
    assert lstm.draw(3, 64).shape == (3, 64, 20)
    assert QuantGan(20).draw(3, 64).shape == (3, 64, 20)


def test_turns_alternate_and_the_first_does_not_count() -> None:
    said: list[str] = []
    names = ("own", "theirs")
    contestants = {name: Contestant(lambda name=name: said.append(name), 1) for name in names}
    timings = in_turns(contestants, n_turns=2)
    assert said == ["own", "theirs"] * 3
    assert [len(seconds) for seconds in timings.seconds.values()] == [2, 2]


def test_a_ratio_is_the_median_of_the_ratios_within_turns() -> None:
    timings = Timings(
        {"own": [1.0, 2.0, 4.0], "theirs": [2.0, 8.0, 4.0]}, {"own": 10.0, "theirs": 5.0}
    )
    assert timings.rate("own") == 5.0
    assert timings.ratio("own", "theirs") == 4.0  # of 4, 8 and 2


def test_a_table_prints_numbers_and_gaps_in_every_form() -> None:
    table = Table("Speed", ("step", "windows"), notes=["quiet"])
    table.add("own", 1234.5)
    table.add("theirs", None)
    assert table.text().splitlines() == [
        "Speed",
        "step    windows",
        "own     1,234",
        "theirs  -",
        "  quiet",
    ]
    assert "| own | 1,234 |" in table.markdown()
    assert table.records()[1] == {"step": "theirs", "windows": None}


def test_a_mistake_of_the_caller_is_one_sentence(price_file: str) -> None:
    with pytest.raises(SystemExit, match=r"^PriceDataError: .*absent.csv"):
        training.main(["--prices", price_file.replace("prices.csv", "absent.csv")])
