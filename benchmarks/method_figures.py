"""The figures of docs/method.md, drawn anew: what the filter and the margins look like fitted.

    python -m benchmarks.method_figures            # writes docs/figures/*.svg, half a minute

Fitted on the bundled data up to the end of 2014, nothing trained. They need matplotlib, which is
installed for development alone.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

import fingan
from fingan.data.returns import log_returns
from fingan.data.scaling import ReturnScaler
from fingan.models.margins import TAIL
from fingan.models.market_filter import MarketFilter

UNTIL = "2014-12-31"
DAYS_A_YEAR = 252
INK, ACCENT, PALE = "#1f2937", "#b45309", "#9ca3af"
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "fingan",  # the same picture, the same file
    "figure.constrained_layout.use": True,
}


class Fitted:
    """A market's filter and what it says of its history."""

    def __init__(self, name: str) -> None:
        prices = fingan.read_prices(name).loc[:UNTIL]
        prices.attrs["kind"] = "price"
        table = log_returns(prices)
        scaler = ReturnScaler.fit(table)
        self.assets, self.dates, self.std = table.assets, table.dates, scaler.std
        self.scaled = scaler.transform(table.values).double()
        self.law = MarketFilter.fit(self.scaled)
        self.today = self.law.today(self.scaled)
        self.innovations = self.scaled / self.today.variance[:-1].sqrt()


def volatility(plot: Any, index: Fitted) -> Any:
    """Slow component and whole volatility of the index in a crisis and after."""
    figure, axes = plot.subplots(2, 1, figsize=(7, 3.6), sharex=True, height_ratios=(2, 1))
    span = slice(
        *index.dates.searchsorted([pd.Timestamp("2007-06-01"), pd.Timestamp("2010-12-31")])
    )
    unit = 100 * float(index.std[0]) * DAYS_A_YEAR**0.5
    days = index.dates[span]
    axes[0].plot(days, unit * index.today.variance[:-1, 0].sqrt()[span], color=INK, lw=0.9)
    axes[0].plot(days, unit * index.today.slow[:-1, 0].sqrt()[span], color=ACCENT, lw=1.4)
    axes[0].set_ylabel("volatility, % a year")
    axes[0].legend(["whole", "slow component"], frameon=False)
    axes[1].plot(days, 100 * float(index.std[0]) * index.scaled[span, 0], color=PALE, lw=0.7)
    axes[1].set_ylabel("return, %")
    return figure


def news(plot: Any, index: Fitted) -> Any:
    """What one day's innovation does to the next day's volatility."""
    figure, axis = plot.subplots(figsize=(3.4, 2.6))
    law, shocks = index.law.volatility, torch.linspace(-5, 5, 201, dtype=torch.float64)
    slow = law.omega + (law.alpha * shocks.square() + law.beta)
    leverage = (law.own[:, 0].sum() * shocks).exp()
    axis.plot(shocks, (slow * leverage).sqrt(), color=INK)
    axis.axhline(1, color=PALE, lw=0.8)
    axis.set_xlabel("innovation today, standard deviations")
    axis.set_ylabel("volatility tomorrow, times usual")
    return figure


def margins(plot: Any, stocks: Fitted) -> Any:
    """One asset's innovations and its map, on normal scores."""
    figure, axis = plot.subplots(figsize=(3.4, 2.6))
    ordered = stocks.innovations[:, 0].sort().values
    levels = (torch.arange(len(ordered)) + 0.5) / len(ordered)
    shown = (torch.arange(len(ordered)) % 10 == 5) | ((levels - 0.5).abs() > 0.5 - TAIL / 2)
    grid = np.linspace(-4.5, 4.5, 400)
    table = stocks.law.margins.table
    curve = table(torch.tensor(grid).float().unsqueeze(1).expand(-1, len(stocks.assets)))[:, 0]
    axis.plot(torch.special.ndtri(levels.double())[shown], ordered[shown], ".", ms=2.5, color=PALE)
    axis.plot(grid, curve, color=INK, lw=1)
    axis.plot(grid, grid, color=PALE, lw=0.7, ls="--")
    edge = abs(float(torch.special.ndtri(torch.tensor(TAIL))))
    for place in (-edge, edge):
        axis.axvline(place, color=ACCENT, lw=0.7, ls=":")
    axis.set_xlabel("normal score")
    axis.set_ylabel(f"innovation of {stocks.assets[0]}")
    return figure


def correlation(plot: Any, stocks: Fitted) -> Any:
    """The mean correlation that the moving modes give, day by day."""
    figure, axis = plot.subplots(figsize=(7, 2.2))
    axis.plot(stocks.dates, _mean_correlation(stocks), color=INK, lw=0.8)
    axis.set_ylabel("mean correlation")
    return figure


def _mean_correlation(stocks: Fitted) -> Tensor:
    root, n_modes = stocks.law.modes.root, len(stocks.law.modes.alpha)
    levels = torch.ones(len(stocks.dates), len(root), dtype=torch.float64)
    levels[:, :n_modes] = stocks.today.modes[:-1]
    spread = (levels @ root.square().T).sqrt()
    directions = torch.einsum("ti,ik->tk", 1 / spread, root)
    n_assets = len(root)
    total = (levels * directions.square()).sum(1)
    return (total - n_assets) / (n_assets * (n_assets - 1))


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.method_figures", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=Path("docs/figures"), help="(%(default)s)")
    out = parser.parse_args().out
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plot

    plot.rcParams.update(STYLE)
    out.mkdir(parents=True, exist_ok=True)
    index, stocks = Fitted("sp500-index"), Fitted("sp500-20")
    drawn = {
        "volatility": volatility(plot, index),
        "news": news(plot, index),
        "margins": margins(plot, stocks),
        "correlation": correlation(plot, stocks),
    }
    for name, figure in drawn.items():
        figure.savefig(out / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
