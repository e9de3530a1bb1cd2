import math

import pytest
import torch

from fingan.risk import influences
from fingan.risk.contributions import contributions, incremental, standalone
from fingan.risk.estimates import estimated
from fingan.risk.measures import expected_shortfall

SHARES = torch.tensor([0.5, 0.4, -0.1, 0.2], dtype=torch.float64)
LEVEL = 0.95


def returns(n_paths, seed=0):
    """Normal, of unequal volatility and correlated; the last asset alone has a fat tail."""
    random = torch.Generator().manual_seed(seed)
    shocks = torch.randn(n_paths, 4, dtype=torch.float64, generator=random)
    shocks[:, 1:3] = 0.6 * shocks[:, :1] + 0.8 * shocks[:, 1:3]
    return shocks * torch.tensor([0.01, 0.02, 0.03, 0.01], dtype=torch.float64)


def of_each(found):
    return torch.tensor([one.estimate for one in found], dtype=torch.float64)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["equal", "weighted"])
def test_contributions_sum_to_the_measure(is_weighted):
    drawn = returns(3_000)
    weights = (drawn[:, 0] * 50).softmax(0) if is_weighted else None
    losses = -(drawn @ SHARES)
    found = contributions(drawn, SHARES, LEVEL, weights)
    for measure in ("value_at_risk", "expected_shortfall"):
        whole = getattr(influences, measure)(losses, LEVEL, weights).value
        assert float(of_each(getattr(found, measure)).sum()) == pytest.approx(float(whole))
    assert float(of_each(found.share).sum()) == pytest.approx(1)


def test_of_normal_returns_they_are_the_closed_forms():
    """Component of VaR and ES alike: weight times covariance with the portfolio, in deviations."""
    drawn = returns(400_000)
    load = torch.tensor([[1.0, 0, 0, 0], [0.6, 0.8, 0, 0], [0.6, 0, 0.8, 0], [0, 0, 0, 1.0]])
    scaled = load.double() * torch.tensor([0.01, 0.02, 0.03, 0.01]).double().unsqueeze(1)
    covariance = scaled @ scaled.T
    deviation = float((SHARES @ covariance @ SHARES).sqrt())
    part = SHARES * (covariance @ SHARES) / deviation
    quantile = float(torch.special.ndtri(torch.tensor(LEVEL, dtype=torch.float64)))
    multiple = math.exp(-(quantile**2) / 2) / math.sqrt(2 * math.pi) / (1 - LEVEL)
    found = contributions(drawn, SHARES, LEVEL)
    for ours, expected in (
        (found.value_at_risk, quantile * part),
        (found.expected_shortfall, multiple * part),
    ):
        for one, value in zip(ours, expected.tolist(), strict=True):
            assert one.estimate == pytest.approx(value, abs=4.5 * one.mc_se)
            assert one.mc_se < 0.0003


@pytest.mark.parametrize("n_members", [1, 3])
def test_their_errors_are_the_scatter_over_seeds(n_members):
    members = torch.arange(1_000) % 3 if n_members > 1 else None
    found = [
        contributions(returns(1_000, seed), SHARES, LEVEL, None, members) for seed in range(200)
    ]
    for kind in ("value_at_risk", "expected_shortfall", "share"):
        rows = [getattr(one, kind) for one in found]
        scatter = torch.stack([of_each(row) for row in rows]).std(0)
        promised = torch.tensor([[one.mc_se for one in row] for row in rows], dtype=torch.float64)
        ratio = promised.square().mean(0).sqrt() / scatter
        torch.testing.assert_close(ratio, torch.ones(4).double(), atol=0.2, rtol=0)


def test_the_sole_position_has_the_errors_of_the_portfolio():
    drawn, share = returns(2_000)[:, 3:], torch.ones(1, dtype=torch.float64)
    weights, members = (20 * drawn[:, 0]).softmax(0), torch.arange(2_000) % 4
    found = contributions(drawn, share, LEVEL, weights, members)
    for kind in ("value_at_risk", "expected_shortfall"):
        (part,) = getattr(found, kind)
        whole = estimated(
            influences.at_level(getattr(influences, kind), LEVEL), -drawn[:, 0], weights, members
        )
        assert part.estimate == pytest.approx(whole.estimate)
        assert part.mc_se == pytest.approx(whole.mc_se)
        assert part.model_se == pytest.approx(whole.model_se, abs=1e-9)
        assert part.ess == pytest.approx(whole.ess)


def test_a_position_without_which_less_is_lost_is_incremental_by_that_much():
    drawn = returns(2_000)
    losses = -(drawn @ SHARES)
    whole = expected_shortfall(losses, LEVEL)
    found = incremental(drawn, SHARES, LEVEL)
    for place, one in enumerate(found):
        without = expected_shortfall(losses + SHARES[place] * drawn[:, place], LEVEL)
        assert one.estimate == pytest.approx(float(whole - without))
    alone = standalone(drawn, SHARES, LEVEL)
    of_whole = estimated(influences.at_level(influences.expected_shortfall, LEVEL), losses)
    assert found[3].mc_se < 0.5 * of_whole.mc_se  # paired on the same paths
    assert alone.diversification_ratio.estimate == pytest.approx(
        float(of_each(alone.each).sum() / whole)
    )
    assert alone.diversification_ratio.estimate > 1


def test_positions_that_move_as_one_are_not_diversified():
    drawn = returns(500)[:, :1].expand(500, 2).contiguous()
    shares = torch.tensor([0.3, 0.7], dtype=torch.float64)
    found = standalone(drawn, shares, LEVEL).diversification_ratio
    assert found.estimate == pytest.approx(1)
    assert found.mc_se == pytest.approx(0, abs=1e-9)


def test_there_is_no_ratio_to_a_gain():
    drawn = returns(500).abs() + 1
    found = standalone(drawn, SHARES.abs(), LEVEL).diversification_ratio
    assert found.record()["estimate"] is None
    assert "gains even in its tail" in found.note


def test_paths_that_are_all_alike_have_contributions_without_error():
    drawn = torch.full((200, 4), -0.01, dtype=torch.float64)
    found = contributions(drawn, SHARES, LEVEL)
    for kind in ("value_at_risk", "expected_shortfall"):
        torch.testing.assert_close(of_each(getattr(found, kind)), 0.01 * SHARES)
        assert all(one.mc_se == pytest.approx(0, abs=1e-12) for one in getattr(found, kind))
