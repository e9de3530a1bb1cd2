import json

import pytest

from benchmarks import evaluation_cost
from fingan.assessment.evaluation import METRICS


@pytest.mark.slow
def test_the_cost_and_the_size_of_the_table_are_printed(garch_prices, tmp_path, capsys):
    path = tmp_path / "prices.csv"
    garch_prices.to_csv(path)
    arguments = ["--prices", str(path), "--until", "2017-06-30", "--from", "2017-07-03"]
    arguments += ["--to", "2017-12-29", "--baselines", "historical", "--paths", "16", "--json"]
    evaluation_cost.main(arguments)
    goal, size = json.loads(capsys.readouterr().out)["tables"]
    (row,) = goal["rows"]
    assert "4 assets, 2 baselines, 2017-07-03 to 2017-12-29" in row["what"]
    assert " min (" in row["figure"]
    assert sum(group["metrics"] for group in size["rows"]) == len(METRICS)
    cells = sum(group["numbers"] + group["n/a"] for group in size["rows"])
    assert cells == 3 * len(METRICS)
