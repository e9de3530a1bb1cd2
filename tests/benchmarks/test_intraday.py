import json

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import intraday
from benchmarks.intraday import drawn_pattern, pattern_error
from fingan.scenarios.baselines import baseline

SMILE = np.array([2.0, 0.8, 0.6, 0.7, 1.1])


@pytest.fixture(scope="module")
def bars():
    """Two assets, five bars a day, wild in the morning."""
    random = np.random.default_rng(2)
    days = pd.bdate_range("2021-01-04", periods=400)
    index = pd.DatetimeIndex(
        [day + pd.Timedelta(hours=9 + bar) for day in days for bar in range(5)]
    )
    returns = 0.004 * np.tile(SMILE, 400)[:, None] * random.standard_normal((2000, 2))
    frame = pd.DataFrame(100 * np.exp(returns.cumsum(0)), index=index, columns=["A", "B"])
    frame.index.name, frame.attrs = "date", {"kind": "price"}
    return frame


def test_the_pattern_of_a_sampler_is_that_of_its_steps(bars):
    truth = torch.from_numpy(SMILE / np.sqrt((SMILE**2).mean())).unsqueeze(1).expand(5, 2)
    fair = drawn_pattern(baseline("fhs-gjr", bars, deseasonalised=True), bars, 5, 4000)
    plain = drawn_pattern(baseline("fhs-gjr", bars), bars, 5, 4000)
    assert pattern_error(fair, truth) < 0.08
    assert pattern_error(plain, truth) > 0.3


def test_an_error_is_the_root_mean_square_of_log_ratios():
    one = torch.ones(4, 1, dtype=torch.float64)
    other = torch.tensor([[1.0], [1.0], [np.e], [1 / np.e]], dtype=torch.float64)
    assert pattern_error(one, one) == 0
    assert pattern_error(other, one) == pytest.approx(0.5**0.5)


def test_daily_prices_are_refused(garch_prices, tmp_path):
    path = tmp_path / "prices.csv"
    garch_prices.to_csv(path)
    with pytest.raises(SystemExit, match="several bars a day"):
        intraday.main(["--prices", str(path)])


@pytest.mark.slow
def test_it_prints_pattern_gates_and_scores(bars, tmp_path, capsys):
    path = tmp_path / "bars.csv"
    bars.to_csv(path)
    arguments = ["--prices", str(path), "--quick", "--paths", "128", "--dates", "40", "--json"]
    intraday.main([*arguments, "--store", str(tmp_path / "store")])
    pattern, goal, scores = json.loads(capsys.readouterr().out)["tables"]
    errors = {row["whose"]: next(iter(list(row.values())[1:])) for row in pattern["rows"]}
    assert errors["model, seed 0"] < errors["fhs-gjr"]
    assert "passed" in goal["rows"][0]["figure"]
    assert {"fhs-gjr", "fhs-gjr, deseasonalised"} <= set(scores["rows"][0])
