import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from benchmarks import portfolio_var
from benchmarks.portfolio_var_forecasts import (
    EQUAL,
    HORIZON,
    LONG_ONLY,
    LONG_SHORT,
    Said,
    coverage_band,
    forecast,
    groups_of,
    losses_of,
)
from benchmarks.portfolio_var_tables import Judged
from fingan.assessment.outcomes import Outcomes, cut_outcomes
from fingan.pipeline import baseline
from fingan.risk.measures import expected_shortfall, value_at_risk
from fingan.scenarios.forecasts import forecasts

ASSETS = ("ABLE", "BAKER", "CHARLIE", "DOG")


@pytest.fixture(scope="module")
def outcomes(garch_prices: pd.DataFrame) -> Outcomes:
    first, last = pd.Timestamp("2017-01-02"), pd.Timestamp("2017-12-29")
    return cut_outcomes(garch_prices, ASSETS, first, last, (HORIZON,), 50)


def test_portfolios_are_shares_of_the_capital(outcomes: Outcomes) -> None:
    groups = groups_of(outcomes)
    assert {name: weights.shape for name, weights in groups.items()} == {
        EQUAL: (4, 1),
        LONG_ONLY: (4, 20),
        LONG_SHORT: (4, 20),
    }
    assert bool((groups[LONG_ONLY] > 0).all())
    torch.testing.assert_close(groups[LONG_ONLY].sum(0), torch.ones(20).double())
    torch.testing.assert_close(groups[LONG_SHORT].sum(0), torch.zeros(20).double())
    torch.testing.assert_close(groups[LONG_SHORT].abs().sum(0), torch.full((20,), 2.0).double())


def test_losses_are_those_of_ten_days_held_without_trading(
    outcomes: Outcomes, garch_prices: pd.DataFrame
) -> None:
    row = garch_prices.index.get_loc(outcomes.dates[3])
    gains = garch_prices.iloc[row + HORIZON] / garch_prices.iloc[row] - 1
    found = losses_of(outcomes, groups_of(outcomes)[EQUAL])
    assert float(found[3, 0]) == pytest.approx(-gains.mean())


def test_measures_are_those_of_each_portfolio_alone(
    outcomes: Outcomes, garch_prices: pd.DataFrame
) -> None:
    sampler, groups = baseline("historical", garch_prices.loc[:"2016-12-30"]), groups_of(outcomes)
    said = forecast(sampler, garch_prices, outcomes, groups, (0.95, 0.9), 200, seed=2)
    cube = list(forecasts(sampler, garch_prices, outcomes.dates, HORIZON, 200, seed=2))[5]
    losses = -cube.double().sum(1).expm1() @ groups[LONG_SHORT][:, 7]
    found = said[LONG_SHORT]
    assert found.value_at_risk.shape == (len(outcomes.dates), 2, 20)
    assert float(found.value_at_risk[5, 1, 7]) == pytest.approx(float(value_at_risk(losses, 0.9)))
    shortfall = float(expected_shortfall(losses, 0.95))
    assert float(found.expected_shortfall[5, 0, 7]) == pytest.approx(shortfall)


def test_the_band_is_binomial_without_overlap_and_wider_with_it() -> None:
    assert coverage_band(100, 10, 10, 0.95) == (1, 10)  # scipy.stats.binom.interval
    low, high = coverage_band(100, 1, 10, 0.95)
    assert low == 0
    assert high > 12
    assert coverage_band(100, 9, 10, 0.95)[1] - 10 in (0, 1)  # hardly any overlap


def test_coverage_and_scores_are_those_of_each_group(outcomes: Outcomes) -> None:
    n_dates = len(outcomes.dates)
    groups = {EQUAL: groups_of(outcomes)[EQUAL]}
    losses = losses_of(outcomes, groups[EQUAL])
    worst, best = losses.max() + 0.01, losses.min() - 0.01
    shapes = (n_dates, 1, 1)
    shortfall = worst.abs().expand(shapes)
    said = {
        "never": {EQUAL: Said(worst.expand(shapes), shortfall)},
        "always": {EQUAL: Said(best.expand(shapes), shortfall)},
        "fhs-gjr": {EQUAL: Said(worst.expand(shapes), shortfall)},
    }
    judged = Judged(said, ["never"], outcomes, groups, (0.95,), {0.95: (0, 5)})
    assert int(judged.violated("never", EQUAL, 0.95).sum()) == 0
    assert int(judged.violated("always", EQUAL, 0.95).sum()) == n_dates
    assert bool(judged.is_inside("never", EQUAL, 0.95).all())
    assert not bool(judged.is_inside("always", EQUAL, 0.95).any())
    better, worse = (float(judged.score(n, EQUAL, 0.95).mean()) for n in ("never", "always"))
    assert better < worse
    assert judged.tested(judged.score("always", EQUAL, 0.95), EQUAL, 0.95).statistic > 0


def test_the_model_is_judged_beside_baselines(
    garch_prices: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "prices.csv"
    garch_prices.to_csv(path)
    arguments = ["--prices", str(path), "--store", str(tmp_path / "store"), "--seeds", "0"]
    arguments += ["--members", "1"]
    arguments += ["--until", "2016-12-30", "--from", "2017-01-02", "--to", "2017-12-29"]
    arguments += ["--steps", "1", "--set", "batch_size=4", "--set", "window=32"]
    arguments += ["--set", "selection.n_paths=16", "--paths", "100", "--json"]
    portfolio_var.main([*arguments, "--baselines", "fhs-gjr,historical"])
    goals, everybody = (t["rows"] for t in json.loads(capsys.readouterr().out)["tables"])
    assert len(goals) == 2 * 3
    assert len(everybody) == 3 * 3 * 3  # groups, levels, forecasters
    names = {row["forecaster"] for row in everybody}
    assert names == {"model, mean of seeds", "fhs-gjr", "historical"}
    assert all(row["inside the band"].endswith((" of 1", " of 20")) for row in everybody)
