import pytest
import torch

from fingan.models.generators import FilteredGenerator, GeneratorConfig, ShockRoute
from fingan.models.market_filter import MarketFilter
from fingan.models.states import N_FEATURES

RANDOM = torch.Generator().manual_seed(11)
COMMON = torch.randn(1500, 1, generator=RANDOM, dtype=torch.float64)
RETURNS = 0.6 * COMMON + 0.8 * torch.randn(1500, 5, generator=RANDOM, dtype=torch.float64)
RETURNS[700:800] *= 3
LAW = MarketFilter.fit(RETURNS)


def test_every_row_of_a_history_has_its_today():
    today = LAW.today(RETURNS)
    assert {len(tensor) for tensor in today} == {1501}
    assert all(tensor.isfinite().all() for tensor in today)
    assert today.variance[790].mean() > 2 * today.variance[690].mean()


def test_today_knows_the_rows_before_it_alone():
    changed = RETURNS.clone()
    changed[1000:] *= -2
    for ours, theirs in zip(LAW.today(changed), LAW.today(RETURNS), strict=True):
        assert torch.equal(ours[:1001], theirs[:1001])


def test_the_tensors_make_the_same_filter():
    again = MarketFilter.of(LAW.tensors())
    for ours, theirs in zip(again.today(RETURNS), LAW.today(RETURNS), strict=True):
        assert torch.equal(ours, theirs)
    assert again.n_assets == 5


def test_filtering_what_a_silent_generator_simulates_gives_its_own_states_back():
    """The simulation and the filter run the same recursions."""
    generator = FilteredGenerator(GeneratorConfig(), LAW, N_FEATURES).requires_grad_(False)
    noise = torch.randn(400, 1, generator.n_noise, generator=RANDOM)
    history = LAW.today(RETURNS)
    returns, after, _ = generator(noise, history.row(-1).to(torch.device("cpu")))
    onwards = LAW.today(torch.cat([RETURNS, returns[:, 0].double()])).row(-1)
    for name in ("variance", "slow", "leverage"):
        ours, theirs = getattr(after, name)[0].double(), getattr(onwards, name)[0]
        torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=2e-3)
    # a mode's own shock shows up to what the other modes and D leave of it
    torch.testing.assert_close(after.modes[0].double(), onwards.modes[0], rtol=0.5, atol=0.3)


def test_gaps_leave_today_finite():
    gappy = RETURNS.clone()
    gappy[:300, 0] = torch.nan
    gappy[500] = torch.nan
    gappy[-50:, 1] = torch.nan
    law = MarketFilter.fit(gappy)
    assert all(tensor.isfinite().all() for tensor in law.today(gappy))


@pytest.mark.parametrize("still", [0.8, 0.9, 0.97])
def test_an_asset_that_mostly_stands_still_does_the_others_no_harm(still):
    """A peg, a policy rate: its innovations are mostly one value."""
    returns = torch.randn(1500, 3, generator=RANDOM, dtype=torch.float64)
    returns[torch.rand(1500, generator=RANDOM) < still, 0] = 0.0
    returns = returns / returns.std(0)
    law = MarketFilter.fit(returns)
    modes = law.today(returns).modes
    assert modes.mean() < 1.5
    assert modes.quantile(0.9) < 2
    assert law.correlation.sub(torch.eye(3)).abs().max() < 0.1
    noise = torch.randn(50, 4000, 3, generator=RANDOM)
    drawn, _ = ShockRoute(law)(noise, torch.ones(4000, modes.shape[1]))
    drawn = drawn.flatten(0, 1)
    innovations = returns / law.today(returns).variance[:-1].sqrt()
    assert (drawn.std(0) / innovations.std(0) < 1.5).all()
    at_rest = (drawn[:, 0] - drawn[:, 0].median()).abs() < 0.01
    assert float(at_rest.double().mean()) == pytest.approx(still, abs=0.05)
