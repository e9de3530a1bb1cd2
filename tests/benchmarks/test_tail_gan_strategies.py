import pytest
import torch

from benchmarks.tail_gan_strategies import (
    GROUPS,
    Strategies,
    crosses_zero,
    falls_through,
    held_since,
    moving_average,
    reversion_positions,
    reversion_signal,
    rises_through,
    static_portfolios,
    trend_positions,
    trend_signal,
)

BOUNDS = torch.tensor([[-1.0], [1.0]])


def one_path(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, -1, 1)


def test_a_level_is_reached_from_its_own_side_only() -> None:
    signal, level = one_path(0.0, 1.0, 2.0, 1.0, 0.5, 1.5), torch.tensor([1.0])
    assert rises_through(signal, level).flatten().tolist() == [0, 1, 0, 0, 0, 1]
    assert falls_through(signal, level).flatten().tolist() == [0, 0, 0, 1, 0, 0]


def test_zero_is_crossed_from_both_sides_and_not_left() -> None:
    signal = one_path(0.0, 1.0, -1.0, -0.5, 0.0, 0.5)
    assert crosses_zero(signal).flatten().tolist() == [0, 0, 1, 0, 1, 0]


def test_a_position_is_held_from_entry_to_exit_and_an_entry_outdoes_an_exit() -> None:
    entries = one_path(0, 1, 0, 0, 1, 0).bool()
    exits = one_path(1, 0, 0, 1, 1, 0).bool()
    assert held_since(entries, exits).flatten().tolist() == [0, 1, 1, 0, 1, 1]


def test_mean_reversion_sells_high_buys_low_and_leaves_at_zero() -> None:
    signal = one_path(0.0, 0.5, 1.2, 0.4, -0.1, -1.5, -0.5, 0.1)
    positions = reversion_positions(signal, BOUNDS)
    assert positions.flatten().tolist() == [0, 0, -1, -1, 0, 1, 1, 0]


def test_trend_following_takes_the_other_side_of_mean_reversion() -> None:
    signal = torch.randn(50, 40, 1, generator=torch.Generator().manual_seed(1)).cumsum(1)
    reverting, following = reversion_positions(signal, BOUNDS), trend_positions(signal, BOUNDS)
    assert torch.equal(reverting, -following)
    assert reverting.abs().sum() > 0


def test_a_moving_average_is_the_price_until_there_are_enough() -> None:
    prices = one_path(1.0, 2.0, 4.0, 8.0)
    expected = torch.tensor([1.0, 2.0, 7 / 3, 14 / 3])
    torch.testing.assert_close(moving_average(prices, 3)[0, :, 0], expected)


def test_signals_of_a_steady_rise_are_known() -> None:
    prices = 0.01 * torch.arange(31.0, dtype=torch.float64).view(1, -1, 1)
    torch.testing.assert_close(reversion_signal(prices)[0, :, 0], torch.arange(31.0).double() - 5)
    assert torch.equal(trend_signal(prices)[0, :9], torch.zeros(9, 1, dtype=torch.float64))
    assert abs(float(trend_signal(prices)[0, 30, 0]) - 5) < 1e-9  # half of the window's difference


def test_signals_know_no_later_price_but_for_the_first_eleven() -> None:
    prices = torch.randn(4, 50, 2, generator=torch.Generator().manual_seed(2)).cumsum(1)
    changed = prices.clone()
    changed[:, 30:] += 1
    for signal in (reversion_signal, trend_signal):
        torch.testing.assert_close(signal(prices)[:, :30], signal(changed)[:, :30])
        assert not torch.equal(signal(prices)[:, 30:], signal(changed)[:, 30:])


def test_static_portfolios_hold_two_assets_or_more_and_sizes_add_up_to_one() -> None:
    weights = static_portfolios(5, seed=1, n_portfolios=300)
    torch.testing.assert_close(weights.abs().sum(0), torch.ones(300, dtype=torch.float64))
    held = (weights != 0).sum(0)
    assert held.min() >= 2
    assert 4.2 < held.double().mean() < 4.8  # nine in ten
    assert (weights < 0).any()
    with pytest.raises(ValueError, match="n_assets must be at least 2, got 1"):
        static_portfolios(1, seed=1)


def test_profits_are_those_of_the_named_strategies() -> None:
    increments = 0.01 * torch.randn(200, 100, 2, generator=torch.Generator().manual_seed(3))
    strategies = Strategies.learnt(increments, seed=1)
    profits, groups = strategies.profits(increments), strategies.groups
    assert profits.shape == (200, 2 + 50 + 2 + 2)
    assert tuple(groups) == GROUPS
    held = 10 * increments.sum(1)
    torch.testing.assert_close(profits[:, groups["buy and hold"]], held)
    portfolios = profits[:, groups["static portfolios"]]
    torch.testing.assert_close(portfolios, held @ strategies.weights.float())
    assert portfolios.abs().mean() < held.abs().mean()


def test_mean_reversion_earns_on_a_market_that_reverts_and_trend_following_loses() -> None:
    noise = 0.01 * torch.randn(300, 101, 2, generator=torch.Generator().manual_seed(4))
    increments = noise.diff(dim=1)  # prices that return to where they were
    strategies = Strategies.learnt(increments, seed=1)
    profits, groups = strategies.profits(increments), strategies.groups
    assert profits[:, groups["mean reversion"]].mean() > 0
    assert profits[:, groups["trend following"]].mean() < 0
    assert (strategies.reversion[0] < strategies.reversion[1]).all()


def test_thresholds_are_percentiles_of_the_signal() -> None:
    increments = torch.randn(20, 100, 3, generator=torch.Generator().manual_seed(5))
    strategies = Strategies.learnt(increments, seed=1)
    prices = torch.nn.functional.pad(increments.cumsum(1), (0, 0, 1, 0))
    signal = reversion_signal(prices).flatten(0, 1)
    expected = signal.quantile(torch.tensor([0.31, 0.69]), dim=0)
    torch.testing.assert_close(strategies.reversion, expected, rtol=1e-4, atol=1e-4)
