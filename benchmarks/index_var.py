"""One-day VaR and ES of the S&P 500, 2005 to 2022, beside figures computed with other programs.

The protocol: every day from 2005-01-03 to 2022-12-28 is forecast from the rows before it with
10,000 paths, 4,529 days; baselines are fitted on the 1,500 rows before, again after every 63. The
model, if one is named, is never fitted again and must have been trained on earlier rows. Losses
are log-returns in percent, as in the figures to reproduce; with simple returns, which `fingan
backtest` takes, every FZ0 is about 0.02 lower. Differences of FZ0 do not depend on the unit, ratios
do.

The figures to reproduce were computed once with arch on the same file, days, window and refits.
Historical simulation over 250 and 1,000 days, fitted anew every day, is run apart; theirs
interpolates between two losses, ours does not, which tells at 1 % of 250 days. 10,000 paths leave
about half a percent of chance in an FZ0 at 1 %, and raise that of gjr-skew-t by as much: a forecast
from quantiles in closed form has none, so the comparison with it is closest at `--paths 100000`.
EWMA and GARCH with normal innovations, for which fingan has no generator, are shown without a row
of our own.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.assessment.var_backtest import OPPONENTS, Backtest, Design, backtest
from fingan.assessment.var_verdicts import REFERENCE, Row
from fingan.cli.day_progress import day_progress
from fingan.data.prices import read_prices
from fingan.pipeline import load_model
from fingan.scenarios.samplers import Sampler

COMMAND = "python -m benchmarks.index_var"
PRICES, FIRST, LAST = "sp500-index", "2005-01-03", "2022-12-28"
HISTORICAL = {"historical, 250 days": 250, "historical, 1,000 days": 1_000}  # fitted every day
PATHS = 10_000
SECONDS = 180  # the whole backtest of a model and five baselines
TOLERANCE = 0.01
COLUMNS = (
    *("forecaster", "tail", "FZ0", "known", "ratio", "s.e.", "DM t", "best at 90 %"),
    *("violations %", "known %", "Kupiec p", "known p", "cond. cov. p", "known cc p"),
)


class Figures(NamedTuple):
    """Of one forecaster at one level, as computed before; None where none was."""

    violations: float | None = None
    """Percent of the days."""
    kupiec: float | None = None
    coverage: float | None = None
    fz0: float | None = None


KNOWN = {
    "fhs-gjr": {
        0.99: Figures(1.32, 0.036, 0.109, 1.2433),
        0.975: Figures(2.83, 0.168, 0.365, 0.9977),
        0.95: Figures(5.19, 0.562, 0.790, 0.8047),
    },
    "gjr-skew-t": {
        0.99: Figures(1.15, 0.328, 0.551, 1.2472),
        0.975: Figures(3.02, 0.028, 0.090, 0.9978),
        0.95: Figures(5.50, 0.130, 0.173, 0.8058),
    },
    "fhs-ewma": {
        0.99: Figures(1.39, 0.013, 0.009, 1.312),
        0.95: Figures(5.12, 0.706, 0.931, 0.8626),
    },
    "garch-t": {0.99: Figures(1.68, fz0=1.267)},
    "historical, 250 days": {
        0.99: Figures(1.85, 0.000, 0.000, 1.574),
        0.975: Figures(3.64, fz0=1.274),
        0.95: Figures(5.72, fz0=1.033),
    },
    "historical, 1,000 days": {0.99: Figures(1.72, 0.000, 0.000, 1.812)},
    "EWMA, normal": {0.99: Figures(2.54, 0.000, 0.000, 1.579)},
    "GARCH, normal": {0.99: Figures(2.47, fz0=1.424)},
}


def measure(options: argparse.Namespace) -> list[Table]:
    """Forecast all days, judge, lay beside the known figures."""
    prices = read_prices(PRICES)
    model = None if options.model is None else load_model(options.model, options.store)
    baselines = tuple(options.baselines.split(","))

    def judged(forecaster: Sampler | None, design: Design) -> Backtest:
        with day_progress() as progress:
            return backtest(
                forecaster,
                prices,
                first=options.start,
                last=options.end,
                design=design,
                n_processes=options.processes,
                progress=progress,
            )

    began, work = time.monotonic(), _cpu_seconds()
    found = judged(
        model,
        Design(baselines=baselines, n_paths=options.paths, seed=options.seed, log_losses=True),
    )
    seconds, work = time.monotonic() - began, _cpu_seconds() - work
    rows = {(row.sampler, row.level): row for row in found.rows}
    for name, window in HISTORICAL.items() if options.every_day else ():
        daily = Design(
            baselines=("historical",),
            n_paths=options.paths,
            seed=options.seed,
            refit=1,
            window=window,
            log_losses=True,
        )
        rows |= {(name, row.level): row for row in judged(None, daily).rows}
    n_days = len(found.days.dates)
    return [_goals(rows, (seconds, work), n_days, options), _beside(rows, n_days, options)]


def _goals(
    rows: dict[tuple[str, float], Row],
    seconds: tuple[float, float],
    n_days: int,
    options: argparse.Namespace,
) -> Table:
    table = Table("One-day VaR of the S&P 500: goals", GOALS)
    for name in ("fhs-gjr", "gjr-skew-t", "fhs-ewma"):
        for level, known in KNOWN[name].items():
            row = rows.get((name, level))
            if row is None or row.fz0 is None or known.fz0 is None:
                continue
            table.add(
                f"FZ0 of {name} at {100 * (1 - level):g} %",
                f"{known.fz0} within {100 * TOLERANCE:g} %",
                f"{row.fz0:.4f} ({100 * (row.fz0 / known.fz0 - 1):+.2f} %)",
                options.command,
            )
    names = list(dict.fromkeys(name for name, _ in rows if name not in HISTORICAL))
    table.add(
        f"wall time, {n_days:,} days of {len(names)} forecasters, {options.paths:,} paths a day,"
        f" {options.processes} processes",
        f"at most {SECONDS} s (a model and five baselines, {PATHS:,} paths)",
        f"{seconds[0]:.0f} s ({seconds[1]:.0f} CPU-s)",
        options.command,
    )
    return table


def _beside(rows: dict[tuple[str, float], Row], n_days: int, options: argparse.Namespace) -> Table:
    table = Table("One-day VaR of the S&P 500, beside known figures", COLUMNS)
    names = list(dict.fromkeys([*(name for name, _ in rows), *KNOWN]))
    levels = sorted({level for _, level in rows}, reverse=True)
    for level in levels:
        for name in names:
            row, known = rows.get((name, level)), KNOWN.get(name, {}).get(level, Figures())
            if row is not None or known.fz0 is not None:
                table.add(name, f"{100 * (1 - level):g} %", *_cells(row, known))
    table.notes = [
        f"{n_days:,} days, {options.start} to {options.end}; seed {options.seed}",
        f"s.e.: Newey-West; DM t: Diebold-Mariano against {REFERENCE}, negative is better;"
        " best: in the model confidence set of those fitted alike",
        "p-values are not adjusted; asymptotic where 30 violations or more are expected",
        f"known figures are of {FIRST} to {LAST}",
    ]
    return table


def _cells(row: Row | None, known: Figures) -> list[str | float | None]:
    if row is None:
        return [
            None,
            known.fz0,
            *([None] * 5),
            known.violations,
            None,
            known.kupiec,
            None,
            known.coverage,
        ]
    ratio = None if known.fz0 is None or row.fz0 is None else f"{row.fz0 / known.fz0:.4f}"
    return [
        row.fz0 and f"{row.fz0:.4f}",
        known.fz0,
        ratio,
        row.fz0_se,
        row.dm_t and f"{row.dm_t:+.2f}",
        None if row.in_mcs is None else ("yes" if row.in_mcs else "no"),
        f"{100 * row.violations / row.n_days:.2f}",
        known.violations,
        row.tests["kupiec"].p,
        known.kupiec,
        row.tests["conditional_coverage"].p,
        known.coverage,
    ]


def _cpu_seconds() -> float:
    """Of this process and those that it started and saw end."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--model", help="a trained model of the index, trained on rows before --from")
    add("--store", default="models", help="of the model (%(default)s)")
    add("--from", dest="start", default=FIRST, help="first day (%(default)s)")
    add("--to", dest="end", default=LAST, help="last day (%(default)s)")
    add("--baselines", default=",".join(OPPONENTS), help="%(default)s")
    add("--paths", type=int, default=PATHS, help="per day (%(default)s)")
    add("--seed", type=int, default=0, help="of the paths (%(default)s)")
    add("--processes", type=int, default=2, help="change no figure (%(default)s)")
    add(
        "--no-daily",
        dest="every_day",
        action="store_false",
        help="leave out historical simulation that is fitted anew every day",
    )
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
