import pandas as pd
import pytest
import torch

from fingan.volatility.time_of_day import TimeOfDay, fit_time_of_day

SMILE = torch.tensor([2.0, 1.2, 0.8, 0.6, 0.6, 0.9, 1.3], dtype=torch.float64)


def sessions(n_days, zone="UTC", start="2020-01-06"):
    """Seven hourly bars a day from half past nine on the clock of a place, in UTC."""
    days = pd.bdate_range(start, periods=n_days)
    times = [day + pd.Timedelta(hours=9.5 + bar) for day in days for bar in range(7)]
    return pd.DatetimeIndex(times).tz_localize(zone).tz_convert("UTC").tz_localize(None)


def drawn(dates, n_assets=3, seed=0, factors=SMILE):
    """Normal returns with a pattern over the day."""
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(dates), n_assets, generator=random, dtype=torch.float64)
    return noise * factors.repeat(len(dates) // len(factors)).unsqueeze(1)


def relative(factors):
    return factors / factors.square().mean(0).sqrt()


def test_a_planted_pattern_is_found_and_has_the_mean_square_one():
    dates = sessions(600)
    fitted = fit_time_of_day(drawn(dates), dates)
    expected = relative(SMILE).unsqueeze(1).expand(-1, 3)
    torch.testing.assert_close(fitted.factors, expected, rtol=0.06, atol=0)
    torch.testing.assert_close(fitted.of(dates).square().mean(0), torch.ones(3).double())


def test_summer_time_moves_the_sessions_in_utc_and_no_factor():
    local, moved = sessions(600), sessions(600, "America/New_York")
    assert moved.hour.nunique() == 8
    returns = drawn(local)
    torch.testing.assert_close(
        fit_time_of_day(returns, moved).factors, fit_time_of_day(returns, local).factors
    )


def test_around_the_clock_a_slot_is_a_time_of_the_clock_whatever_row_a_history_begins_with():
    dates = pd.date_range("2020-01-01", periods=24 * 120, freq="h")
    pattern = 1 + 0.5 * torch.sin(torch.arange(24, dtype=torch.float64) / 24 * 6.28)
    fitted = fit_time_of_day(drawn(dates, factors=pattern), dates)
    torch.testing.assert_close(fitted.factors[:, 0], relative(pattern), rtol=0.1, atol=0)
    assert torch.equal(fitted.of(dates[7:50]), fitted.of(dates)[7:50])


def test_a_calm_and_a_wild_year_weigh_alike():
    dates = sessions(500)
    returns = drawn(dates)
    wild = returns.clone()
    wild[: len(dates) // 2] *= 10
    torch.testing.assert_close(
        fit_time_of_day(wild, dates).factors,
        fit_time_of_day(returns, dates).factors,
        rtol=0.05,
        atol=0,
    )


def test_noise_alone_gives_a_flat_day():
    dates = pd.date_range("2020-01-01", periods=288 * 20, freq="5min")
    flat = torch.ones(288, dtype=torch.float64)
    returns = drawn(dates, factors=flat)
    raw = returns.square().unflatten(0, (20, 288)).mean(0).sqrt()
    fitted = fit_time_of_day(returns, dates).factors
    assert (fitted - 1).square().mean() < 0.1 * (raw - 1).square().mean()


def test_assets_that_differ_by_noise_share_a_pattern_and_one_that_differs_keeps_its_own():
    dates = sessions(400)
    returns = drawn(dates, n_assets=6)
    alike = fit_time_of_day(returns, dates).factors
    assert alike.std(1).max() < 0.03
    returns[:, 5] = drawn(dates, 1, seed=1, factors=SMILE.flip(0))[:, 0]
    fitted = fit_time_of_day(returns, dates).factors
    torch.testing.assert_close(fitted[:, 5], relative(SMILE.flip(0)), rtol=0.12, atol=0)
    torch.testing.assert_close(fitted[:, 0], relative(SMILE), rtol=0.12, atol=0)


def test_a_slot_seen_once_is_near_one_whatever_happened_in_it():
    dates = sessions(300)
    late = dates.append(pd.DatetimeIndex([dates[-1] + pd.Timedelta(hours=2)]))
    returns = torch.cat([drawn(dates), torch.full((1, 3), 9.0, dtype=torch.float64)])
    fitted = fit_time_of_day(returns, late)
    assert len(fitted.slots) == 8
    assert (fitted.factors[-1] < 4).all()
    assert (fit_time_of_day(drawn(dates), dates).factors[0] > 1.5).all()


def test_missing_returns_are_no_zeros():
    dates = sessions(600)
    returns = drawn(dates)
    returns[::3, 0] = torch.nan
    returns[:900, 1] = torch.nan
    expected = relative(SMILE).unsqueeze(1).expand(-1, 3)
    fitted = fit_time_of_day(returns, dates).factors
    torch.testing.assert_close(fitted, expected, rtol=0.1, atol=0)


def test_an_asset_never_seen_in_a_slot_takes_the_others_pattern_there():
    dates = sessions(300)
    returns = drawn(dates)
    returns[0::7, 2] = torch.nan
    fitted = fit_time_of_day(returns, dates).factors
    assert fitted.isfinite().all()
    assert fitted[0, 2] > 1.5 * fitted[1, 2]


@pytest.mark.parametrize("dates", [pd.bdate_range("2020-01-01", periods=300), sessions(300)[::7]])
def test_daily_prices_have_no_time_of_day(dates):
    returns = drawn(dates, factors=torch.ones(1))
    fitted = fit_time_of_day(returns, dates)
    assert fitted.is_flat
    assert torch.equal(fitted.of(dates), torch.ones(300, 3).double())


def test_a_time_of_day_never_seen_has_the_factor_one():
    dates = sessions(300)
    fitted = fit_time_of_day(drawn(dates), dates)
    evening = pd.DatetimeIndex([dates[-1], dates[-1] + pd.Timedelta(hours=4)])
    whole = dates[-7:].append(evening[1:])
    assert torch.equal(fitted.of(whole)[-1], torch.ones(3).double())
    assert torch.equal(fitted.of(whole)[:-1], fitted.factors)


def test_steps_go_on_as_they_last_did():
    dates = sessions(300)
    fitted = fit_time_of_day(drawn(dates), dates)
    assert torch.equal(fitted.following(dates[:-3], 12), fitted.factors.repeat(3, 1)[4:16])
    assert torch.equal(fitted.following(dates, 9), fitted.factors.repeat(2, 1)[:9])
    assert torch.equal(fitted.following(dates[-3:], 9), torch.ones(9, 3).double())


def test_after_a_short_session_the_next_day_is_whole():
    dates = sessions(300)
    fitted = fit_time_of_day(drawn(dates), dates)
    short = dates[:-10]  # a day of four bars, then a whole one
    history = short.append(dates[-7:])
    assert torch.equal(fitted.following(history, 4), fitted.factors[:4])


def test_its_tensors_make_it_again():
    dates = sessions(300)
    fitted = fit_time_of_day(drawn(dates), dates)
    tensors = fitted.tensors() | {"other": torch.ones(1)}
    again = TimeOfDay.from_tensors(tensors)
    assert torch.equal(again.slots, fitted.slots)
    assert torch.equal(again.factors, fitted.factors)
    assert again.rests is fitted.rests is True
    assert set(tensors) == {"other"}
