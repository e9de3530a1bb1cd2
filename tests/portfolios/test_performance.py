"""Figures of strategies: intervals cover, pairs are paired."""

import pytest
import torch

from fingan.portfolios.performance import Track, bootstrap_rows, performances


def _market(seed: int, n_days: int = 500) -> torch.Tensor:
    return 0.01 * torch.randn(n_days, generator=torch.Generator().manual_seed(seed)).double()


def test_figures_are_those_of_the_formulas() -> None:
    returns = _market(1) + 0.001
    (found,) = performances({"1/N": Track(returns, 6.0, 0.006)}, "1/N", 0.95, n_samples=100)
    assert found.figures["return_per_year"].estimate == pytest.approx(252 * float(returns.mean()))
    ratio = float(returns.mean() / returns.std()) * 252**0.5
    assert found.figures["sharpe"].estimate == pytest.approx(ratio)
    worst = -returns.sort().values[:25].mean()
    assert found.figures["expected_shortfall"].estimate == pytest.approx(float(worst))
    assert found.turnover_per_year == pytest.approx(6 * 252 / 500)
    assert found.differences == {}


def test_a_sure_advantage_is_found_though_each_interval_is_wide() -> None:
    market = _market(2)
    tracks = {"better": Track(market + 0.0005, 0.0, 0.0), "1/N": Track(market, 0.0, 0.0)}
    better, base = performances(tracks, "1/N", 0.95, n_samples=300)
    assert better.verdicts["return_per_year"] == "better"
    assert better.verdicts["expected_shortfall"] == "better"
    assert base.figures["return_per_year"].upper > better.figures["return_per_year"].lower


def test_chance_alone_is_mostly_undecided() -> None:
    verdicts = []
    for seed in range(20):
        tracks = {"one": Track(_market(seed), 0, 0), "1/N": Track(_market(seed + 99), 0, 0)}
        verdicts.append(performances(tracks, "1/N", 0.95, n_samples=200)[0].verdicts["sharpe"])
    assert verdicts.count("undecided") >= 16


def test_days_are_resampled_in_blocks_and_the_same_seed_gives_the_same() -> None:
    calm = torch.arange(400) // 50 % 2
    returns = (_market(3, 400) * (1 + 4 * calm)).unsqueeze(1)
    rows = bootstrap_rows(returns, 20, seed=1)
    assert torch.equal(rows, bootstrap_rows(returns, 20, seed=1))
    assert rows.shape == (20, 400)
    follows = (rows[:, 1:] - rows[:, :-1]) % 400 == 1
    assert float(follows.double().mean()) > 0.5
