"""The figure of docs/optimisation.md, drawn anew: weights with what is not known of them.

    fingan train --prices sp500-20 --name demo --until 2014-12-31 --set ensemble=5 --set steps=100
    python -m benchmarks.optimisation_figures    # writes docs/figures/optimisation-weights.svg

It needs matplotlib, which is installed for development alone.
"""

import argparse
from pathlib import Path
from typing import Any

import fingan
from benchmarks.method_figures import ACCENT, INK, PALE, STYLE
from fingan.portfolios.objectives import OptimizeRequest
from fingan.portfolios.optimisation import Optimum, optimise
from fingan.risk.estimates import COVERED

MAX_WEIGHT = 0.2


def weights(plot: Any, found: Optimum) -> Any:
    """Each held weight with its Monte Carlo error, and with that of another training too."""
    held = [holding for holding in found.holdings if holding.weight.estimate > 0]
    figure, axis = plot.subplots(figsize=(7, 2.8))
    places = list(range(len(held)))
    values = [100 * one.weight.estimate for one in held]
    alone = [100 * COVERED * (one.weight.mc_se or 0) for one in held]
    both = [
        100 * COVERED * ((one.weight.mc_se or 0) ** 2 + (one.weight.model_se or 0) ** 2) ** 0.5
        for one in held
    ]
    axis.bar(places, values, width=0.6, color=PALE)
    axis.errorbar(places, values, both, fmt="none", ecolor=ACCENT, lw=3, alpha=0.5)
    axis.errorbar(places, values, alone, fmt="none", ecolor=INK, lw=1.2, capsize=3)
    axis.axhline(100 * MAX_WEIGHT, color=INK, lw=0.8, ls=":")
    axis.text(places[-1] + 0.4, 100 * MAX_WEIGHT + 0.4, "limit", ha="right")
    axis.set_xticks(places, [one.asset for one in held])
    axis.set_ylim(0, 100 * MAX_WEIGHT + 4)
    axis.set_ylabel("weight, %")
    axis.set_title(
        "black: 95 % of the Monte Carlo error; brown: with that of another training",
        loc="left",
        fontsize=9,
    )
    return figure


def main() -> None:
    """Optimise as the page's example does, and draw."""
    import matplotlib as mpl

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--store")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    options = parser.parse_args()
    mpl.use("svg")
    mpl.rcParams.update(STYLE)
    from matplotlib import pyplot as plot

    model = fingan.load_model(options.model, options.store)
    found = optimise(model, fingan.read_prices("sp500-20"), OptimizeRequest(max_weight=MAX_WEIGHT))
    figure = weights(plot, found)
    figure.savefig(options.out / "optimisation-weights.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
