import json
from typing import Any

import pytest
import torch

from benchmarks import tail_gan
from benchmarks.tail_gan import relative_errors, tail_risk
from benchmarks.tail_gan_tables import FLOOR, HISTORY, PLAIN, spread

SMALL = ["--assets", "5", "--baselines", "historical", "--seeds", "", "--train-paths", "20"]


def test_errors_are_relative_distances_from_the_truth_of_the_evaluations_own_test_set() -> None:
    profits = torch.arange(-100.0, 100.0).unsqueeze(1)
    tests = [profits, 2 * profits]
    errors = relative_errors(lambda _: 1.1 * profits, tests, 4)
    assert errors.shape == (4, 2, 1)
    expected = torch.tensor([10.0, 45.0, 10.0, 45.0]).double()
    torch.testing.assert_close(errors[:, 0, 0], expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(errors[:, 1, 0], expected, rtol=1e-5, atol=0)
    assert abs(spread(errors) - 17.5) < 1e-6


def test_tail_risk_of_known_profits() -> None:
    profits = torch.arange(-100.0, 100.0).unsqueeze(1)  # 200 of them: the worst ten are the tail
    risk = tail_risk(profits)[:, 0]
    assert risk.tolist() == [90.0, 95.5]


@pytest.fixture
def small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_gan, "N_TEST", 2_000)
    monkeypatch.setattr(tail_gan, "N_PAST", 3_000)
    monkeypatch.setattr(tail_gan, "N_TESTS", 2)


@pytest.mark.usefixtures("small_sets")
def test_the_law_itself_scores_far_better_than_days_without_memory(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tail_gan.main([*SMALL, "--evaluations", "2", "--json"])
    goal, beside, by_kind = (
        table["rows"] for table in json.loads(capsys.readouterr().out)["tables"]
    )
    assert goal[0]["figure"] == "not trained"
    mean = {row["relative error, %, lower is better"]: float(row["mean"]) for row in beside}
    assert mean[FLOOR] < mean[HISTORY] < mean[PLAIN] + 1 < 8 < mean["historical"]
    published = mean["published: Tail-GAN"]
    assert published == 4.6
    alone: dict[str, Any] = {row["relative error, %"]: row for row in by_kind}
    assert float(alone["historical"]["AR(+.5)"]) > 30 > float(alone["historical"]["Gauss"])


def test_assets_must_be_of_all_kinds_alike() -> None:
    with pytest.raises(SystemExit, match=r"^RequestError: --assets: n_assets must be a multiple"):
        tail_gan.main(["--assets", "7"])


def test_a_quick_look_changes_only_what_was_not_given() -> None:
    options = tail_gan.parse(["--quick", "--evaluations", "7"])
    assert (options.assets, options.steps, options.evaluations) == ([5], 50, 7)
    assert tail_gan.parse([]).assets == [5, 20]
