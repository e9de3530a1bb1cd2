import argparse
import json

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import large
from benchmarks.large_universe import cut_universe, weak_variance_error
from fingan.errors import RequestError

N_ASSETS, N_DAYS = 12, 700


@pytest.fixture(scope="module")
def prices():
    """Twelve assets with one factor; one starts late and one ends early."""
    random = np.random.default_rng(1)
    returns = 0.01 * (
        random.standard_normal((N_DAYS, 1)) + random.standard_normal((N_DAYS, N_ASSETS))
    )
    index = pd.bdate_range("2018-01-02", periods=N_DAYS, name="date")
    frame = pd.DataFrame(100 * np.exp(returns.cumsum(0)), index=index)
    frame.columns = [f"A{i:02}" for i in range(N_ASSETS)]
    frame.loc[frame.index[:200], "A03"] = np.nan
    frame.loc[frame.index[-50:], "A05"] = np.nan
    frame.attrs = {"kind": "price"}
    return frame


def asked(**given):
    return argparse.Namespace(**{"assets": 10, "test": 120, "every": 7} | given)


def test_the_universe_is_the_most_complete_assets_observed_throughout_the_test_span(prices):
    universe = cut_universe(prices, asked())
    assert list(universe.prices) == [name for name in prices if name not in ("A03", "A05")]
    assert universe.past.index[-1] == prices.index[-121]
    assert universe.test.shape == (120, 10)
    assert universe.test.isfinite().all()
    assert all(universe.past.index[-1] <= date for date in universe.outcomes.dates)
    assert "A03" in cut_universe(prices, asked(assets=11)).prices


def test_rows_of_the_test_span_do_not_move_the_weak_directions(prices):
    changed = prices.copy()
    changed.iloc[-119:] *= 1.3
    one, other = (cut_universe(table, asked()).weak for table in (prices, changed))
    assert torch.equal(one, other)


def test_a_universe_that_is_not_there_is_refused(prices):
    with pytest.raises(RequestError, match="11 assets are observed throughout the last 120"):
        cut_universe(prices, asked(assets=12))


def test_the_error_of_weak_directions_is_the_log_of_the_ratio():
    random = torch.Generator().manual_seed(0)
    real = torch.randn(4000, 6, generator=random, dtype=torch.float64)
    real = real / real.std(0)
    tied = real.clone()
    tied[:, 1] = 0.5**0.5 * (real[:, 0] + real[:, 1])
    weak = torch.zeros(6, 1, dtype=torch.float64)
    weak[:2, 0] = torch.tensor([0.5**0.5, -(0.5**0.5)], dtype=torch.float64)
    assert weak_variance_error(real, 7 * real, weak) == pytest.approx(0, abs=1e-9)
    expected = -np.log(1 - 0.5**0.5)
    assert weak_variance_error(real, tied, weak) == pytest.approx(expected, abs=0.1)


@pytest.mark.slow
def test_it_prints_cost_dependence_and_scores(prices, tmp_path, capsys):
    path = tmp_path / "prices.csv"
    prices.to_csv(path)
    arguments = ["--prices", str(path), "--assets", "10", "--test", "120", "--paths", "64"]
    arguments += ["--quick", "--store", str(tmp_path / "store"), "--json"]
    large.main(arguments)
    cost, together, scores = json.loads(capsys.readouterr().out)["tables"]
    assert "CPU-s a step" in cost["rows"][0]["figure"]
    assert len(together["rows"]) == 2
    assert all(row["fhs-gjr"] > "0" for row in scores["rows"])
