"""What looks wrong in a series of prices: gaps, outliers, changes of scale, stale runs."""

import math

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from fingan.data.options import Kind
from fingan.data.panel import format_date

_OUTLIER_SPREADS = 10.0  # robust standard deviations of the asset's own moves
_SMALLEST_JUMP = math.log(1.4)
_SPLIT_RATIOS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 100)
_SPLIT_SLACK = 0.03  # an ordinary move on the day of the split
_HALF_RATIOS = (1.5, 2.5)  # common as splits, but also as moves of a bad day: held to more
_HALF_SLACK = 0.01
_HUGE_JUMP = math.log(10.0)  # a change of scale whatever its ratio
_FLIP_JUMP = math.log(1.9)
_FLIP_SLACK = 0.15
_SHORTEST_STALE = 5
_STALE_CHANCE = 0.01  # expected runs as long as this among as many independent moves
_DAY = 86_400.0
_ORDINARY_STEPS = 0.998  # nights, weekends and holidays lie within this share of the steps
_ENOUGH_STEPS = 200
_FREQUENCIES = (
    (30 * _DAY * 11, "yearly"),
    (80 * _DAY, "quarterly"),
    (27 * _DAY, "monthly"),
    (4 * _DAY, "weekly"),
    (0.8 * _DAY, "daily"),
)


class ReportPart(BaseModel):
    """A finding; it does not change after it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Gap(ReportPart):
    """Two neighbouring dates further apart than the frequency explains."""

    after: str
    before: str
    days: float


class Outlier(ReportPart):
    """A move far outside the asset's usual ones; log-return, or difference of levels."""

    asset: str
    date: str
    move: float
    spreads: float
    """Size in robust standard deviations of the asset's moves."""


class SplitSuspect(ReportPart):
    """A jump that looks like a change of scale rather than of value."""

    asset: str
    date: str
    factor: float
    """Price over the price before; 0.25 for a 4:1 split that was not adjusted for."""
    pattern: str
    """``split``: near a ratio of whole numbers; ``scale flip``: undone by its inverse at
    another date; ``jump``: a factor above ten."""


class StaleRun(ReportPart):
    """The same value repeated for longer than chance explains."""

    asset: str
    first: str
    last: str
    n_repeats: int


def guess_frequency(dates: pd.DatetimeIndex) -> str:
    """The usual distance of two dates in words: 1min, 5min, hourly, daily, weekly, monthly ..."""
    seconds = float(np.median(np.diff(dates.as_unit("ns").asi8))) / 1e9
    for least, name in _FREQUENCIES:
        if seconds >= least:
            return name
    if seconds % 3600 == 0:
        return "hourly" if seconds == 3600 else f"{seconds / 3600:g}h"
    return f"{seconds / 60:g}min" if seconds % 60 == 0 else f"{seconds:g}s"


def find_gaps(dates: pd.DatetimeIndex) -> list[Gap]:
    """Distances above five usual ones and above what weekends and holidays explain."""
    stamps = dates.as_unit("ns").asi8
    steps = np.diff(stamps) / 1e9
    usual = float(np.median(steps))
    limit = 5 * usual
    if len(steps) > _ENOUGH_STEPS:
        limit = max(limit, 1.2 * float(np.quantile(steps, _ORDINARY_STEPS)))
    return [
        Gap(
            after=format_date(int(stamps[row])),
            before=format_date(int(stamps[row + 1])),
            days=round(float(steps[row]) / _DAY, 4),
        )
        for row in np.flatnonzero(steps > limit)
    ]


def additive_moves(values: np.ndarray, kind: Kind) -> np.ndarray:
    """Moves between neighbouring observations, on the scale on which they add up."""
    match kind:
        case "price":
            return np.diff(np.log(values))
        case "level":
            with np.errstate(over="ignore"):
                return np.diff(values)
        case "simple_return":
            return np.asarray(np.log1p(values))
        case "log_return":
            return values


def find_outliers(asset: str, stamps: np.ndarray, moves: np.ndarray) -> list[Outlier]:
    """Moves beyond ten robust standard deviations of the asset's non-zero moves."""
    living = np.abs(moves[moves != 0])
    if len(living) < 20:
        return []
    spread = 1.4826 * float(np.median(living))
    return [
        Outlier(
            asset=asset,
            date=format_date(stamps[row]),
            move=float(moves[row]),
            spreads=float(abs(moves[row]) / spread),
        )
        for row in np.flatnonzero(np.abs(moves) > _OUTLIER_SPREADS * spread).tolist()
    ]


def find_split_suspects(asset: str, stamps: np.ndarray, moves: np.ndarray) -> list[SplitSuspect]:
    """Jumps near a ratio of a split, and jumps that a later one undoes."""
    rows = np.flatnonzero(np.abs(moves) > _SMALLEST_JUMP)
    jumps = moves[rows]
    flips = _undone(jumps)
    suspects = []
    for row, jump, is_flip in zip(rows.tolist(), jumps, flips, strict=True):
        is_split = _is_near(jump, _SPLIT_RATIOS, _SPLIT_SLACK)
        is_split |= _is_near(jump, _HALF_RATIOS, _HALF_SLACK)
        if is_flip or is_split or abs(jump) > _HUGE_JUMP:
            date = format_date(stamps[row])
            factor = float(np.exp(np.clip(jump, -700, 700)))
            pattern = "scale flip" if is_flip else "split" if is_split else "jump"
            suspects.append(SplitSuspect(asset=asset, date=date, factor=factor, pattern=pattern))
    return suspects


def _is_near(jump: float, ratios: tuple[float, ...], slack: float) -> bool:
    return bool(min(abs(abs(jump) - math.log(ratio)) for ratio in ratios) < slack)


def _undone(jumps: np.ndarray) -> np.ndarray:
    """True for large jumps that come in pairs of opposite sign and like size."""
    is_large = np.abs(jumps) > _FLIP_JUMP
    sums = np.abs(jumps[:, None] + jumps[None, :])
    pairs = (sums < _FLIP_SLACK * np.abs(jumps)[:, None]) & is_large[:, None] & is_large[None, :]
    return np.asarray(pairs.any(axis=1))


def find_stale_runs(asset: str, stamps: np.ndarray, values: np.ndarray) -> list[StaleRun]:
    """Repeats of one value: at least five, and more than the share of zero moves explains."""
    is_repeat = np.concatenate([[False], values[1:] == values[:-1]])
    n_repeats = int(is_repeat.sum())
    if n_repeats < _SHORTEST_STALE:
        return []
    share = min(n_repeats / len(values), 1 - 1e-9)
    longest = math.log(_STALE_CHANCE / len(values)) / math.log(share)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_repeat, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]  # a run repeats rows starts .. ends - 1
    return [
        StaleRun(
            asset=asset,
            first=format_date(stamps[start - 1]),
            last=format_date(stamps[end - 1]),
            n_repeats=int(end - start),
        )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if end - start >= max(_SHORTEST_STALE, min(longest, 30))
    ]
