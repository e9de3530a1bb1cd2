"""Errors of a price file, planted where it is known: what a search for anomalies must find."""

from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

ErrorKind = Literal["spike", "stale price", "volatility burst", "correlation break", "missed split"]
KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)

SPIKE, BURST, SPLIT = 8.0, 3.0, 2.0  # usual deviations; times; shares for one
STALE_DAYS, LONG_DAYS = 7, 10
USUAL_DAYS = 60  # before an error, over which the usual deviation is measured


class Planted(NamedTuple):
    """One error: its kind, whose it is, and the rows of returns that it touches."""

    kind: ErrorKind
    column: int
    first: int
    last: int


def with_errors(
    prices: pd.DataFrame, first: int, n_each: int, random: np.random.Generator
) -> tuple[pd.DataFrame, list[Planted]]:
    """A copy of the prices with errors spread over the rows from ``first`` on, none overlapping.

    Args:
        prices: A table without gaps.
        first: First row of returns that may be touched.
        n_each: Errors of each kind.
        random: Of kinds, assets and days.
    """
    returns = np.diff(np.log(prices.to_numpy()), axis=0)
    kinds = random.permutation(np.repeat(np.arange(len(KINDS)), n_each))
    room = (len(returns) - first) // len(kinds)
    planted = []
    for number, kind in enumerate(kinds):
        row = first + number * room + int(random.integers(room - LONG_DAYS - 2))
        column = int(random.integers(returns.shape[1]))
        planted.append(_plant(returns, KINDS[kind], column, row, random))
    logs = np.log(prices.to_numpy()[:1]) + np.vstack(
        [np.zeros(returns.shape[1]), returns.cumsum(0)]
    )
    changed = pd.DataFrame(np.exp(logs), index=prices.index, columns=prices.columns)
    _freeze(changed, planted)
    changed.attrs = dict(prices.attrs)
    return changed, planted


def _plant(
    returns: np.ndarray, kind: ErrorKind, column: int, row: int, random: np.random.Generator
) -> Planted:
    """Change the returns of one asset from a row on."""
    own = returns[:, column]
    usual = own[row - USUAL_DAYS : row].std()
    match kind:
        case "spike":
            jump = SPIKE * usual * random.choice([-1, 1])
            own[row] += jump
            own[row + 1] -= jump
            last = row + 1
        case "stale price":
            last = row + STALE_DAYS
            own[last] += own[row:last].sum()
            own[row:last] = 0
        case "volatility burst":
            last = row + LONG_DAYS - 1
            own[row : last + 1] *= BURST
        case "correlation break":
            last = row + LONG_DAYS - 1
            other = int(random.integers(USUAL_DAYS, row - LONG_DAYS))
            strange = own[other : other + LONG_DAYS]
            own[row : last + 1] = strange * (usual / own[other - USUAL_DAYS : other].std())
        case "missed split":
            last = row
            own[row] -= np.log(SPLIT)
    return Planted(kind, column, row, last)


def _freeze(prices: pd.DataFrame, planted: list[Planted]) -> None:
    """Prices that stand still do so to the last digit."""
    for one in planted:
        if one.kind == "stale price":
            stood = float(prices.to_numpy()[one.first, one.column])
            prices.iloc[one.first + 1 : one.last + 1, one.column] = stood
