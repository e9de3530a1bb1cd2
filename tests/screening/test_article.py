import pytest
import torch

from fingan.screening.article import article_rule

SPREAD, N_STEPS = 0.01, 60


def drawn(n_paths=20_000, drift=0.0):
    random = torch.Generator().manual_seed(0)
    return drift + SPREAD * torch.randn(n_paths, 2 * N_STEPS, 1, generator=random)


def test_the_article_selects_noise_of_a_market_without_drift():
    """The best twentieth of series of 60 days at 1 % a day has +0.27 % a day by construction."""
    threshold = 1.6449 * SPREAD / N_STEPS**0.5
    found = article_rule(drawn(), threshold)
    assert found.share.estimate == pytest.approx(0.05, abs=0.006)
    assert found.mean_of_selected.estimate == pytest.approx(0.00266, abs=5e-5)
    after = found.mean_after
    assert abs(after.estimate) < 4 * after.mc_se
    assert after.mc_se < 1e-4


def test_what_follows_has_the_drift_that_all_have():
    found = article_rule(drawn(drift=0.001), 0.003)
    assert found.mean_after.estimate == pytest.approx(0.001, abs=4 * found.mean_after.mc_se)
    assert found.mean_of_all.estimate == pytest.approx(0.001, abs=4 * found.mean_of_all.mc_se)
    assert found.mean_of_selected.estimate > 0.003


def test_a_threshold_that_nothing_reaches_has_no_mean():
    record = article_rule(drawn(200), 1.0).record()
    assert record["share"]["estimate"] == 0
    assert record["mean_after"]["estimate"] is None
    assert record["mean_after"]["note"]


def test_halves_must_be_equal():
    with pytest.raises(ValueError, match="two equal halves, got 5 steps"):
        article_rule(torch.zeros(10, 5, 1), 0.0)
