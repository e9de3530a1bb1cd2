"""Intraday bars: is the volatility of each time of day kept, and how good are the scenarios?

Trained on the rows up to `--until` (default: the first four fifths of the file), or found in
`--store`, and scored on the rows after it. The baselines are fitted on the same rows, the filtered
ones as they are and without the time of day, which is their fair form for bars.

- The pattern over the day: the standard deviation of each of the steps that follow the training
  rows, relative to their mean square, against the market's after them, slot by slot; beside it the
  market's own pattern before them.
- The gates of publication, and scores of what followed from many rows, at all times of day, with
  Diebold-Mariano t. Horizons are bars.

`--quick` trains 50 steps of one generator on the last rows of the file.
"""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.learning import say
from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import rows_until, stored_model, stored_options
from benchmarks.tables import GOALS, Table
from fingan.assessment.comparison import Scores, compare, overlap
from fingan.assessment.forecast_scores import HORIZONS, forecast_scores
from fingan.assessment.outcomes import Outcomes, cut_outcomes
from fingan.data.returns import log_returns
from fingan.errors import RequestError
from fingan.pipeline import baseline
from fingan.scenarios.deseasonalised import time_of_day_of
from fingan.scenarios.samplers import Sampler
from fingan.volatility.time_of_day import TimeOfDay

COMMAND = "python -m benchmarks.intraday"
PLAIN, FILTERED = ("block-bootstrap",), ("fhs-gjr",)
QUICK_ROWS, QUICK = 8_000, ("steps=50", "ensemble=1")
Pattern = Float[Tensor, "n_slots n_assets"]


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, compare patterns, score."""
    prices = _rows(prices_of(options), options)
    past = rows_until(prices, options.until or prices.index[len(prices) * 4 // 5])
    after = prices.iloc[len(past) - 1 :]
    after.attrs = dict(prices.attrs)
    market = time_of_day_of(log_returns(after))
    if market.is_flat:
        raise RequestError(f"--prices must hold several bars a day, got {options.prices}")
    settings = QUICK if options.quick else ()
    models = {
        f"model, seed {seed}": stored_model(past, options, seed, settings) for seed in options.seeds
    }
    rivals = [baseline(name, past) for name in (*PLAIN, *FILTERED)]
    rivals += [baseline(name, past, deseasonalised=True) for name in FILTERED]
    samplers: dict[str, Sampler] = {**models, **{one.reference: one for one in rivals}}
    outcomes = _outcomes(after, prices, len(market.slots), options)
    scores = {}
    for name, sampler in samplers.items():
        say(f"scoring {name}")
        scores[name] = forecast_scores(sampler, prices, outcomes, options.paths, seed=0)
    patterns = {
        name: drawn_pattern(sampler, past, len(market.slots), options.paths)
        for name, sampler in samplers.items()
    }
    return [
        _pattern(patterns, past, market),
        _gates({name: model.card["gates"] for name, model in models.items()}, options),
        _beside(scores, list(models), outcomes),
    ]


def drawn_pattern(sampler: Sampler, past: pd.DataFrame, n_slots: int, n_paths: int) -> Pattern:
    """Standard deviation of each step of the day after a history, relative to their mean square."""
    spread = sampler.sample(past, n_slots, n_paths, seed=0).log_returns.double().std(0)
    return spread / spread.square().mean(0).sqrt()


def pattern_error(pattern: Pattern, market: Pattern) -> float:
    """Root mean square of the log ratio to the market's, over slots and assets."""
    return float((pattern / market).log().square().mean().sqrt())


def _rows(prices: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    rows = prices.iloc[-QUICK_ROWS:] if options.quick else prices
    rows.attrs = dict(prices.attrs)
    return rows


def _outcomes(
    after: pd.DataFrame, prices: pd.DataFrame, n_slots: int, options: argparse.Namespace
) -> Outcomes:
    """Starting rows at all times of day: their stride shares no divisor with a day's bars."""
    first, last, n_rows = after.index[1], after.index[-1], len(after) - max(HORIZONS)
    n_dates = options.dates
    while math.gcd(-(-n_rows // n_dates), n_slots) > 1 and n_dates > options.dates // 2:
        n_dates -= 1
    return cut_outcomes(prices, tuple(prices.columns), first, last, HORIZONS, n_dates)


def _pattern(patterns: Mapping[str, Pattern], past: pd.DataFrame, market: TimeOfDay) -> Table:
    table = Table(
        "Intraday: volatility by time of day",
        ("whose", "error, root mean square of log ratios", "highest slot", "lowest slot"),
    )
    history = log_returns(past)
    n_slots = len(market.slots)
    truth = market.following(history.dates, n_slots)
    before = time_of_day_of(history).following(history.dates, n_slots)
    for name, one in {
        "market after": truth,
        "market before": before,
        **patterns,
    }.items():
        mean = one.mean(1)
        table.add(name, pattern_error(one, truth), float(mean.max()), float(mean.min()))
    table.notes = [
        f"{n_slots} times of day; the mean over assets of the highest and the lowest, relative",
    ]
    return table


def _gates(gates: Mapping[str, Mapping[str, Sequence[str]]], options: argparse.Namespace) -> Table:
    table = Table("Intraday: goal", GOALS)
    for name, found in gates.items():
        failed = ", ".join(found["failed"]) or "none"
        table.add(
            f"gates failed, {name}",
            "none",
            f"{failed}; {len(found['passed'])} passed, {len(found['not_applicable'])} do not apply",
            options.command,
        )
    return table


def _beside(
    scores: Mapping[str, Mapping[str, Scores]], models: Sequence[str], outcomes: Outcomes
) -> Table:
    rivals = [name for name in scores if name not in models]
    columns = ("score, lower is better", "models", *(c for r in rivals for c in (r, "t")))
    table = Table("Intraday: scores", columns)
    for key in scores[models[0]]:
        ours = torch.stack([scores[name][key] for name in models]).mean(0)
        horizon = int(key.rsplit("_", 1)[1])
        lags = overlap(horizon, outcomes.stride, len(outcomes.dates))
        cells: list[str] = []
        for rival in rivals:
            found = compare(ours, scores[rival][key], lags)
            cells += [f"{float(scores[rival][key].mean()):.4f}", f"{found.t:+.1f}"]
        table.add(f"{key} bars", f"{float(ours.mean()):.4f}", *cells)
    first, last = outcomes.dates[0], outcomes.dates[-1]
    table.notes = [
        f"{len(outcomes.dates)} starting rows, every {outcomes.stride}, {first} to {last}; t:"
        " Diebold-Mariano of the seeds' mean score, negative when the model is better",
    ]
    return table


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), stored_options("0"), output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--until", help="last day of training (default: after four fifths of the rows)")
    add("--dates", type=int, default=250, help="starting rows at most (%(default)s)")
    add("--paths", type=int, default=1024, help="per starting row (%(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
