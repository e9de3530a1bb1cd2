"""One-day VaR and ES of the S&P 500, 2005 to 2022, beside figures computed with other programs.

The protocol: every day from 2005-01-03 to 2022-12-28 is forecast from the rows before it with
10,000 paths, 4,529 days; baselines are fitted on the 1,500 rows before, again after every 63.
`--seeds` adds the model, trained before the first day on all rows since `--first-row` and again
after every `--retrain` rows, and its filter is fitted anew after every `--refit`: each day is
forecast by the newest fit that had ended by then.
`--model` names a published model instead, which is never fitted again and must have been trained
on earlier rows. Losses are log-returns in percent, as in the figures to reproduce; with simple
returns, which `fingan backtest` takes, every FZ0 is about 0.02 lower. Differences of FZ0 do not
depend on the unit, ratios do.

Trainings are kept in `--store` and found again as long as rows, configuration and the code that
trains are the same; so a long run may be interrupted, and seeds may be trained side by side in
several processes (`--seeds 0,1 --no-scores`) before one scores them all.

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
from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from benchmarks.index_var_tables import BOUNDS, add_known, add_models, beside, mean_of_seeds
from benchmarks.learning import look_quickly, names, say
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import stored_model, stored_options, training_minutes
from benchmarks.tables import GOALS, Table
from benchmarks.walking import Walking
from fingan.assessment.var_backtest import OPPONENTS, Backtest, Design, backtest
from fingan.assessment.var_forecasts import MODEL, DayForecasts, Days
from fingan.assessment.var_verdicts import judge
from fingan.cli.day_progress import day_progress
from fingan.data.prices import read_prices
from fingan.data.returns import end_of
from fingan.errors import RequestError
from fingan.pipeline import load_model
from fingan.scenarios.samplers import Sampler, TrainedSampler

COMMAND = "python -m benchmarks.index_var"
PRICES, FIRST, LAST = "sp500-index", "2005-01-03", "2022-12-28"
HISTORICAL = {"historical, 250 days": 250, "historical, 1,000 days": 1_000}  # fitted every day
PATHS = 10_000
SECONDS = 180  # the whole backtest of a model and five baselines
QUICK = {
    "start": "2002-01-02",
    "end": "2003-12-31",
    "seeds": [0],
    "steps": 20,
    "paths": 1_000,
    "every_day": False,
}


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, forecast all days, judge, lay beside the known figures."""
    prices = read_prices(options.prices)
    if len(prices.columns) != 1:
        raise RequestError(f"--prices must hold one asset, got {len(prices.columns)}")
    models = dict(_models(prices, options))
    goals = Table("One-day VaR of an index: goals", GOALS)
    if models and options.model is None:
        _add_cost(goals, models, options)
    if options.no_scores:
        return [goals]
    design = Design(
        baselines=tuple(options.baselines),
        n_paths=options.paths,
        seed=options.seed,
        log_losses=True,
    )
    began, work = time.monotonic(), _cpu_seconds()
    days, forecasts = _forecast(prices, models, design, options)
    rows = {
        (row.sampler, row.level): row for row in judge(forecasts, days, design.levels, horizon=1)
    }
    is_known = (options.prices, options.start, options.end) == (PRICES, FIRST, LAST)
    if models:
        add_models(goals, rows, list(models), BOUNDS if is_known else {}, options.command)
    if is_known:
        add_known(goals, rows, options.command)
    goals.add(
        f"wall time, {len(days.dates):,} days of {len(forecasts)} forecasters,"
        f" {options.paths:,} paths a day, {options.processes} processes",
        f"at most {SECONDS} s (a model and five baselines, {PATHS:,} paths)",
        f"{time.monotonic() - began:.0f} s ({_cpu_seconds() - work:.0f} CPU-s)",
        options.command,
    )
    for name, window in HISTORICAL.items() if options.every_day else ():
        daily = Design(
            baselines=("historical",),
            n_paths=options.paths,
            seed=options.seed,
            refit=1,
            window=window,
            log_losses=True,
        )
        rows |= {(name, row.level): row for row in _judged(None, prices, daily, options).rows}
    span = f"{len(days.dates):,} days, {options.start} to {options.end}; seed {options.seed}"
    means = [mean_of_seeds(forecasts, list(models), days, design.levels)] if models else []
    return [goals, *means, beside(rows, [span])]


