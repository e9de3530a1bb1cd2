import pandas as pd
import pytest
import torch

from fingan.anomalies.evidence import gather, unchanged_runs
from fingan.data.returns import log_returns
from fingan.pipeline import load_model


@pytest.fixture(scope="module")
def model(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store).model


def test_runs_of_an_unchanged_price_are_counted_and_a_gap_ends_them():
    nan = float("nan")
    returns = torch.tensor([[0.0, 0.1], [0.0, 0.0], [0.1, nan], [0.0, 0.0]])
    assert unchanged_runs(returns).tolist() == [[1, 0], [2, 1], [0, 0], [1, 1]]


def test_the_evidence_of_a_day_does_not_know_later_days(model, garch_prices):
    whole = gather(model, log_returns(garch_prices))
    part = gather(model, log_returns(garch_prices.iloc[:700]))
    torch.testing.assert_close(whole.alone[:699], part.alone)
    torch.testing.assert_close(whole.joint[:699], part.joint)


def test_parts_of_the_joint_distance_sum_to_a_positive_distance_near_its_expectation(
    model, garch_prices
):
    evidence = gather(model, log_returns(garch_prices))
    distances = evidence.joint.sum(1)
    assert bool((distances > 0).all())
    assert (distances / evidence.observed).mean() == pytest.approx(1, abs=0.25)


def test_a_move_that_no_other_asset_explains_stands_out_alone(model, garch_prices):
    changed = garch_prices.copy()
    changed.iloc[600:, 2] *= 1.15
    changed.attrs = dict(garch_prices.attrs)
    evidence = gather(model, log_returns(changed))
    row = 599  # of returns
    assert int(evidence.alone[row].abs().argmax()) == 2
    assert float(evidence.alone[row, 2]) > 5
    assert evidence.dates[row] == garch_prices.index[600]


def test_an_asset_that_was_not_observed_says_nothing(model, garch_prices):
    changed = garch_prices.copy()
    changed.iloc[600:603, 1] = float("nan")
    changed.attrs = dict(garch_prices.attrs)
    evidence = gather(model, log_returns(changed))
    assert bool((evidence.moves[599:602, 1] == 0).all())
    assert evidence.observed[599:602].tolist() == [3, 3, 3]
    assert bool(torch.isfinite(evidence.alone).all())
    assert isinstance(evidence.dates, pd.DatetimeIndex)
