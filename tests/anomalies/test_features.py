import pandas as pd
import pytest
import torch

from fingan.anomalies.evidence import Evidence
from fingan.anomalies.features import FEATURES, drivers, window_features


def evidence(moves, stale=None):
    moves = torch.as_tensor(moves, dtype=torch.float64)
    n_days, n_assets = moves.shape
    return Evidence(
        assets=tuple("ABCDEFGH"[:n_assets]),
        dates=pd.bdate_range("2020-01-01", periods=n_days),
        moves=moves,
        alone=moves,
        joint=moves.square(),
        stale=torch.zeros(n_days, n_assets, dtype=torch.int64) if stale is None else stale,
        observed=torch.full((n_days,), float(n_assets), dtype=torch.float64),
    )


def test_features_of_a_window_are_what_they_are_said_to_be():
    stale = torch.tensor([[0, 1], [0, 2], [3, 0]])
    found = window_features(evidence([[1, 2], [-4, 0], [1, 1]], stale), torch.tensor([2]), 3)
    values = dict(zip(FEATURES, found[0].tolist(), strict=True))
    assert values["move alone"] == 4
    assert values["joint move"] == pytest.approx((5 + 16 + 2) / 6)
    assert values["volatility"] == 2
    assert values["correlation"] == pytest.approx(6 / 7)
    assert values["stale price"] == 3


def test_a_window_reads_its_own_rows_only():
    quiet = torch.zeros(10, 2, dtype=torch.float64)
    quiet[4] = 9
    found = window_features(evidence(quiet), torch.tensor([3, 4, 6, 7]), 3)
    assert found[:, 0].tolist() == [0, 9, 9, 0]


@pytest.mark.parametrize("feature", FEATURES)
def test_shares_of_a_feature_sum_to_one_and_name_the_guilty(feature):
    moves = torch.full((5, 3), 0.1, dtype=torch.float64)
    moves[2, 1] = 7
    stale = torch.zeros(5, 3, dtype=torch.int64)
    stale[2, 1] = 4
    shares = drivers(evidence(moves, stale), 4, 5, feature)
    assert float(shares.sum()) == pytest.approx(1)
    assert int(shares.sum(0).argmax()) == 1
    assert int(shares.sum(1).argmax()) == 2


def test_of_a_feature_that_is_nothing_every_day_has_the_same_share():
    shares = drivers(evidence(torch.ones(4, 2)), 3, 4, "stale price")
    assert shares.tolist() == [[1 / 8] * 2] * 4
