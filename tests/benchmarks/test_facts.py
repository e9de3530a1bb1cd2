import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from benchmarks import facts
from benchmarks.facts_bands import FACTS, Resample
from fingan.metrics.stylised_facts import autocorrelation, leverage_effect
from fingan.metrics.tails import hill_index

CLUSTERING, LEVERAGE, TAIL = FACTS


@pytest.fixture(scope="module")
def paths() -> Tensor:
    """GARCH with leverage: after a fall the variance rises five times as much."""
    random = torch.Generator().manual_seed(4)
    shocks = torch.randn(60, 2_300, generator=random).double()
    variance, values = torch.ones(60).double(), []
    for shock in shocks.T:
        values.append(variance.sqrt() * shock)
        kick = torch.where(values[-1] < 0, 0.15, 0.03)
        variance = 0.05 + kick * values[-1].square() + 0.86 * variance
    return torch.stack(values[300:], dim=1)


def test_estimates_are_those_of_the_usual_estimators_but_for_the_ends(paths: Tensor) -> None:
    usual = autocorrelation(paths.abs(), 40)
    torch.testing.assert_close(CLUSTERING.estimate(paths), usual, atol=0.06, rtol=0)
    usual = leverage_effect(paths, 10)
    torch.testing.assert_close(LEVERAGE.estimate(paths), usual, atol=0.06, rtol=0)
    assert float(TAIL.estimate(paths)[3]) == pytest.approx(hill_index(-paths[3]).estimate)


def test_resampling_pairs_of_days_leaves_autocorrelations_where_they_are(paths: Tensor) -> None:
    resample = Resample(mean_block=40, n_replications=300, seed=1)
    for fact in (CLUSTERING, LEVERAGE):
        drawn = fact.resampled(paths[0], resample)
        assert drawn.shape == (300, fact.n_lags)
        value, error = fact.estimate(paths[0]), drawn.std(0)
        assert bool(((drawn.mean(0) - value).abs() < 0.5 * error).all()), fact.title


def test_the_band_holds_the_process_and_not_another(paths: Tensor) -> None:
    resample = Resample(mean_block=40, n_replications=199, seed=1)
    random = torch.Generator().manual_seed(5)
    noise = torch.rand(60, 2_000, generator=random).double() - 0.5
    for fact in FACTS:
        truth, other = fact.estimate(paths).mean(0), fact.estimate(noise).mean(0)
        bands = [fact.band(path, resample) for path in paths[:12]]
        n_held = sum(bool((band.distances(truth) <= 1).all()) for band in bands)
        n_wrong = sum(bool((band.distances(other) <= 1).all()) for band in bands)
        assert n_held >= 7, fact.title
        assert n_wrong <= n_held // 2, fact.title


def test_a_value_that_does_not_exist_lies_outside(paths: Tensor) -> None:
    band = TAIL.band(paths[0], Resample(20, 50, 0))
    assert float(band.distances(torch.tensor([float("nan")]).double())) == float("inf")


def test_the_model_stands_beside_baselines_and_a_perfect_one(
    garch_prices: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "prices.csv"
    garch_prices.to_csv(path)
    arguments = [
        "--prices",
        str(path),
        "--store",
        str(tmp_path / "store"),
        "--seeds",
        "0",
        "--members",
        "1",
    ]
    arguments += ["--until", "2015-12-31", "--from", "2016-01-01", "--to", "2017-12-29"]
    arguments += ["--steps", "1", "--set", "batch_size=4", "--set", "window=32"]
    arguments += ["--set", "selection.n_paths=16", "--paths", "8", "--replications", "20"]
    arguments += ["--repetitions", "2", "--baselines", "historical", "--json"]
    facts.main(arguments)
    goals, beside = (t["rows"] for t in json.loads(capsys.readouterr().out)["tables"])
    assert len(goals) == len(FACTS)
    assert all("(a perfect model: " in row["goal"] for row in goals)
    rows = {row["what"]: row for row in beside}
    inside = rows["ACF of |r|: assets inside"]
    assert inside["historical"] in {"0%", "25%", "50%", "75%", "100%"}
    assert 1 < float(rows["tail index, mean of assets"]["market"]) < 10
    with pytest.raises(SystemExit, match="--from and --to must hold 500 days"):
        facts.main([*arguments, "--from", "2017-01-02"])
