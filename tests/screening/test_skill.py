import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from fingan.screening.skill import (
    dates_needed,
    deflated_sharpe,
    information_ratio,
    lags_of,
    mean_over_dates,
    minimum_detectable_ic,
    rank_ic,
    top_minus_bottom,
)


def panel(n_dates, n_candidates, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(n_dates, n_candidates, generator=random, dtype=torch.float64)


def test_rank_ic_is_scipys_spearman_with_ties():
    scores, outcomes = panel(5, 12).round(), panel(5, 12, 1)
    expected = [
        spearmanr(x, y).statistic for x, y in zip(scores.numpy(), outcomes.numpy(), strict=True)
    ]
    assert rank_ic(scores, outcomes).numpy() == pytest.approx(np.array(expected))


def test_rank_ic_leaves_out_missing_candidates_and_says_nothing_of_equal_scores():
    scores, outcomes = panel(3, 6), panel(3, 6, 1)
    outcomes[0, 2] = math.nan
    scores[1] = 1.0
    outcomes[2, :4] = math.nan
    found = rank_ic(scores, outcomes)
    kept = [0, 1, 3, 4, 5]
    expected = spearmanr(scores[0, kept], outcomes[0, kept]).statistic
    assert float(found[0]) == pytest.approx(expected)
    assert found[1:].isnan().all()


def test_error_of_a_mean_is_statsmodels_newey_west_but_for_the_mean_taken_away():
    from statsmodels.api import OLS

    values, n_lags = panel(80, 1).squeeze(1), 5
    fitted = OLS(values.numpy(), np.ones(80)).fit(cov_type="HAC", cov_kwds={"maxlags": n_lags})
    b = (n_lags + 1) / 80
    expected = float(fitted.bse[0]) / math.sqrt(1 - b + b * b / 3)
    assert mean_over_dates(values, n_lags).se == pytest.approx(expected)


def test_zero_mean_is_rejected_as_frequently_as_the_level_says():
    samples = panel(400, 60, 3)
    rejected = sum(mean_over_dates(row, lags_of(1, 1, 60)).p < 0.05 for row in samples)
    assert 6 <= rejected <= 37  # 5 % of 400, four standard errors


def test_overlapping_outcomes_widen_the_interval():
    noise = panel(1, 242, 5).squeeze(0)
    overlapping = noise.unfold(0, 3, 1).sum(1)
    naive = float(overlapping.std()) / math.sqrt(len(overlapping))
    assert lags_of(3, 1, len(overlapping)) == 6
    assert mean_over_dates(overlapping, 6).se > 1.3 * naive


def test_few_dates_have_a_mean_and_a_reason_instead_of_an_error():
    found = mean_over_dates(torch.tensor([0.1, 0.3], dtype=torch.float64), 0)
    assert (found.estimate, found.se, found.p) == (pytest.approx(0.2), None, None)
    assert "too few" in found.record()["note"]
    assert mean_over_dates(torch.full((4,), math.nan), 0).estimate is None


def test_minimum_detectable_ic_is_two_and_three_errors():
    assert minimum_detectable_ic(0.02) == {"t2": pytest.approx(0.04), "t3": pytest.approx(0.06)}
    assert minimum_detectable_ic(None) == {"t2": None, "t3": None}


@pytest.mark.parametrize(
    ("n_assets", "t", "expected"), [(20, 2, 234), (20, 3, 527), (50, 2, 91), (500, 3, 21)]
)
def test_dates_needed_for_a_rank_ic_of_three_hundredths(n_assets, t, expected):
    assert abs(dates_needed(0.03, n_assets, t) - expected) <= 1


def test_information_ratio_is_mean_over_deviation():
    series = panel(24, 1).squeeze(1)
    assert information_ratio(series) == pytest.approx(float(series.mean() / series.std()))
    assert information_ratio(series[:5]) is None


def test_top_minus_bottom_earns_the_difference_and_pays_for_what_it_trades():
    scores = torch.tensor([[5.0, 4, 3, 2, 1], [1.0, 2, 3, 4, 5], [1.0, 2, 3, 4, 5]])
    outcomes = torch.tensor([[0.1, 0, 0, 0, -0.1], [0.1, 0, 0, 0, -0.1], [0.0, 0, 0, 0, 0.3]])
    found = top_minus_bottom(scores, outcomes)
    assert found.gross.tolist() == pytest.approx([0.2, -0.2, 0.3])
    assert found.turnover.tolist() == pytest.approx([2, 4, 0])
    assert found.net(100).tolist() == pytest.approx([0.18, -0.24, 0.3])
    assert found.break_even_bps() == pytest.approx(10_000 * 0.1 / 2)
    assert float(found.net(found.break_even_bps()).mean()) == pytest.approx(0, abs=1e-7)


def test_a_loss_has_no_break_even_cost():
    scores = panel(6, 5)
    assert top_minus_bottom(scores, -scores).break_even_bps() is None


def test_deflated_sharpe_falls_with_the_number_of_trials():
    returns = 0.3 + panel(60, 1, 2).squeeze(1)
    once, often = deflated_sharpe(returns, 1), deflated_sharpe(returns, 500)
    assert 0 <= often < once <= 1
    assert deflated_sharpe(returns[:6], 1) is None
