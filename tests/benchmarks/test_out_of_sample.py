import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import out_of_sample
from benchmarks.min_variance import WINDOW, min_variance_weights
from benchmarks.out_of_sample_tables import ENERGY, REFERENCE, START, Found, Verdict, tables
from fingan.assessment.comparison import Comparison
from fingan.assessment.forecast_scores import HORIZONS
from fingan.assessment.outcomes import Outcomes
from fingan.errors import RequestError

SMALL = [
    *("--steps", "1", "--paths", "16", "--every", "30"),
    *("--set", "selection.n_paths=16", "--set", "batch_size=4", "--set", "window=32"),
    *("--members", "1"),
    *("--until", "2017-01-02", "--from", "2017-01-03", "--to", "2017-12-29"),
    *("--baselines", "fhs-gjr,historical"),
]


@pytest.fixture(scope="module")
def price_file(garch_prices: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    garch_prices.to_csv(path)
    return str(path)


def printed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> dict[str, list[dict[str, Any]]]:
    out_of_sample.main([*arguments, "--json"])
    document = json.loads(capsys.readouterr().out)
    return {table["title"]: table["rows"] for table in document["tables"]}


def test_the_model_is_kept_and_scored_beside_baselines_and_its_own_start(
    price_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--prices", price_file, "--store", str(tmp_path), "--seeds", "0", *SMALL]
    (cost,) = printed([*arguments, "--no-scores"], capsys).values()
    assert cost[0]["figure"].endswith(" min for 1 generator on 1 worker")
    assert len(list(tmp_path.glob("seed0-*"))) == 1
    first = printed(arguments, capsys)
    assert len(list(tmp_path.glob("seed0-*"))) == 2  # the seed, and the untrained start
    again = printed(arguments, capsys)
    assert again == first  # scored again with the models of the store
    assert len(list(tmp_path.glob("seed0-*"))) == 2
    beside = first["Out of sample, beside baselines"]
    assert len(beside) == 2 + 4 * len(HORIZONS)
    names = ("model", REFERENCE, "historical", START)
    assert all(float(row[name]) > 0 for row in beside for name in names)
    goals = first["Out of sample: goals"]
    assert [row["what"].rpartition(" ")[2] for row in goals[1:]] == [*names[1:]]
    assert all(" of 17; p < .05: " in row["figure"] for row in goals[1:])


def test_outcomes_begin_on_the_day_after_the_date_that_scenarios_continue_from(
    garch_prices: pd.DataFrame,
) -> None:
    assets = tuple(garch_prices.columns)
    outcomes = out_of_sample.cut(garch_prices, assets, "2017-01-02", "2017-12-29", every=7)
    assert outcomes.stride == 7
    row = garch_prices.index.get_loc(outcomes.dates[0])
    moved = torch.log(torch.tensor((garch_prices.iloc[row + 5] / garch_prices.iloc[row]).values))
    torch.testing.assert_close(outcomes.sums[5][0], moved)
    assert outcomes.dates[0] < pd.Timestamp("2017-01-02") <= garch_prices.index[row + 1]
    last = garch_prices.index.get_loc(outcomes.dates[-1])
    assert garch_prices.index[last + max(HORIZONS)] <= pd.Timestamp("2017-12-29")


def test_a_span_without_room_for_outcomes_is_refused(garch_prices: pd.DataFrame) -> None:
    assets = tuple(garch_prices.columns)
    with pytest.raises(RequestError, match="--from and --to must leave 8 starting days with 20"):
        out_of_sample.cut(garch_prices, assets, "2017-01-02", "2017-02-09", every=7)


def test_the_reference_may_not_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        out_of_sample.parse(["--baselines", "historical"])
    assert "--baselines fhs-gjr" in capsys.readouterr().err


def test_minimum_variance_weights_know_the_past_alone(garch_prices: pd.DataFrame) -> None:
    dates = list(garch_prices.index[[300, 500]])
    assets = tuple(garch_prices.columns)
    weights = min_variance_weights(garch_prices, assets, dates)
    torch.testing.assert_close(weights.sum(1), torch.ones(2).double())
    later = garch_prices.copy()
    later.iloc[301:] *= np.linspace(1, 3, len(later) - 301)[:, None]
    assert torch.equal(min_variance_weights(later, assets, dates)[0], weights[0])
    assert not torch.equal(min_variance_weights(later, assets, dates)[1], weights[1])


def test_minimum_variance_weights_are_those_of_independent_assets() -> None:
    random = np.random.default_rng(3)
    spread = np.array([0.01, 0.02, 0.04])
    moves = random.standard_normal((2 * WINDOW, 3)) * spread
    dates = pd.bdate_range("2010-01-01", periods=len(moves), name="date")
    prices = pd.DataFrame(100 * np.exp(moves.cumsum(0)), dates, columns=pd.Index(["A", "B", "C"]))
    (weights,) = min_variance_weights(prices, ("A", "B", "C"), [dates[-1]])
    exact = torch.tensor(spread**-2 / (spread**-2).sum())
    torch.testing.assert_close(weights, exact, atol=0.05, rtol=0)


def test_a_difference_counts_when_chance_does_not_explain_it() -> None:
    clear = Verdict.of(Comparison(1.0, 0.1, -0.3, -3.0), 200)
    assert clear.p == pytest.approx(0.003, abs=5e-4)
    assert clear.is_clearly(-1)
    assert not clear.is_clearly(1)
    assert not Verdict.of(Comparison(1.0, 0.1, -0.1, -1.0), 200).is_clearly(-1)


def test_goals_count_measures_that_are_lower_and_clearly_so() -> None:
    random = torch.Generator().manual_seed(1)
    noise = torch.randn(120, generator=random).double()
    theirs = {ENERGY: 2 + noise, "crps_assets_1": 1 + noise, "variogram_score_10": 9 + noise}
    chance = torch.randn(120, generator=random).double()
    own = {
        ENERGY: theirs[ENERGY] - 0.5 + torch.rand(120, generator=random).double() / 10,
        "crps_assets_1": theirs["crps_assets_1"] + 0.01 + chance - chance.mean(),
        "variogram_score_10": theirs["variogram_score_10"] - 1,
    }
    dates = list(pd.bdate_range("2015-01-01", periods=120))
    outcomes = Outcomes(("A",), "price", dates, 7, {}, {})
    found = Found({0: own, 1: own}, {REFERENCE: theirs}, outcomes, [])
    goals, means, tests, by_seed = tables(found, "command")
    figure = goals.records()[1]["figure"]
    assert figure == "lower on 1 of 2; p < .05: lower on 1, higher on 0"  # variogram is not a goal
    assert [row["sd of seeds"] for row in means.records()] == ["0.0000"] * 3
    assert "energy score" in str(tests.records()[0]["t (p) of the mean over seeds"])
    assert by_seed.columns[1:] == ("seed 0", "seed 1")
