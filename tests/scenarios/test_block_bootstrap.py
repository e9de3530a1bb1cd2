import math

import numpy as np
import pytest
import torch
from arch.bootstrap import optimal_block_length

from fingan.data.returns import log_returns
from fingan.scenarios.baselines import baseline
from fingan.scenarios.block_bootstrap import StationaryBootstrap, optimal_mean_block
from fingan.scenarios.samplers import ScenarioRequest

N_ROWS, HORIZON = 97, 60


def numbered(mean_block):
    """Days that carry their own number."""
    return StationaryBootstrap(torch.arange(N_ROWS).float().unsqueeze(1), mean_block)


def drawn_days(mean_block, seed=5, n_blocks=4):
    law = numbered(mean_block)
    return law.rows(ScenarioRequest(HORIZON, 1, seed), 0, n_blocks)


@pytest.mark.parametrize("mean_block", [1.0, 2.5, 10.0, 80.0])
def test_blocks_have_the_mean_length_asked_for(mean_block):
    rows = drawn_days(mean_block, n_blocks=10)
    follows = (rows[1:] == (rows[:-1] + 1) % N_ROWS).double()
    jump = 1 / mean_block
    expected = 1 - jump + jump / N_ROWS  # a jump may land on the next day
    error = math.sqrt(expected * (1 - expected) / follows.numel())
    assert float(follows.mean()) == pytest.approx(expected, abs=4 * error + 1e-9)


def test_lengths_are_geometric():
    rows = drawn_days(4.0, n_blocks=10).numpy()
    follows = rows[1:] == (rows[:-1] + 1) % N_ROWS
    kept = 1 - 0.25 + 0.25 / N_ROWS
    for length in (2, 5, 9):
        runs = np.lib.stride_tricks.sliding_window_view(follows, length, axis=0).all(-1)
        assert runs.mean() == pytest.approx(kept**length, abs=0.01)


def test_every_day_is_as_likely_at_every_step():
    rows = drawn_days(7.0, n_blocks=40)
    n_paths = rows.shape[1]
    for step in (0, 1, HORIZON - 1):
        counts = torch.bincount(rows[step], minlength=N_ROWS).double()
        chi_square = ((counts - n_paths / N_ROWS).square() / (n_paths / N_ROWS)).sum()
        assert abs(float(chi_square) - (N_ROWS - 1)) < 4 * math.sqrt(2 * (N_ROWS - 1))


def test_the_autocovariance_of_paths_is_that_of_the_series_thinned_geometrically():
    """Politis & Romano (1994): (1 - p)^k times the circular autocovariance at lag k."""
    random = np.random.default_rng(2)
    series = np.convolve(random.standard_normal(400), np.ones(8) / math.sqrt(8), "valid")
    centred = series - series.mean()
    law = StationaryBootstrap(torch.tensor(series).float().unsqueeze(1), 6.0)
    rows = law.rows(ScenarioRequest(20, 1, 3), 0, 40)
    paths = torch.from_numpy(centred)[rows]
    for lag in (0, 1, 3, 6):
        found = (paths[lag:] * paths[: len(paths) - lag]).mean()
        circular = (centred * np.roll(centred, -lag)).mean()
        assert float(found) == pytest.approx((5 / 6) ** lag * circular, abs=0.02)


def test_all_assets_of_a_day_are_drawn_together(garch_prices):
    sampler = baseline("block-bootstrap", garch_prices)
    request = ScenarioRequest(5, 1, 8)
    drawn = sampler.continuations(log_returns(garch_prices))(0, request)(1)
    rows = sampler.law.rows(request, 1, 1)
    assert torch.equal(drawn, sampler.law.returns[rows].transpose(0, 1))


def test_the_length_is_the_median_of_what_archs_rule_gives_absolute_returns(garch_prices):
    days = log_returns(garch_prices).values
    deviations = (days - days.mean(0)).abs().numpy()
    expected = [optimal_block_length(column)["stationary"].iloc[0] for column in deviations.T]
    assert optimal_mean_block(days) == pytest.approx(np.median(expected))


def test_clustered_volatility_asks_for_long_blocks_and_shuffled_days_for_short_ones(garch_prices):
    days = log_returns(garch_prices).values
    shuffled = days[torch.randperm(len(days), generator=torch.Generator().manual_seed(1))]
    assert optimal_mean_block(days) > 8
    assert 1 <= optimal_mean_block(shuffled) < 4
