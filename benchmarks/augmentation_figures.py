"""The figures of docs/augmentation.md and docs/anomalies.md, drawn from what the commands say.

    fingan augment demo --prices sp500-20 --out panel.parquet --seed 7 --json > augment.json
    python -m benchmarks.augmentation_figures --augment augment.json --model demo

They need matplotlib, which is installed for development alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.method_figures import ACCENT, INK, PALE, STYLE
from fingan.anomalies.search import Anomalies, find_anomalies
from fingan.data.prices import read_prices
from fingan.pipeline import load_model

N_NAMED, APART = 4, 20  # windows with their dates, and how far apart


def gains(plot: Any, record: dict[str, Any]) -> Any:
    """Gains of a panel over its rivals with their intervals; no features has a scale of its own."""
    contests = record["gain"]["contests"]
    rivals = [one["against"] for one in contests[0]["gains"] if one["against"] != "no features"]
    figure, axes = plot.subplots(1, len(contests), figsize=(7.4, 2.2), sharey=True)
    for axis, contest in zip(axes, contests, strict=True):
        for row, one in enumerate(contest["gains"][: len(rivals)]):
            unit = 100 * one["share_of_loss"] / one["estimate"]
            axis.plot([unit * bound for bound in one["ci"]], [row, row], color=INK, lw=1.4)
            axis.plot(unit * one["estimate"], row, "o", color=ACCENT, ms=5)
        axis.axvline(0, color=PALE, lw=0.8)
        axis.set_title(f"{contest['task']}, {contest['learner']}\n{contest['verdict']}", fontsize=8)
        axis.set_xlabel("gain, % of loss")
    names = [f"over {name}" for name in rivals]
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    return figure


def scores(plot: Any, found: Anomalies) -> Any:
    """Scores of the judged windows, the oddest with their dates."""
    figure, axis = plot.subplots(figsize=(7.4, 2.6))
    days = found.evidence.dates[found.ends.numpy()]
    axis.vlines(days, 0, found.scores, color=PALE, lw=1)
    axis.plot(days, found.scores, ".", color=INK, ms=3)
    axis.axhline(float(found.ordinary.quantile(0.99)), color=ACCENT, lw=0.9, ls="--")
    axis.text(days[-1], float(found.ordinary.quantile(0.99)), " p = 1 %", color=ACCENT, va="bottom")
    named: list[int] = []
    for index in found.order.tolist():
        if len(named) == N_NAMED:
            break
        if any(abs(index - other) < APART for other in named):
            continue
        named.append(index)
        first, _ = found.span(index)
        axis.annotate(
            f"{first:%d %b %Y}, {found.driver(index)}",
            (days[index], float(found.scores[index])),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=7,
            va="center",
        )
    axis.set_ylabel("score")
    axis.set_ylim(bottom=0)
    return figure


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.augmentation_figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--augment", type=Path, required=True, help="JSON of fingan augment")
    parser.add_argument("--model", default="demo", help="(%(default)s)")
    parser.add_argument("--store", default=None, help="default: FINGAN_STORE, else models")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"), help="(%(default)s)")
    options = parser.parse_args()
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plot

    plot.rcParams.update(STYLE)
    options.out.mkdir(parents=True, exist_ok=True)
    found = find_anomalies(load_model(options.model, options.store), read_prices("sp500-20"))
    drawn = {
        "augmentation": gains(plot, json.loads(options.augment.read_text(encoding="utf-8"))),
        "anomalies": scores(plot, found),
    }
    for name, figure in drawn.items():
        figure.savefig(options.out / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
