"""The pattern of volatility over the day: what of an intraday return's size is its hour.

The root mean square of returns at each time of day, relative to the volatility of the days around
it, with the mean square 1 over all observations. Times of day in which little was observed are
shrunk: each asset's pattern towards that of all assets, and that one towards a flat day, as far
as sampling noise explains the differences. Daily prices have no time of day: every factor is 1.

A time of day is a time of the clock where the market hardly rests, and the time since the day's
first row where it does, so that summer time, which moves a session in UTC, moves no factor.

Source: Taylor & Xu (1997), The incremental volatility information in one million foreign exchange
quotations, for the ratio of mean squares; Andersen & Bollerslev (1997), Intraday periodicity and
volatility persistence in financial markets, for dividing it out before a filter; Boudt, Croux &
Laurent (2011), Robust estimation of intraweek periodicity in volatility and jump detection,
section 2, for days in units of their own volatility; Efron & Morris (1975), Data analysis using
Stein's estimator and its generalizations, for the shrinkage, here of logarithms.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

Returns = Float[Tensor, "n_rows n_assets"]
BySlot = Float[Tensor, "n_slots n_assets"]
Places = Int64[Tensor, " n_rows"]

MIN_BARS = 1.5  # rows a day from which prices are intraday
DAY = 24 * 3_600 * 10**9  # nanoseconds
REST = DAY // 4  # without a row, on most days, of a market that rests
AROUND = 10  # days before and after, whose volatility a return is relative to


@dataclass(frozen=True)
class TimeOfDay:
    """Volatility by time of day, relative to the day's."""

    slots: Int64[Tensor, " n_slots"]
    """Nanoseconds since midnight, or since the day's first row; rising, none for daily prices."""
    factors: BySlot
    rests: bool
    """Whether slots count from the day's first row."""

    @property
    def is_flat(self) -> bool:
        """Whether there is no time of day to know."""
        return len(self.slots) == 0

    def tensors(self) -> dict[str, Tensor]:
        """All of it by name, to be saved."""
        rests = torch.tensor([self.rests])
        return {"slots": self.slots, "slot_factors": self.factors, "slots_rest": rests}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> "TimeOfDay":
        """Take what :meth:`tensors` gave out of a dictionary."""
        slots, factors = tensors.pop("slots"), tensors.pop("slot_factors")
        return cls(slots, factors, bool(tensors.pop("slots_rest").all()))

    def of(self, dates: pd.DatetimeIndex) -> Returns:
        """The factor of each row; 1 at a time of day that was not seen when it was fitted.

        Args:
            dates: Times of a whole history in order: where slots count from the day's first row,
                it must be among them.
        """
        if self.is_flat or not len(dates):
            return self.factors.new_ones(len(dates), self.factors.shape[1])
        times = _times_of_day(dates, rests=self.rests)
        place = torch.searchsorted(self.slots, times).clamp(max=len(self.slots) - 1)
        is_known = (self.slots[place] == times).unsqueeze(1)
        return torch.where(is_known, self.factors[place], 1.0)

    def following(self, dates: pd.DatetimeIndex, n_steps: int) -> Float[Tensor, "n_steps n_assets"]:
        """Factors of the steps after a history, which follow each other as they last did.

        They begin as the rows after the last earlier one at the same time of day; 1 if there is
        none. So they need no calendar, and no summer time misplaces them.
        """
        history = dates[-3 * len(self.slots) - 1 :]
        times = _times_of_day(history, rests=self.rests)
        before = (times[:-1] == times[-1]).nonzero()
        if self.is_flat or not len(before):
            return self.factors.new_ones(n_steps, self.factors.shape[1])
        cycle = self.of(history)[int(before[-1]) + 1 :]
        return cycle.repeat(-(-n_steps // len(cycle)), 1)[:n_steps]


def fit_time_of_day(scaled: Returns, dates: pd.DatetimeIndex) -> TimeOfDay:
    """Fit the pattern of each asset.

    Args:
        scaled: Mean-free returns of the training span; NaN where unobserved.
        dates: Their times, in order.
    """
    n_assets = scaled.shape[1]
    rests = _rests(dates)
    if len(dates) < MIN_BARS * dates.normalize().nunique():
        none = torch.zeros(0, dtype=torch.int64)
        return TimeOfDay(none, torch.ones(0, n_assets, dtype=torch.float64), rests)
    times = _times_of_day(dates, rests=rests)
    slots, place = times.unique(return_inverse=True)
    squares = scaled.double().square()
    relative = squares / _around(squares, _days(dates))
    logs = _shrunk_logs(relative, place, len(slots))
    n_observed = _sum_by(place, (~scaled.isnan()).double(), len(slots))
    mean_square = (n_observed * logs.exp()).sum(0) / n_observed.sum(0)
    return TimeOfDay(slots, (logs.exp() / mean_square).sqrt(), rests)


def _shrunk_logs(relative: Returns, place: Places, n_slots: int) -> BySlot:
    """Logarithm of the mean square of each slot, each asset's centred at 0."""
    logs, noise = _log_means(relative, place, n_slots)
    common = logs.nanmean(1, keepdim=True)
    market = (relative / logs.exp()[place]).nanmean(1, keepdim=True)
    _, common_noise = _log_means(market, place, n_slots)
    own = logs - common
    pattern = (common * _kept(common, common_noise)).nan_to_num()
    return pattern + (own * _kept(own, noise)).nan_to_num()


def _log_means(
    values: Float[Tensor, "n_rows n"], place: Places, n_slots: int
) -> tuple[Float[Tensor, "n_slots n"], Float[Tensor, "n_slots n"]]:
    """Logarithms of the means by slot, each column's centred at 0, and their sampling variances.

    NaN where a slot has no value, or zeros alone.
    """
    observed = ~values.isnan()
    n_observed = _sum_by(place, observed.double(), n_slots)
    mean = _sum_by(place, values.nan_to_num(), n_slots) / n_observed
    mean = torch.where(mean > 0, mean, torch.nan)
    variance = (values / mean[place] - 1).square().nanmean(0)
    logs = mean.log()
    return logs - logs.nanmean(0), variance / n_observed


def _kept(
    deviations: Float[Tensor, "n_slots n"], noise: Float[Tensor, "n_slots n"]
) -> Float[Tensor, "n_slots n"]:
    """Share of each deviation that sampling noise does not explain."""
    spread = (deviations.square() - noise).nanmean().clamp(min=0)
    return spread / (spread + noise)


def _around(squares: Returns, days: Places) -> Returns:
    """Mean square of the days around each row's, by asset; NaN where there is none."""
    n_days = int(days[-1]) + 1
    sums = _sum_by(days, squares.nan_to_num(), n_days)
    counts = _sum_by(days, (~squares.isnan()).double(), n_days)
    mean = _window_sums(sums) / _window_sums(counts)
    return torch.where(mean > 0, mean, torch.nan)[days]


def _window_sums(by_day: Float[Tensor, "n_days n_assets"]) -> Float[Tensor, "n_days n_assets"]:
    past = torch.cat([by_day.new_zeros(1, by_day.shape[1]), by_day.cumsum(0)])
    days = torch.arange(len(by_day))
    return past[(days + AROUND + 1).clamp(max=len(by_day))] - past[(days - AROUND).clamp(min=0)]


def _sum_by(
    place: Places, values: Float[Tensor, "n_rows n"], n_places: int
) -> Float[Tensor, "n_places n"]:
    return values.new_zeros(n_places, values.shape[1]).index_add_(0, place, values)


def _days(dates: pd.DatetimeIndex) -> Places:
    codes, _ = pd.factorize(dates.normalize())
    return torch.from_numpy(codes.astype(np.int64))


def _clock(dates: pd.DatetimeIndex) -> Places:
    """Nanoseconds on the clock of the wall."""
    return torch.from_numpy(dates.tz_localize(None).as_unit("ns").asi8.copy())


def _times_of_day(dates: pd.DatetimeIndex, *, rests: bool) -> Places:
    return _since_first(dates) if rests else _clock(dates) - _clock(dates.normalize())


def _since_first(dates: pd.DatetimeIndex) -> Places:
    """Time since the first row of the day."""
    days, times = _days(dates), _clock(dates)
    is_first = torch.cat([days.new_ones(1), days.diff()]) > 0
    return times - times[is_first][days]


def _rests(dates: pd.DatetimeIndex) -> bool:
    """Whether most days have a long stretch without a row, before or after those they have."""
    days = _days(dates)
    is_last = torch.cat([days.diff(), days.new_ones(1)]) > 0
    return bool(_since_first(dates)[is_last].median() <= DAY - REST)
