"""The figures of docs/stress.md, drawn anew: what goes with a shock, and the ways to lose so much.

    fingan train --prices sp500-20 --name demo --until 2014-12-31 --set ensemble=5 --set steps=100
    python -m benchmarks.stress_figures          # writes docs/figures/stress-*.svg, two minutes

They need matplotlib, which is installed for development alone.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

import fingan
from benchmarks.method_figures import ACCENT, INK, PALE, STYLE
from fingan.risk.estimates import COVERED
from fingan.risk.measures import quantiles
from fingan.risk.portfolio import equal_weights
from fingan.stress.conditional import ConditionalStress, conditional_stress
from fingan.stress.conditions import parse_shock
from fingan.stress.losing import course_of
from fingan.stress.request import StressRequest
from fingan.stress.reverse import Reverse, reverse_stress
from fingan.stress.reverse_request import ReverseRequest

SHOCK, OVER, LOSS = "AAPL=-0.10", 5, 0.15
BAND = (0.1, 0.5, 0.9)
N_THREADS = 2
MOST = 10  # assets of a part


def shock(plot: Any, found: ConditionalStress) -> Any:
    """Mean of each asset given the shock, comparators beside, the usual mean as dots."""
    figure, axis = plot.subplots(figsize=(7, 3.4))
    names = sorted(found.assets, key=lambda name: found.assets[name].conditional["mean"].estimate)
    places = torch.arange(len(names)).double()
    others = {one.name: one for one in found.comparators}
    colours = {"gaussian, volatility of today": PALE, "fhs-gjr": ACCENT}
    means = [found.assets[name].conditional["mean"] for name in names]
    errors = [100 * COVERED * (one.mc_se or 0) for one in means]
    bars = [100 * one.estimate for one in means]
    axis.bar(places - 0.27, bars, 0.27, color=INK, label=found.model)
    axis.errorbar(places - 0.27, bars, errors, fmt="none", ecolor=PALE, lw=1)
    for step, (name, colour) in enumerate(colours.items()):
        assets = others[name].assets or {}
        theirs = [100 * assets[asset].estimate for asset in names]
        axis.bar(places + 0.27 * step, theirs, 0.27, color=colour, label=name)
    usual = [100 * found.assets[name].unconditional["mean"].estimate for name in names]
    axis.plot(places - 0.27, usual, "o", color=INK, ms=2.5, mfc="white", label="without the shock")
    axis.axhline(0, color=INK, lw=0.6)
    axis.set_xticks(places, names, rotation=90)
    axis.set_ylabel(f"mean of {found.request.horizon} days, %")
    axis.legend(frameon=False)
    return figure


def ways(plot: Any, found: Reverse) -> Any:
    """What the portfolio is worth on the way, and what each position adds, by mode or part."""
    n_modes = len(found.modes)
    figure, axes = plot.subplots(2, n_modes, figsize=(7, 4.6), sharey="row", squeeze=False)
    word = "mode" if found.is_distinct else "part"
    assets = found.scenarios.assets
    weights = equal_weights(assets).weights_of(assets)
    course = 1 - course_of(found.scenarios.log_returns, weights)
    probabilities = found.scenarios.weights
    assert probabilities is not None, "losing paths are weighted"
    steps = range(1, course.shape[1] + 1)
    for place, mode in enumerate(found.modes):
        upper, lower = axes[:, place]
        chosen = found.labels == place
        own = probabilities[chosen] / probabilities[chosen].sum()
        columns = [quantiles(one, torch.tensor(BAND).double(), own) for one in course[chosen].T]
        low, middle, high = 100 * torch.stack(columns, 1)
        upper.fill_between(steps, low, high, color=ACCENT, alpha=0.2, lw=0, label="80 % of paths")
        upper.plot(steps, middle, color=ACCENT, lw=1, label="median")
        upper.plot(
            steps, [100 * value for value in mode.course], color=INK, lw=1, label="central path"
        )
        upper.set_title(f"{word} {place + 1}: {100 * mode.share.estimate:.0f} %", fontsize=9)
        upper.set_xlabel("day")
        parts = list(mode.drivers.contributions.items())[:MOST]
        names = [name for name, _ in parts]
        values = [100 * part.estimate for _, part in parts]
        errors = [100 * COVERED * (part.mc_se or 0) for _, part in parts]
        lower.bar(names, values, color=INK)
        lower.errorbar(names, values, errors, fmt="none", ecolor=ACCENT, lw=1)
        lower.set_xticks(range(len(names)), names, rotation=90)
    axes[0, 0].set_ylabel("value, % of the start")
    axes[1, 0].set_ylabel("adds to the loss, %")
    axes[0, 0].legend(frameon=False)
    return figure


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stress_figures", description=__doc__
    )
    parser.add_argument("--model", default="demo", metavar="REF", help="(%(default)s)")
    parser.add_argument("--store", metavar="PLACE", help="where it is")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"), help="(%(default)s)")
    options = parser.parse_args()
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plot

    plot.rcParams.update(STYLE)
    options.out.mkdir(parents=True, exist_ok=True)
    prices, model = fingan.read_prices("sp500-20"), fingan.load_model(options.model, options.store)
    portfolio = equal_weights(model.assets)
    asked = StressRequest(shocks=(parse_shock(SHOCK, OVER),))
    told = conditional_stress(model, prices, portfolio, asked, n_threads=N_THREADS)
    lost = ReverseRequest(loss=LOSS, comparators=())
    found = reverse_stress(model, prices, portfolio, lost, n_threads=N_THREADS)
    for name, figure in {"shock": shock(plot, told), "reverse": ways(plot, found)}.items():
        figure.savefig(options.out / f"stress-{name}.svg", metadata={"Date": None})
        plot.close(figure)


if __name__ == "__main__":
    main()
