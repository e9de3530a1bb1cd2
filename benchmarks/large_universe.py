"""A universe of many assets: its past, its test span, and the directions in which it hardly moves.

The weak directions are the quarter of the principal directions of the past with least variance.
Taken from the past, they are no sample's own best: the market's variance along them in the test
span is what it is, however few days that has.

Source: Cetingoz & Lehalle (2025), Synthetic data for portfolios: a throw of the dice will never
abolish chance, arXiv:2501.03993, for the variances along the directions that portfolios load on.
"""

import argparse
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.stored_models import rows_until
from fingan.assessment.forecast_scores import HORIZONS
from fingan.assessment.outcomes import Outcomes, cut_outcomes, table_of
from fingan.errors import RequestError
from fingan.volatility.correlation import shrunk_correlation

Days = Float[Tensor, "n_days n_assets"]


@dataclass(frozen=True)
class Universe:
    """Many assets, before a test span and in it."""

    prices: pd.DataFrame
    past: pd.DataFrame
    test: Days
    """Log-returns of the days of the span on which all assets were observed."""
    outcomes: Outcomes
    weak: Float[Tensor, "n_assets n_weak"]
    """Directions of least variance in the past."""


def cut_universe(prices: pd.DataFrame, options: argparse.Namespace) -> Universe:
    """The most complete assets of a file, its last rows kept as a test span.

    Raises:
        RequestError: If too few assets are observed throughout the span, or it is too long.
    """
    test_rows = prices.iloc[-options.test - 1 :]
    whole = prices.columns[test_rows.notna().all()]
    if len(whole) < options.assets or options.test >= len(prices) // 2:
        raise RequestError(
            f"--assets and --test must leave a universe with a past: {len(whole)} assets are"
            f" observed throughout the last {options.test} of {len(prices)} rows, asked for"
            f" {options.assets}; ask for fewer"
        )
    share = prices[whole].notna().mean().sort_values(ascending=False, kind="stable")
    chosen = prices[sorted(share.index[: options.assets])]
    chosen.attrs = dict(prices.attrs)
    past = rows_until(chosen, chosen.index[-options.test - 1])
    first, last = chosen.index[-options.test], chosen.index[-1]
    history = table_of(past, tuple(past.columns)).values
    weak = torch.linalg.eigh(shrunk_correlation(history / _deviations(history))).eigenvectors
    max_dates = max(1, options.test // options.every)
    return Universe(
        prices=chosen,
        past=past,
        test=table_of(chosen, tuple(chosen.columns)).values[-options.test :],
        outcomes=cut_outcomes(chosen, tuple(chosen.columns), first, last, HORIZONS, max_dates),
        weak=weak[:, : max(1, options.assets // 4)],
    )


def weak_variance_error(
    real: Days, synthetic: Days, weak: Float[Tensor, "n_assets n_weak"]
) -> float:
    """Mean |log ratio| of the variances along weak directions, each table in its own units."""
    ours, theirs = ((days / days.std(0)) @ weak for days in (synthetic, real))
    return float((ours.var(0) / theirs.var(0)).log().abs().mean())


def _deviations(days: Days) -> Float[Tensor, " n_assets"]:
    return (days - days.nanmean(0)).square().nanmean(0).sqrt()
