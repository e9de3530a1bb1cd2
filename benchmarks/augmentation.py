"""What a synthetic panel gains on a real holdout: the model's, and those of two placebos.

    python -m benchmarks.augmentation --model demo           # some minutes

The same measurement as `fingan augment` makes, for the model, for filtered historical simulation
and for independent normal days, which hold no volatility clustering and must not help to forecast
volatility: a measurement that lets them pass would let anything pass.
"""

import argparse
from collections.abc import Sequence

from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import Table
from fingan.augmentation.gain import Gain, GainRequest, measure_gain
from fingan.augmentation.panel import PanelRequest, fitted_rows
from fingan.pipeline import baseline, load_model
from fingan.scenarios.samplers import Sampler

COMMAND = "python -m benchmarks.augmentation"
PLACEBOS = ("fhs-gjr", "gaussian")


def measure(options: argparse.Namespace) -> list[Table]:
    """One table, a row for each generator and downstream model."""
    prices = prices_of(options)
    model = load_model(options.model, options.store)
    known = fitted_rows(model, prices)
    samplers: list[Sampler] = [model, *(baseline(name, known) for name in PLACEBOS)]
    request = GainRequest(
        panel=PanelRequest(n_paths=options.paths, seed=options.seed), n_seeds=options.seeds
    )
    table = Table(
        "Gain of real + synthetic on a real holdout, % of the other's loss",
        (
            "panel by",
            "downstream",
            "over real",
            "over blocks",
            "over jitter",
            "over no features",
            "verdict",
        ),
        notes=["98.75 % intervals: the four of a generator hold together at 95 %", options.command],
    )
    for sampler in samplers:
        _add(table, measure_gain(sampler, prices, request))
    return [table]


def _add(table: Table, gain: Gain) -> None:
    for contest in gain.contests:
        cells = []
        for one in contest.differences:
            unit = 100 / contest.losses[one.against][0]
            low, high = unit * one.lower, unit * one.upper
            cells.append(f"{unit * one.gain:+.2f} ({low:+.2f} to {high:+.2f})")
        name = f"{contest.task}, {contest.learner}"
        table.add(gain.reference, name, *cells, contest.verdict)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), output_options()],
    )
    parser.add_argument("--model", default="demo", help="(%(default)s)")
    parser.add_argument("--store", default=None, help="default: FINGAN_STORE, else models")
    parser.add_argument("--paths", type=int, default=128, help="of a panel (%(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="repetitions (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first (%(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
