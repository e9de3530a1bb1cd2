"""The figures of docs/screening.md, drawn anew: a criterion with its bounds, and what noise picks.

    fingan train --prices sp500-20 --name demo --until 2014-12-31 --set ensemble=5 --set steps=100
    python -m benchmarks.screen_figures          # writes docs/figures/screen-*.svg, half a minute

They need matplotlib, which is installed for development alone.
"""

import argparse
from pathlib import Path
from typing import Any

import fingan
from benchmarks.method_figures import ACCENT, INK, PALE, STYLE
from fingan.config import load_config
from fingan.screening.results import Screen
from fingan.screening.screen import run_screen
from fingan.screening.specification import ScreenSpec

SPEC = Path("docs/examples/screen.toml")
COLOURS = {"pass": "#15803d", "fail": "#b91c1c", "undecided": ACCENT}
MARKERS = ("s", "D", "^")


def criterion(plot: Any, screen: Screen) -> Any:
    """The first criterion of each candidate: bounds, verdict, threshold, references."""
    figure, axis = plot.subplots(figsize=(7, 3.4))
    rows = [(one.candidate.label, one.criteria[0]) for one in screen.results]
    for place, (_, judged) in enumerate(rows):
        if judged.lower is not None and judged.upper is not None:
            ends = [100 * judged.lower, 100 * judged.upper]
            axis.plot(ends, [place] * 2, color=COLOURS[judged.verdict], lw=3, alpha=0.5)
        axis.plot(100 * judged.estimate.estimate, place, "o", color=COLOURS[judged.verdict], ms=4)
    for name, marker in zip(screen.spec.references, MARKERS, strict=False):
        values = [100 * judged.references[name] for _, judged in rows]
        axis.plot(values, range(len(rows)), marker, color=PALE, ms=4, label=name)
    asked = rows[0][1].criterion
    axis.axvline(100 * asked.value, color=INK, lw=0.8, ls="--")
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.invert_yaxis()
    axis.set_xlabel(f"{asked.label}, % of value, over {screen.spec.horizon} steps")
    for verdict, colour in COLOURS.items():
        axis.plot([], [], "o", color=colour, label=verdict)
    axis.legend(frameon=False)
    return figure


def article(plot: Any, screen: Screen) -> Any:
    """What the article's rule selects, and what follows on the same paths."""
    figure, axis = plot.subplots(figsize=(7, 2.6))
    rules = screen.article.values()
    picked = [100 * rule.mean_of_selected.estimate for rule in rules]
    after = [100 * rule.mean_after.estimate for rule in rules]
    errors = [100 * 1.96 * (rule.mean_after.mc_se or 0) for rule in rules]
    places = range(len(picked))
    axis.bar([one - 0.2 for one in places], picked, 0.4, color=ACCENT, label="by which it is taken")
    axis.bar(
        [one + 0.2 for one in places], after, 0.4, yerr=errors, color=INK, label="what it does next"
    )
    axis.axhline(0, color=PALE, lw=0.8)
    axis.set_xticks(list(places), list(screen.article))
    axis.set_ylabel("mean log-return, % a day")
    axis.set_ylim(top=1.3 * max(picked))
    axis.legend(frameon=False, ncols=2, loc="upper center")
    return figure


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screen_figures", description=__doc__
    )
    parser.add_argument("--model", default="demo", help="(%(default)s)")
    parser.add_argument("--store", help="where the model is; ./models if not given")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"), help="(%(default)s)")
    options = parser.parse_args()
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plot

    plot.rcParams.update(STYLE)
    options.out.mkdir(parents=True, exist_ok=True)
    spec = load_config(ScreenSpec, SPEC, ["criterion=article"])
    model = fingan.load_model(options.model, options.store)
    screen = run_screen(model, fingan.read_prices("sp500-20"), spec)
    drawn = {"criterion": criterion(plot, screen), "article": article(plot, screen)}
    for name, figure in drawn.items():
        figure.savefig(options.out / f"screen-{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
