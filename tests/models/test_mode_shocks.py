import pytest
import torch

from fingan.models.generators import ShockRoute
from fingan.models.market_filter import MarketFilter

RANDOM = torch.Generator().manual_seed(4)
CRASHES = torch.where(torch.rand(4000, 1, generator=RANDOM) < 0.04, -2.5, 0.1).double()
COMMON = (torch.randn(4000, 1, generator=RANDOM, dtype=torch.float64) + CRASHES) / 1.12
RETURNS = 0.7 * COMMON + 0.7 * torch.randn(4000, 6, generator=RANDOM, dtype=torch.float64)
LAW = MarketFilter.fit(RETURNS)


def drawn(law: MarketFilter) -> torch.Tensor:
    noise = torch.randn(40, 5000, law.n_assets, generator=RANDOM)
    innovations, _ = ShockRoute(law)(noise, torch.ones(5000, len(law.modes.alpha)))
    return innovations.flatten(0, 1).double()


def skewness(values: torch.Tensor) -> float:
    return float(((values - values.mean()) / values.std()).pow(3).mean())


def test_a_market_that_falls_harder_than_it_rises_is_drawn_so():
    market = RETURNS / LAW.today(RETURNS).variance[:-1].sqrt()
    portfolio, synthetic = market.mean(1), drawn(LAW).mean(1)
    assert skewness(portfolio) < -0.25
    assert skewness(synthetic) == pytest.approx(skewness(portfolio), abs=0.15)
    for level in (0.01, 0.99):
        ours, theirs = synthetic.quantile(level), portfolio.quantile(level)
        assert ours / theirs == pytest.approx(1, abs=0.1)


def test_margins_stay_those_of_the_assets():
    market = RETURNS / LAW.today(RETURNS).variance[:-1].sqrt()
    levels = torch.tensor([0.02, 0.1, 0.5, 0.9, 0.98], dtype=torch.float64)
    synthetic = drawn(LAW)
    for ours, theirs in zip(synthetic.T, market.T, strict=True):
        torch.testing.assert_close(ours.quantile(levels), theirs.quantile(levels), rtol=0, atol=0.1)


def test_a_mode_that_turns_its_sign_keeps_its_law():
    turned = LAW.modes.root.clone()
    turned[:, 0] *= -1
    other = MarketFilter.of({**LAW.tensors(), "modes.root": turned})
    aligned = LAW.aligned(other)
    assert torch.equal(aligned.modes.root[:, 0], turned[:, 0])
    assert skewness(drawn(aligned).mean(1)) == pytest.approx(skewness(drawn(LAW).mean(1)), abs=0.1)


def test_normal_modes_stay_nearly_normal():
    returns = torch.randn(4000, 4, generator=RANDOM, dtype=torch.float64)
    law = MarketFilter.fit(returns)
    grid = torch.linspace(-2, 2, 41)
    curves = law.shocks.table(grid.unsqueeze(1).expand(-1, len(law.modes.alpha)))
    assert (curves - grid.unsqueeze(1)).abs().max() < 0.15
