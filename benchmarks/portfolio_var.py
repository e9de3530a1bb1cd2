"""Ten-day VaR and ES of many portfolios, from a model that is never trained again.

The protocol: train on prices up to `--until` once per seed, the baselines on the same rows; then
forecast the ten-day loss of the equal-weight portfolio, of 20 random long-only and of 20 random
long-short portfolios from every fifth day of `--from` to `--to` with 5,000 paths. Long-only weights
are uniform on the simplex; long-short ones are normal, each asset in proportion to the inverse of
its past standard deviation, net zero and twice the capital gross.

*Coverage*: the share of days on which more was lost than VaR. Ten-day losses from every fifth day
overlap, so that violations come in runs and a binomial band would be too narrow. The band holds the
middle 95 % of the counts of a right forecaster whose losses are sums over the same overlapping days
of independent normal steps. Portfolios share the market's days: that many of 20 lie inside it is
one observation rather than 20.

*FZ0*: mean over the portfolios of a group, day by day, with a Diebold-Mariano t against fhs-gjr
that knows the overlap; negative means that the model is better.

Source: Patton, Ziegel & Chen (2019), Dynamic semiparametric models for expected shortfall (and
value-at-risk), equation 6, for FZ0; Diebold & Mariano (1995), Comparing predictive accuracy.
"""

import argparse
from collections.abc import Callable, Sequence

import pandas as pd

from benchmarks.learning import look_quickly, names, say
from benchmarks.market import market_options, prices_of
from benchmarks.portfolio_var_forecasts import HORIZON, coverage_band, forecast, groups_of
from benchmarks.portfolio_var_tables import Judged, tables
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import rows_until, stored_model, stored_options
from benchmarks.tables import Table
from fingan.assessment.fidelity import fit_baselines
from fingan.assessment.outcomes import Outcomes, cut_outcomes, table_of
from fingan.assessment.var_verdicts import REFERENCE
from fingan.data.returns import end_of
from fingan.errors import RequestError
from fingan.scenarios.samplers import Sampler

COMMAND = "python -m benchmarks.portfolio_var"
BASELINES = [REFERENCE, "gjr-skew-t", "t-copula", "historical"]
UNTIL, FIRST, LAST = "2014-12-31", "2015-01-01", "2022-12-28"
LEVELS = (0.99, 0.975, 0.95)
MIN_DATES = 30
QUICK = {
    "until": "2010-12-31",
    "start": "2011-01-01",
    "end": "2014-12-31",
    "seeds": [0],
    "steps": 20,
    "every": 10,
    "paths": 500,
}


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, forecast all days, judge."""
    prices = prices_of(options)
    past = rows_until(prices, options.until)
    models = {f"model, seed {seed}": stored_model(past, options, seed) for seed in options.seeds}
    first = next(iter(models.values()))
    baselines, skipped = fit_baselines(options.baselines, past, first)
    outcomes = _cut(prices, first.assets, options)
    groups = groups_of(outcomes)
    samplers: dict[str, Sampler] = {**models, **baselines}
    said = {}
    for name, sampler in samplers.items():
        say(f"{name}: {len(outcomes.dates)} dates")
        said[name] = forecast(
            sampler, prices, outcomes, groups, LEVELS, options.paths, seed=options.seed
        )
    n_dates = len(outcomes.dates)
    bands = {level: coverage_band(n_dates, outcomes.stride, HORIZON, level) for level in LEVELS}
    judged = Judged(said, list(models), outcomes, groups, LEVELS, bands)
    notes = [f"{options.paths} paths; trained to {past.index[-1]:%Y-%m-%d}", *skipped]
    return tables(judged, notes, options.command)


def _cut(prices: pd.DataFrame, assets: tuple[str, ...], options: argparse.Namespace) -> Outcomes:
    """Starting days such that every outcome lies within the span."""
    n_days = len(table_of(prices, assets).between(options.start, options.end).dates)
    n_dates = -(-max(n_days - HORIZON + 1, 1) // options.every)
    first, last = pd.Timestamp(options.start), end_of(options.end)
    outcomes = cut_outcomes(prices, assets, first, last, (HORIZON,), n_dates)
    if len(outcomes.dates) < MIN_DATES:
        raise RequestError(
            f"--from and --to must leave {MIN_DATES} starting days after a history, got"
            f" {len(outcomes.dates)} from {options.start} to {options.end}"
        )
    if outcomes.kind == "level":
        raise RequestError("--prices must hold prices or returns, got levels")
    return outcomes


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
    add("--every", type=int, default=5, help="rows between two dates, at most (%(default)s)")
    add("--paths", type=int, default=5_000, help="per date (%(default)s)")
    add("--seed", type=int, default=0, help="of the paths (%(default)s)")
    add("--baselines", type=names, default=BASELINES, help=f"default: {','.join(BASELINES)}")
    options = look_quickly(parsed(parser, COMMAND, arguments), parser, QUICK)
    if not options.seeds or REFERENCE not in options.baselines:
        parser.error(f"--seeds must name one at least, and --baselines {REFERENCE}")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