def _models(prices: pd.DataFrame, options: argparse.Namespace) -> Iterator[tuple[str, Sampler]]:
    """The published model, or the walk of each seed, by name."""
    if options.model is not None:
        yield MODEL, load_model(options.model)
        return
    first = int(prices.index.searchsorted(pd.Timestamp(options.start))) - 1
    last = int(prices.index.searchsorted(end_of(options.end), side="right")) - 1
    if first <= options.first_row:
        raise RequestError(
            f"--from must lie after row {options.first_row}, where training begins, got"
            f" {options.start}"
        )
    fit_rows = range(first, max(last, first + 1), options.retrain or len(prices))
    for seed in options.seeds:
        say(f"seed {seed}: {len(fit_rows)} trainings")

        def fit(past: pd.DataFrame, seed: int = seed) -> Sampler:
            return stored_model(past, options, seed)

        walk = Walking.of(prices, fit_rows, options.first_row, fit)
        if options.refit:
            walk = walk.refitted(prices, range(first, last, options.refit), options.first_row)
        yield f"{MODEL}, seed {seed}", walk


def _add_cost(table: Table, models: dict[str, Sampler], options: argparse.Namespace) -> None:
    trained = {
        model.reference: model
        for walk in models.values()
        if isinstance(walk, Walking)
        for model in walk.models
    }
    table.add(
        f"training of an index, wall, {len(trained)} trainings",
        "one generator of an index at most 2 minutes",
        training_minutes([one for one in trained.values() if isinstance(one, TrainedSampler)]),
        options.command,
    )


def _forecast(
    prices: pd.DataFrame, models: dict[str, Sampler], design: Design, options: argparse.Namespace
) -> tuple[Days, dict[str, DayForecasts]]:
    """The days, and what each forecaster said before them."""
    alone = Design(baselines=(), n_paths=options.paths, seed=options.seed, log_losses=True)
    found: dict[str, DayForecasts] = {}
    for name, model in models.items():
        judged = _judged(model, prices, alone, options)
        found[name] = judged.forecasts[MODEL]
    judged = _judged(None, prices, design, options)
    return judged.days, {**found, **judged.forecasts}


def _judged(
    model: Sampler | None, prices: pd.DataFrame, design: Design, options: argparse.Namespace
) -> Backtest:
    with day_progress() as progress:
        return backtest(
            model,
            prices,
            first=options.start,
            last=options.end,
            design=design,
            n_processes=options.processes,
            progress=progress,
        )


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
        parents=[stored_options(seeds=""), output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--prices", default=PRICES, help="of one asset (default: %(default)s)")
    add("--model", help="a published model instead: name in FINGAN_STORE or ./models, or path")
    add("--retrain", type=int, default=252, help="rows between trainings; 0 never (%(default)s)")
    add("--refit", type=int, default=63, help="rows between fits of the filter (%(default)s)")
    add("--first-row", type=int, default=0, help="of every training (%(default)s)")
    add("--from", dest="start", default=FIRST, help="first day (%(default)s)")
    add("--to", dest="end", default=LAST, help="last day (%(default)s)")
    add("--baselines", type=names, default=list(OPPONENTS), help=f"default: {','.join(OPPONENTS)}")
    add("--paths", type=int, default=PATHS, help="per day (%(default)s)")
    add("--seed", type=int, default=0, help="of the paths (%(default)s)")
    add("--processes", type=int, default=2, help="change no figure (%(default)s)")
    add("--no-scores", action="store_true", help="only train what is not in the store")
    add(
        "--no-daily",
        dest="every_day",
        action="store_false",
        help="leave out historical simulation that is fitted anew every day",
    )
    return look_quickly(parsed(parser, COMMAND, arguments), parser, QUICK)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
