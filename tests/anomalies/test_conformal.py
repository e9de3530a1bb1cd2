import pytest
import torch

from fingan.anomalies.conformal import conformal_p_values, false_discovery_rates, uniformity


def test_a_p_value_counts_calibration_scores_at_least_as_high_and_the_window_itself():
    calibration = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    scores = torch.tensor([0.5, 3.0, 9.0], dtype=torch.float64)
    assert conformal_p_values(scores, calibration).tolist() == [1.0, 0.6, 0.2]


def test_p_values_of_ordinary_windows_are_uniform():
    random = torch.Generator().manual_seed(3)
    scores = torch.randn(4_000, generator=random, dtype=torch.float64)
    p_values = conformal_p_values(scores[:2_000], scores[2_000:])
    found = uniformity(p_values)
    assert found.lower < 0.1 < found.upper
    assert float(p_values.mean()) == pytest.approx(0.5, abs=0.03)


def test_false_discoveries_stay_below_the_rate_asked_for():
    random = torch.Generator().manual_seed(4)
    shares = []
    for _ in range(100):
        scores = torch.randn(700, generator=random, dtype=torch.float64)
        scores[:20] += 4
        flagged = false_discovery_rates(conformal_p_values(scores[:200], scores[200:])) <= 0.1
        shares.append(float(flagged[20:].sum()) / max(1, int(flagged.sum())))
    assert sum(shares) / len(shares) < 0.13


def test_a_span_that_has_changed_is_seen():
    assert uniformity(torch.full((200,), 0.05, dtype=torch.float64)).lower > 0.1
