import pytest
import torch

from fingan.augmentation.tasks import AHEAD, MONTH, losses, samples_of


@pytest.fixture
def panels():
    random = torch.Generator().manual_seed(0)
    calm = torch.randn(40, 120, 3, generator=random, dtype=torch.float64)
    level = torch.randn(40, 1, 3, generator=random, dtype=torch.float64).exp()
    return calm * level  # volatility differs from series to series and stays


def test_outcomes_do_not_overlap_and_lie_after_their_features():
    steps = torch.arange(1.0, 43.0, dtype=torch.float64).reshape(1, 42, 1)
    found = samples_of(steps)
    assert found.moments.tolist() == [0, 1, 2, 3]
    day = found.features[:, 0].exp()
    last_known = MONTH + AHEAD * found.moments.double()
    torch.testing.assert_close(day, last_known)
    after = torch.tensor([23.0, 24, 25, 26, 27], dtype=torch.float64)
    assert float(found.future_volatility[0]) == pytest.approx(
        float(after.square().mean().sqrt().log())
    )


def test_a_sample_with_a_gap_is_left_out(panels):
    holed = panels.clone()
    holed[0, 30, 1] = float("nan")
    whole, part = samples_of(panels), samples_of(holed)
    assert 0 < len(whole.moments) - len(part.moments) <= 2 + MONTH // AHEAD
    assert bool(part.features.isfinite().all())


@pytest.mark.parametrize("learner", ["linear", "trees"])
def test_a_forecast_of_volatility_beats_its_mean(panels, learner):
    train, test = samples_of(panels[:30]), samples_of(panels[30:])
    found = losses("volatility", learner, train, test, 0).mean()
    truth = test.future_volatility
    assert float(found) < 0.5 * float((truth - train.future_volatility.mean()).square().mean())


def test_a_forecast_of_a_coin_is_no_better_than_ln_two(panels):
    train, test = samples_of(panels[:30]), samples_of(panels[30:])
    found = losses("direction", "linear", train, test, 0).mean()
    assert float(found) == pytest.approx(0.6931, abs=0.02)
