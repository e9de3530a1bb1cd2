import math

import pytest
import torch

from fingan.metrics.discriminative import (
    blocked_split,
    discriminative_null,
    discriminative_score,
)


def windows(n, n_assets=2, scale=1.0, seed=0, window=12):
    random = torch.Generator().manual_seed(seed)
    return scale * torch.randn(n, window, n_assets, generator=random, dtype=torch.float64)


def clustered(n_days, seed=0, shuffled=False):
    """Windows of one long path whose volatility comes in spells of 40 days."""
    random = torch.Generator().manual_seed(seed)
    spells = torch.randint(2, (n_days // 40, 1), generator=random).double() * 2 + 0.5
    returns = spells.expand(-1, 40).flatten()
    returns = returns * torch.randn(len(returns), generator=random, dtype=torch.float64)
    if shuffled:
        returns = returns[torch.randperm(len(returns), generator=random)]
    return returns.unfold(0, 12, 1).unsqueeze(-1)


@pytest.mark.parametrize("classifier", ["gru", "boosting"])
def test_a_wrong_drift_is_found_and_the_same_law_is_not(classifier):
    options = {"classifier": classifier, "n_seeds": 1, "iterations": 120}
    same = discriminative_score(windows(500), windows(900, seed=1), **options)
    shifted = discriminative_score(windows(500), windows(500, seed=1) + 3, **options)
    assert same.estimate < 4 * same.chance
    assert same.n_test == 196
    assert shifted.estimate > 0.3
    assert len(shifted.accuracies) == 1


def test_the_stronger_classifier_finds_lost_clustering_that_the_network_does_not():
    real, shuffled = clustered(4000), clustered(4000, shuffled=True)
    weak = discriminative_score(real, shuffled, n_seeds=2, iterations=40)
    strong = discriminative_score(real, shuffled, classifier="boosting", n_seeds=1)
    assert strong.estimate > 0.2
    assert strong.estimate > weak.estimate + 0.1


def test_the_null_of_a_market_that_changed_is_not_chance():
    calm, wild = windows(600), windows(600, scale=2, seed=1)
    steady, changed = (
        discriminative_null(torch.cat([calm, later]), classifier="boosting", n_seeds=1)
        for later in (windows(600, seed=2), wild)
    )
    assert steady.estimate < 0.1
    assert changed.estimate > 0.3


def test_the_estimate_is_the_mean_distance_from_a_half():
    score = discriminative_score(windows(300), windows(300, seed=1), n_seeds=3, iterations=5)
    expected = sum(abs(accuracy - 0.5) for accuracy in score.accuracies) / 3
    assert score.estimate == pytest.approx(expected)
    assert score.chance == pytest.approx(math.sqrt(2 / math.pi) / 2 / math.sqrt(score.n_test))


@pytest.mark.parametrize("classifier", ["gru", "boosting"])
def test_the_same_seed_gives_the_same_score(classifier):
    real, synthetic = windows(150), windows(300, seed=1) + 0.5
    first, again, other = (
        discriminative_score(
            real, synthetic, classifier=classifier, n_seeds=2, iterations=10, seed=seed
        )
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first.accuracies != other.accuracies


def test_no_day_stands_on_both_sides_of_the_cut():
    days = torch.arange(200.0, dtype=torch.float64).unfold(0, 12, 1).unsqueeze(-1)
    earlier, later = blocked_split(days, 0.8)
    assert earlier.max() < later.min()
    assert len(earlier) / (len(earlier) + len(later)) == pytest.approx(0.8, abs=0.01)
    assert later.max() == 199


def test_too_few_windows_are_refused():
    with pytest.raises(ValueError, match="40 windows of 12 days must leave at least 10"):
        discriminative_score(windows(300), windows(40))
    with pytest.raises(ValueError, match="must leave at least 10 on each side"):
        discriminative_null(windows(10))
