"""Out-of-sample scores of the model beside every baseline: the joint law, assets, portfolios.

The protocol: train on prices up to `--until` once per seed, the baselines on the same rows; then
continue from every seventh day of `--from` to `--to` with 800 paths, and score what followed: the
energy score of 10-day log-returns of all assets; and after 1, 5, 10 and 20 days the CRPS of each
asset, of the equal-weight and the minimum-variance portfolio and of 20 random long-short ones.
Differences carry a Diebold-Mariano t with Newey-West errors; negative means that the model is
better. Beside the baselines stands the start: the same configuration with its network as training
finds it, so that the difference is what adversarial training adds.

The test span, 2015 to 2022, is scored once for each published figure. Choose on a validation span
inside the training period, for example with `--until 2010-12-31 --from 2011-01-01 --to
2014-12-31`, where `--quick` looks too. Models are kept in `--store` and found again as long as
prices, configuration and the code that trains are the same: train seeds side by side in several
processes (`--seeds 0,1 --no-scores`), then score them all in one.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from benchmarks.learning import look_quickly, names, say
from benchmarks.market import market_options, prices_of
from benchmarks.min_variance import min_variance_scores
from benchmarks.out_of_sample_tables import REFERENCE, START, Found, tables
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import (
    UNTRAINED,
    rows_until,
    stored_model,
    stored_options,
    training_minutes,
)
from benchmarks.tables import GOALS, Table
from fingan.assessment.comparison import Scores
from fingan.assessment.fidelity import fit_baselines
from fingan.assessment.forecast_scores import HORIZONS, forecast_scores
from fingan.assessment.outcomes import Outcomes, cut_outcomes, table_of
from fingan.data.returns import end_of
from fingan.errors import RequestError
from fingan.scenarios.baselines import BASELINES
from fingan.scenarios.samplers import Sampler

COMMAND = "python -m benchmarks.out_of_sample"
OPPONENTS = [name for name in BASELINES if name != "vine"]  # which draws one step alone
UNTIL, FIRST, LAST = "2014-12-31", "2015-01-01", "2022-12-28"
MIN_DATES = 8
QUICK = {
    "until": "2010-12-31",
    "start": "2011-01-01",
    "end": "2014-12-31",
    "seeds": [0],
    "steps": 20,
    "every": 50,
    "paths": 64,
}


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, score, compare."""
    prices = prices_of(options)
    past = rows_until(prices, options.until)
    models = [stored_model(past, options, seed) for seed in options.seeds]
    cost = Table("Out of sample: cost of training", GOALS)
    cost.add(
        f"training of {len(past.columns)} assets, {len(past):,} rows, wall, by seed",
        "one generator of sp500-20 at most 4 minutes, of an index 2; five at most 15",
        training_minutes(models),
        options.command,
    )
    if options.no_scores:
        return [cost]
    outcomes = cut(prices, models[0].assets, options.start, options.end, options.every)
    baselines, skipped = fit_baselines(options.baselines, past, models[0])
    start = stored_model(past, options, options.seeds[0], UNTRAINED)
    say(f"scoring {len(outcomes.dates)} dates from {outcomes.dates[0]:%Y-%m-%d}")
    own = {
        seed: score(model, prices, outcomes, options)
        for seed, model in zip(options.seeds, models, strict=True)
    }
    others = _scored({**baselines, START: start}, prices, outcomes, options)
    notes = [f"{options.paths} paths a date; trained to {past.index[-1]:%Y-%m-%d}", *skipped]
    return [cost, *tables(Found(own, others, outcomes, notes), options.command)]


def cut(
    prices: pd.DataFrame, assets: tuple[str, ...], start: str, end: str, every: int
) -> Outcomes:
    """Starting days such that every outcome lies within ``start`` to ``end``.

    Raises:
        RequestError: If there are too few.
    """
    n_days = len(table_of(prices, assets).between(start, end).dates)
    n_possible = max(n_days - max(HORIZONS) + 1, 1)
    first, last, n_dates = pd.Timestamp(start), end_of(end), -(-n_possible // every)
    outcomes = cut_outcomes(prices, assets, first, last, HORIZONS, n_dates)
    if len(outcomes.dates) < MIN_DATES:
        raise RequestError(
            f"--from and --to must leave {MIN_DATES} starting days with {max(HORIZONS)} rows of"
            f" outcomes after a history, got {len(outcomes.dates)} from {start} to {end}"
        )
    return outcomes


def score(
    sampler: Sampler, prices: pd.DataFrame, outcomes: Outcomes, options: argparse.Namespace
) -> dict[str, Scores]:
    """All measures on all dates; the scenarios of a date have its own seed, for every sampler."""
    found = forecast_scores(sampler, prices, outcomes, options.paths, seed=options.seed)
    if len(outcomes.assets) == 1:
        return found
    return found | min_variance_scores(sampler, prices, outcomes, options.paths, seed=options.seed)


def _scored(
    samplers: Mapping[str, Sampler],
    prices: pd.DataFrame,
    outcomes: Outcomes,
    options: argparse.Namespace,
) -> dict[str, dict[str, Scores]]:
    found = {}
    for name, sampler in samplers.items():
        say(f"  {name}")
        found[name] = score(sampler, prices, outcomes, options)
    return found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), stored_options(), output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--until", default=UNTIL, help="last day of training (%(default)s)")
    add("--from", dest="start", default=FIRST, help="first outcome (%(default)s)")
    add("--to", dest="end", default=LAST, help="last outcome (%(default)s)")
    add("--every", type=int, default=7, help="rows between two dates, at most (%(default)s)")
    add("--paths", type=int, default=800, help="per date (%(default)s)")
    add("--seed", type=int, default=0, help="of the paths (%(default)s)")
    add("--baselines", type=names, default=OPPONENTS, help=f"default: {','.join(OPPONENTS)}")
    add("--no-scores", action="store_true", help="only train what is not in the store")
    options = look_quickly(parsed(parser, COMMAND, arguments), parser, QUICK)
    if not options.seeds or REFERENCE not in options.baselines:
        parser.error(f"--seeds must name one at least, and --baselines {REFERENCE}")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
