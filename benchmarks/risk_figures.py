"""The figures of docs/risk.md, drawn anew: whose risk it is, and which error more paths lower.

    fingan train --prices sp500-20 --name demo --until 2014-12-31 --set ensemble=5 --set steps=100
    python -m benchmarks.risk_figures            # writes docs/figures/risk-*.svg, half a minute

They need matplotlib, which is installed for development alone.
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

import fingan
from benchmarks.method_figures import ACCENT, INK, PALE, STYLE
from fingan.portfolios.risk_statement import RiskRequest, RiskStatement, risk_statement
from fingan.risk.estimates import COVERED, Estimate
from fingan.scenarios.samplers import Sampler

PATHS = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
LEVEL = 0.975


def contributions(plot: Any, statement: RiskStatement) -> Any:
    """Component ES of each position with its error, the first baseline's beside it."""
    figure, axis = plot.subplots(figsize=(7, 3.2))
    positions = statement.model.attribution.positions
    (baseline, *_) = statement.baselines
    theirs = {one.asset: one.component for one in baseline.attribution.positions}
    ours = [one.component for one in positions]
    names = [one.asset for one in positions]
    _bars(axis, [place - 0.2 for place in range(len(names))], ours, INK, statement.model.sampler)
    others = [theirs[name] for name in names]
    _bars(axis, [place + 0.2 for place in range(len(names))], others, PALE, baseline.sampler)
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_ylabel(f"adds to ES {100 * LEVEL:g} %, % of value")
    axis.legend(frameon=False)
    return figure


def convergence(plot: Any, found: dict[int, RiskStatement]) -> Any:
    """ES by the number of paths: its Monte Carlo interval shrinks, the generators' spread stays."""
    figure, axis = plot.subplots(figsize=(7, 2.8))
    estimates = {
        n_paths: one.model.figure("expected_shortfall", level=LEVEL)
        for n_paths, one in found.items()
    }
    counts = list(estimates)
    values = [100 * one.estimate for one in estimates.values()]
    axis.errorbar(
        counts,
        values,
        [100 * COVERED * (one.mc_se or 0) for one in estimates.values()],
        fmt="o-",
        color=INK,
        ms=3,
        lw=0.8,
        label="95 % of the Monte Carlo error",
    )
    both = [100 * COVERED * _both(one) for one in estimates.values()]
    low, high = ([v + s * b for v, b in zip(values, both, strict=True)] for s in (-1, 1))
    axis.fill_between(counts, low, high, color=ACCENT, alpha=0.2, label="with error of training")
    axis.set_xscale("log")
    axis.set_xticks(counts, [f"{count:,}" for count in counts])
    axis.minorticks_off()
    axis.set_xlabel("paths")
    axis.set_ylabel(f"ES {100 * LEVEL:g} %, % of value")
    axis.legend(frameon=False)
    return figure


def _both(estimate: Estimate) -> float:
    return float(((estimate.mc_se or 0) ** 2 + (estimate.model_se or 0) ** 2) ** 0.5)


def _bars(axis: Any, places: list[float], found: list[Estimate], color: str, label: str) -> None:
    values = [100 * one.estimate for one in found]
    errors = [100 * COVERED * (one.mc_se or 0) for one in found]
    axis.bar(places, values, 0.4, color=color, label=label)
    axis.errorbar(places, values, errors, fmt="none", ecolor=ACCENT, lw=1)


def _by_paths(model: Sampler, prices: pd.DataFrame) -> dict[int, RiskStatement]:
    return {
        n_paths: risk_statement(model, prices, None, RiskRequest(n_paths=n_paths), [])
        for n_paths in PATHS
    }


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.risk_figures", description=__doc__)
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
    request = RiskRequest(baselines=("fhs-gjr",))
    drawn = {
        "risk-contributions": contributions(plot, risk_statement(model, prices, None, request)),
        "risk-paths": convergence(plot, _by_paths(model, prices)),
    }
    for name, figure in drawn.items():
        figure.savefig(options.out / f"{name}.svg", metadata={"Date": None})
        plot.close(figure)


if __name__ == "__main__":
    main()
