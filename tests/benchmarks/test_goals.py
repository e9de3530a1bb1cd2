import argparse
import json
from collections.abc import Sequence

import pytest

from benchmarks import goals
from benchmarks.goals import Part
from benchmarks.tables import GOALS, Table


class Stub:
    """A program with one goal and one table that is none."""

    COMMAND = "python -m benchmarks.stub"

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        return argparse.Namespace(given=arguments)

    def measure(self, options: argparse.Namespace) -> list[Table]:
        goal, other = Table("goal", GOALS), Table("other", ("a",))
        goal.add("what", "at most 1", " ".join(options.given), options.command)
        other.add(1)
        return [goal, other]


def test_goals_of_programs_stand_in_one_table_each_with_its_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {"stub": Part(Stub(), "--own 3"), "memory": Part(Stub(), is_stored=False)}
    monkeypatch.setattr(goals, "PARTS", parts)
    monkeypatch.setattr(goals, "copies", Stub())
    arguments = ["--only", "stub,memory", "--seeds", "0,1", "--store", "here", "--quick", "--json"]
    goals.main(arguments)
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    assert [row["figure"] for row in table["rows"]] == [
        "--own 3 --seeds 0,1 --store here --quick",
        "--seeds 0,1 --quick",
        "--store here",
    ]
    assert table["rows"][2]["command"] == "python -m benchmarks.stub --store here"


def test_every_program_takes_the_options_that_it_is_given() -> None:
    for part in goals.PARTS.values():
        given = ["--seeds", "0,1", "--quick", *part.arguments.split()]
        given += ["--store", "here"] if part.is_stored else []
        assert part.program.parse(given).seeds == [0, 1]


def test_an_unknown_program_is_one_sentence() -> None:
    with pytest.raises(SystemExit, match="--only must name some of out_of_sample"):
        goals.main(["--only", "magic"])
