"""Out-of-sample scores of the default model beside FHS-GJR and plain historical simulation.

The protocol: train on prices up to `--until` once per seed, the baselines on the same rows; then
continue from every seventh day of `--from` to `--to` with 800 paths, and score what followed: the
energy score of 10-day log-returns of all assets, and the CRPS of each asset and of the
equal-weight portfolio after 1, 5, 10 and 20 days. Differences from FHS-GJR carry a
Diebold-Mariano t with Newey-West errors; negative means that the model is better.

The test span, 2015 to 2022, is scored once for each published figure. Choose on a validation span
inside the training period, for example with `--until 2010-12-31 --from 2011-01-01 --to
2014-12-31`. Trained models are kept in `--store` and found again as long as prices, configuration
and the code that trains are the same.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

import fingan
from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.assessment.comparison import compare
from fingan.config import load_config
from fingan.data.quality import data_digest
from fingan.data.returns import log_returns
from fingan.errors import ModelNotFoundError, RequestError
from fingan.metrics.scoring_rules import crps, energy_score
from fingan.pipeline import baseline, load_model, train
from fingan.scenarios.samplers import Sampler
from fingan.training.config import TrainConfig

COMMAND = "python -m benchmarks.out_of_sample"
REFERENCE, PLAIN = "fhs-gjr", "historical"
HORIZONS, JOINT_HORIZON = (1, 5, 10, 20), 10
ENERGY = f"energy score of all assets, {JOINT_HORIZON} days"
UNTIL, FIRST, LAST = "2014-12-31", "2015-01-01", "2022-12-28"
TRAINING_ROOMS = ("data", "metrics", "models", "training", "volatility")

Scores = dict[str, Float[Tensor, " n_dates"]]  # by measure


@dataclass(frozen=True)
class Span:
    """Days to continue from, and what followed each, in units of the past."""

    prices: pd.DataFrame
    dates: list[pd.Timestamp]
    outcomes: dict[int, Float[Tensor, "n_dates n_assets"]]
    """Log-returns summed over each horizon."""
    deviations: dict[int, Float[Tensor, " n_assets"]]
    """Of such sums over the rows up to the first date."""
    portfolio_deviations: dict[int, float]
    """Of the equal-weight portfolio's simple return over each horizon."""


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, score, compare."""
    prices = prices_of(options)
    past = prices.loc[: options.until]
    past.attrs = dict(prices.attrs)
    models = [_trained(options, prices, past, seed) for seed in options.seeds]
    span = cut_span(prices, options.start, options.end, options.every)
    _say(f"scoring {len(span.dates)} dates, {span.dates[0]:%Y-%m-%d} to {span.dates[-1]:%Y-%m-%d}")
    scores = [score(model, span, options.paths) for model in models]
    opponents = {
        name: score(baseline(name, past), span, options.paths) for name in (REFERENCE, PLAIN)
    }
    average = {key: torch.stack([one[key] for one in scores]).mean(0) for key in scores[0]}
    return [
        _goal(average, opponents[REFERENCE], scores, options),
        _beside(average, opponents, scores, span, options),
    ]


def _trained(
    options: argparse.Namespace, prices: pd.DataFrame, past: pd.DataFrame, seed: int
) -> Sampler:
    """The model of a seed: from the store, or trained now and published there."""
    steps = [] if options.steps is None else [f"steps={options.steps}"]
    config = load_config(TrainConfig, options.config, [*options.set, *steps, f"seed={seed}"])
    name = f"seed{seed}-{_key(past, config)}"
    try:
        return load_model(name, options.store)
    except ModelNotFoundError:
        pass
    _say(f"training seed {seed}: {len(past)} rows to {past.index[-1]:%Y-%m-%d}")
    run = train(prices, config, name=name, store=options.store, until=options.until)
    began = time.process_time()
    for progress in run:
        if progress.is_check:
            found = progress.metrics["validation_score"]
            _say(f"  step {progress.step}: validation score {found:.4f}")
    _say(f"  {time.process_time() - began:.0f} CPU-s, published as {run.reference}")
    return load_model(str(run.reference), options.store)


def _key(past: pd.DataFrame, config: TrainConfig) -> str:
    """Digest of prices, configuration and the code that trains."""
    digest = hashlib.sha256(data_digest(past).encode())
    digest.update(json.dumps(config.model_dump(mode="json"), sort_keys=True).encode())
    house = Path(str(fingan.__file__)).parent
    for room in TRAINING_ROOMS:
        for file in sorted((house / room).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def cut_span(prices: pd.DataFrame, start: str, end: str, every: int) -> Span:
    """The days to continue from, so that every outcome lies within ``start`` to ``end``.

    Raises:
        RequestError: If the span holds no date with the longest horizon after it.
    """
    table = log_returns(prices)
    inside = table.between(start, end)
    first = int(table.dates.searchsorted(pd.Timestamp(start)))
    rows = list(range(first, first + len(inside.dates) - max(HORIZONS) + 1, every))
    if not rows or first < max(HORIZONS) + 1:
        raise RequestError(
            f"--from and --to must leave {max(HORIZONS)} rows of outcomes after a history, got"
            f" {start} to {end}"
        )
    sums = {h: table.values.unfold(0, h, 1).sum(-1) for h in HORIZONS}
    past = {h: sums[h][: first - h + 1] for h in HORIZONS}
    offset = len(prices.index) - len(table.dates) - 1
    return Span(
        prices=prices,
        dates=[prices.index[offset + row] for row in rows],
        outcomes={h: sums[h][rows] for h in HORIZONS},
        deviations={h: past[h].std(0) for h in HORIZONS},
        portfolio_deviations={h: float(past[h].expm1().mean(1).std()) for h in HORIZONS},
    )


def score(sampler: Sampler, span: Span, n_paths: int) -> Scores:
    """All measures at all dates; each date has its own seed, the same for every sampler."""
    found: dict[str, list[Tensor]] = {}
    for number, date in enumerate(span.dates):
        drawn = sampler.sample(span.prices, max(HORIZONS), n_paths, seed=number, as_of=date)
        moves = drawn.log_returns.double().cumsum(1)
        for name, value in _measures(moves, span, number):
            found.setdefault(name, []).append(value)
    return {name: torch.stack(values) for name, values in found.items()}


def _measures(
    moves: Float[Tensor, "n_paths horizon n_assets"], span: Span, number: int
) -> Iterator[tuple[str, Float[Tensor, ""]]]:
    for horizon in HORIZONS:
        unit, unit_of_portfolio = span.deviations[horizon], span.portfolio_deviations[horizon]
        days = f"{horizon} day{'s' * (horizon > 1)}"
        terminal, outcome = moves[:, horizon - 1], span.outcomes[horizon][number]
        if horizon == JOINT_HORIZON:
            yield ENERGY, energy_score(terminal / unit, outcome / unit)
        yield f"CRPS of assets, {days}", crps((terminal / unit).T, outcome / unit).mean()
        portfolio, gained = terminal.expm1().mean(1), outcome.expm1().mean()
        yield (
            f"CRPS of the equal-weight portfolio, {days}",
            crps(portfolio / unit_of_portfolio, gained / unit_of_portfolio),
        )


def _goal(
    average: Scores, reference: Scores, scores: list[Scores], options: argparse.Namespace
) -> Table:
    table = Table("Out of sample: goal", GOALS)
    own = [float(one[ENERGY].mean()) for one in scores]
    theirs = float(reference[ENERGY].mean())
    found = compare(average[ENERGY], reference[ENERGY], _lags(len(average[ENERGY]), options))
    table.add(
        f"{ENERGY}, {options.start} to {options.end}, trained to {options.until}, seeds"
        f" {', '.join(map(str, options.seeds))}",
        f"at most {theirs:.4f} (FHS-GJR in the same program)",
        f"{mean(own):.4f} (seeds {', '.join(f'{value:.4f}' for value in own)}; t {found.t:+.1f})",
        options.command,
    )
    return table


def _beside(
    average: Scores,
    opponents: dict[str, Scores],
    scores: list[Scores],
    span: Span,
    options: argparse.Namespace,
) -> Table:
    columns = (
        "measure, lower is better",
        "model",
        "spread of seeds",
        REFERENCE,
        "t of it",
        PLAIN,
        "t of that",
    )
    table = Table("Out of sample, beside baselines", columns)
    for key in sorted(average, key=_order):
        own = [float(one[key].mean()) for one in scores]
        beside: list[str] = []
        for name in (REFERENCE, PLAIN):
            theirs = opponents[name][key]
            found = compare(average[key], theirs, _lags(len(theirs), options))
            beside += [f"{float(theirs.mean()):.4f}", f"{found.t:+.1f}"]
        spread = f"{stdev(own):.4f}" if len(own) > 1 else "-"
        table.add(key, f"{mean(own):.4f}", spread, *beside)
    table.notes = [
        f"{len(span.dates)} dates, every {options.every} rows from {span.dates[0]:%Y-%m-%d},"
        f" {options.paths} paths each; scores in standard deviations of the past",
        "model: mean over seeds; spread: standard deviation over seeds; t: Diebold-Mariano of the"
        " seeds' mean score against the column before it, negative when the model is better",
    ]
    return table


def _order(key: str) -> tuple[bool, int]:
    return key != ENERGY, "portfolio" in key


def _lags(n_dates: int, options: argparse.Namespace) -> int:
    """Dates whose outcomes overlap, and no fewer than Newey & West's rule of thumb."""
    return max(max(HORIZONS) // options.every, int(4 * (n_dates / 100) ** (2 / 9)))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--seeds", type=_integers, default=[0, 1, 2], help="default: 0,1,2")
    add("--until", default=UNTIL, help="last day of training (%(default)s)")
    add("--from", dest="start", default=FIRST, help="first outcome (%(default)s)")
    add("--to", dest="end", default=LAST, help="last outcome (%(default)s)")
    add("--every", type=int, default=7, help="rows between two dates (%(default)s)")
    add("--paths", type=int, default=800, help="per date (%(default)s)")
    add("--config", type=Path, help="TOML of the training; default the library's defaults")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="one value of it")
    add("--steps", type=int, help="fewer steps, for a try")
    add("--store", default="runs/out-of-sample", help="of trained models (%(default)s)")
    return parsed(parser, COMMAND, arguments)


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
