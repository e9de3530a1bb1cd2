"""The Quant GANs table: how long paths of an index resemble the S&P 500, in sample and held out.

Each generator draws 500 paths of 4,000 days, and no path is dropped. Scores, lower is better:

- *ACF id, abs, sq*: root-mean-square distance over lags 1 to 250 between the autocorrelation of
  the market's returns, absolute returns and squares, and the mean path's;
- *leverage*: Euclidean distance over lags 1 to 250 of corr(return, later squared return);
- *DY* at 1, 5, 20, 100 days: sum over equally likely bins of the difference of log-probabilities,
  120 bins, or a twentieth of the days if that is less;
- *EMD* at 1, 5, 20, 100 days: Wasserstein-1 distance of summed log-returns, raw and in standard
  deviations of the market's.

*In sample*: fitted and scored on May 2009 to December 2018, as in the paper, whose authors also
chose their checkpoint there; for continuity only. *Held out*: fitted on all days to the end of
2015, scored on 2016 to 2018 and on 2019 to 2022.

A perfect model does not score 0, as the market is one path. The band holds the middle 80 % of what
GJR-GARCH with skewed t innovations, fitted on the same days, scores against one path of its own as
long as the market's. A score above the band tells a generator from the truth; one below it, in
sample, has learnt this path.

Source: Wiese, Knobloch, Korn & Kretschmer (2020), Quant GANs: deep generation of financial time
series, section 7 and table 2. `garch-normal` is their GARCH(1,1) fitted again: its ACF, leverage
and DY agree with theirs, which shows that the definitions do. The unit of their EMD could not be
recovered, and their EMD is left out.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean

import pandas as pd

from benchmarks.garch import N_STEPS, History, Paths, Simulate, garch_normal
from benchmarks.learning import MODEL, learning_options, look_quickly, names, say, trained
from benchmarks.market import prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.quant_gans_scores import (
    DEPENDENCE,
    DY,
    EMD,
    JUDGED,
    N_LAGS,
    PUBLISHED,
    SCALED,
    Floors,
    Scores,
    metrics,
    n_above,
    n_below,
)
from benchmarks.tables import GOALS, Table
from fingan.data.returns import log_returns
from fingan.errors import RequestError
from fingan.metrics.floors import sampling_floors
from fingan.pipeline import baseline
from fingan.scenarios.samplers import Sampler

COMMAND = "python -m benchmarks.quant_gans"
TRUTH, GARCH = "gjr-skew-t", "garch-normal"
BASELINES = ["historical", "block-bootstrap", "garch-t", TRUTH, "fhs-gjr"]
IN_SAMPLE = ("2009-05-01", "2018-12-31")
HELD_OUT = (("2016-01-01", "2018-12-31"), ("2019-01-01", "2022-12-28"))
UNTIL = "2015-12-31"
GOAL = dict(zip((*DEPENDENCE, *DY), PUBLISHED["published: TCN"], strict=True))
IN_GOAL = ("ACF abs", "leverage", *DY)
QUICK = {"steps": 20, "paths": 50, "repetitions": 4}


def measure(options: argparse.Namespace) -> list[Table]:
    """Fit, draw, score: in sample, then held out."""
    prices = prices_of(options)
    if len(prices.columns) != 1:
        raise RequestError(f"--prices must hold one asset, got {len(prices.columns)}")
    tables = []
    for spans, past in (
        ((IN_SAMPLE,), _between(prices, *IN_SAMPLE)),
        (HELD_OUT, _between(prices, str(prices.index[0].date()), UNTIL)),
    ):
        generators = dict(_generators(past, options))
        drawn = {name: draw(options.paths, options.seed) for name, draw in generators.items()}
        truth = generators.get(TRUTH) or _simulated(baseline(TRUTH, past), past)
        for first, last in spans:
            market = log_returns(prices).between(first, last).values[:, 0]
            tables += _tables(market, drawn, truth, (first, last), options)
    return tables


def _between(prices: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    """Rows of the returns from ``first`` to ``last``: one price before them too."""
    start = max(int(prices.index.searchsorted(pd.Timestamp(first))) - 1, 0)
    rows = prices.iloc[start:].loc[:last]
    if len(rows) <= N_LAGS:
        raise RequestError(
            f"--prices must hold more than {N_LAGS} days from {first} to {last}, got {len(rows)}"
        )
    rows.attrs = dict(prices.attrs)
    return rows


def _generators(past: pd.DataFrame, options: argparse.Namespace) -> Iterator[tuple[str, Simulate]]:
    days = f"{past.index[0]:%Y-%m-%d} to {past.index[-1]:%Y-%m-%d}"
    say(f"fitting baselines on {days}")
    yield GARCH, garch_normal(log_returns(past).values[:, 0])
    for name in options.baselines:
        yield name, _simulated(baseline(name, past), past)
    for name, model in trained(past, options):
        yield name, _simulated(model, past)


def _simulated(sampler: Sampler, past: pd.DataFrame) -> Simulate:
    def draw(n_paths: int, seed: int) -> Paths:
        drawn = sampler.sample(past, N_STEPS, n_paths, seed=seed)
        return drawn.log_returns[..., 0].double()

    return draw


def _tables(
    market: History,
    drawn: Mapping[str, Paths],
    truth: Simulate,
    span: tuple[str, str],
    options: argparse.Namespace,
) -> list[Table]:
    first, last = span
    say(f"scoring {first} to {last}")
    measures = metrics(len(market))
    scores = {
        name: {key: metric(market, paths) for key, metric in measures.items()}
        for name, paths in drawn.items()
    }
    floors = sampling_floors(
        measures,
        truth,
        n_days=len(market),
        n_paths=min(options.paths, options.floor_paths),
        n_repetitions=options.repetitions,
        seed=options.seed + 1,
    )
    is_in_sample = span == IN_SAMPLE
    name = f"Quant GANs table, {'in sample' if is_in_sample else 'held out'}, {first} to {last}"
    table = _beside(name, scores, floors, PUBLISHED if is_in_sample else {})
    table.notes = [
        f"{len(market):,} days; {options.paths} paths of {N_STEPS:,} days each, none dropped",
        f"band: of {TRUTH} against one path of its own as long as the market's,"
        f" {options.repetitions} times, {min(options.paths, options.floor_paths)} paths each",
        f"above, below: of {len(JUDGED)} scores, how many lie above and below the band",
        "historical: days drawn one by one, an iid bootstrap",
    ]
    distances = Table(f"{name}: EMD", ("lower is better", *EMD, *SCALED))
    _fill(distances, scores, floors, (*EMD, *SCALED))
    return [_goal(name, scores, floors, is_in_sample, options), table, distances]


def _beside(
    name: str,
    scores: Mapping[str, Scores],
    floors: Floors,
    published: Mapping[str, Sequence[float]],
) -> Table:
    columns = (*DEPENDENCE, *DY)
    table = Table(name, ("lower is better", *columns, "above", "below"))
    for row, values in published.items():
        table.add(row, *map(_number, values), None, None)
    _fill(table, scores, floors, columns, is_judged=True)
    return table


def _fill(
    table: Table,
    scores: Mapping[str, Scores],
    floors: Floors,
    columns: Sequence[str],
    *,
    is_judged: bool = False,
) -> None:
    """The band of a perfect model, then a row for each generator."""
    bands = [f"{_number(floors[key].p10)} to {_number(floors[key].p90)}" for key in columns]
    gap: tuple[None, ...] = (None, None) if is_judged else ()
    table.add("perfect model, mean", *(_number(floors[key].mean) for key in columns), *gap)
    table.add("perfect model, band", *bands, *gap)
    for name, own in scores.items():
        verdict = (n_above(own, floors), n_below(own, floors)) if is_judged else ()
        table.add(name, *(_number(own[key]) for key in columns), *verdict)


def _goal(
    name: str,
    scores: Mapping[str, Scores],
    floors: Floors,
    is_in_sample: bool,
    options: argparse.Namespace,
) -> Table:
    table = Table(f"{name}: goal", GOALS)
    own = [found for row, found in scores.items() if row.startswith(MODEL)]
    if not own:
        return table
    if is_in_sample:
        for key in IN_GOAL:
            figure = _number(mean(found[key] for found in own))
            table.add(f"{key}, mean over seeds", f"at most {GOAL[key]}", figure, options.command)
        return table
    counts = ", ".join(str(n_above(found, floors)) for found in own)
    goal = f"0 of {len(JUDGED)} scores above the band"
    table.add("scores above the band, by seed", goal, counts, options.command)
    return table


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.2f}" if value >= 1 else f"{value:.5f}"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[learning_options(), output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--prices", default="sp500-index", help="of one asset (default: %(default)s)")
    add("--baselines", type=names, default=BASELINES, help=f"default: {','.join(BASELINES)}")
    add("--seed", type=int, default=0, help="of the paths (%(default)s)")
    add("--paths", type=int, default=500, help="of each generator (%(default)s)")
    add("--floor-paths", type=int, default=100, help="beside the perfect model's (%(default)s)")
    add("--repetitions", type=int, default=40, help="of the perfect model (%(default)s)")
    options = parsed(parser, COMMAND, arguments)
    return look_quickly(options, parser, QUICK)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
