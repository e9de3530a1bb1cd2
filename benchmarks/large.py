"""Some hundred assets: what training costs, how they move together, and scores beside rivals.

The `--assets` most complete columns of a price file, of those observed throughout the test span,
which is its last `--test` rows. Trained on all rows before it, or found in `--store`; the baselines
are fitted on the same rows. Then

- scores of what followed every seventh day, with Diebold-Mariano t against each baseline;
- two errors of how assets move together, of histories as long as the span against the market's:
  correlations, and the variances of weak directions. Those are the quarter of the principal
  directions of the past with least variance, along which long-short portfolios bet; each history is
  in its own standard deviations. The band is what the past itself scores, drawn in blocks.

`--quick` trains 20 steps of one generator and extrapolates the minutes.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from benchmarks.large_universe import Universe, cut_universe, weak_variance_error
from benchmarks.learning import say
from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import configuration, stored_model, stored_options
from benchmarks.tables import GOALS, Table
from fingan.assessment.comparison import Scores, compare, overlap
from fingan.assessment.forecast_scores import JOINT_HORIZON, forecast_scores
from fingan.errors import PriceDataError
from fingan.metrics.dependence import correlation_error
from fingan.pipeline import baseline, fit
from fingan.scenarios.samplers import Sampler, TrainedSampler

COMMAND = "python -m benchmarks.large"
RIVALS, BAND = ("factor-bootstrap", "fhs-gjr"), "block-bootstrap"
ENERGY = f"energy_score_{JOINT_HORIZON}"
QUICK_STEPS = 20
UNCHECKED = ("ensemble=1", "selection.n_starts=1", "selection.n_paths=16")
N_HISTORIES, N_RESAMPLED = 32, 128
MAX_MINUTES = 30


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, score, compare."""
    universe = cut_universe(prices_of(options), options)
    extra = (f"steps={QUICK_STEPS}", "ensemble=1") if options.quick else ()
    models = [stored_model(universe.past, options, seed, extra) for seed in options.seeds]
    samplers = dict(zip((f"model, seed {seed}" for seed in options.seeds), models, strict=True))
    opponents, notes = _fitted(universe.past)
    scores = {
        name: _scores(name, sampler, universe, options)
        for name, sampler in {**samplers, **opponents}.items()
        if name != BAND
    }
    cost, together = _cost(models, universe, options), _together(samplers, opponents, universe)
    beside = _beside(scores, list(samplers), universe)
    beside.notes += notes
    return [cost, together, beside]


def _fitted(past: pd.DataFrame) -> tuple[dict[str, Sampler], list[str]]:
    """The baselines, and a sentence for each that cannot be fitted on days with gaps."""
    fitted: dict[str, Sampler] = {}
    notes = list[str]()
    for name in (*RIVALS, BAND):
        say(f"fitting {name}")
        try:
            fitted[name] = baseline(name, past)
        except PriceDataError as too_thin:
            notes.append(f"{name}: not applicable: {too_thin}")
    return fitted, notes


def _scores(
    name: str, sampler: Sampler, universe: Universe, options: argparse.Namespace
) -> dict[str, Scores]:
    say(f"scoring {name}")
    return forecast_scores(
        sampler, universe.prices, universe.outcomes, options.paths, seed=0, max_horizon=20
    )


def _cost(
    models: Sequence[TrainedSampler], universe: Universe, options: argparse.Namespace
) -> Table:
    table = Table("Large universe: cost", GOALS)
    config = configuration(options, 0)
    for model in models:
        minutes = model.card["training"]["seconds"] / 60
        figure = f"{minutes:.1f} on {model.card['training']['n_workers']} worker"
        if options.quick:
            seconds = _seconds_a_step(universe.past, options)
            whole = seconds * config.steps * config.ensemble / 60
            figure = f"{whole:.0f} by {seconds:.2f} CPU-s a step, without checks"
        table.add(
            f"minutes of training, {len(universe.past.columns)} assets, {len(universe.past):,}"
            f" rows, {config.ensemble} generators of {config.steps:,} steps",
            f"at most {MAX_MINUTES}",
            figure,
            options.command,
        )
    return table


def _seconds_a_step(past: pd.DataFrame, options: argparse.Namespace) -> float:
    """CPU-seconds of a step, from runs of two lengths so that what is done once cancels."""
    spent = []
    for number, steps in enumerate((QUICK_STEPS // 2, QUICK_STEPS)):
        config = configuration(options, number, (f"steps={steps}", *UNCHECKED))
        began = time.process_time()
        fit(past, config)
        spent.append(time.process_time() - began)
    return (spent[1] - spent[0]) / (QUICK_STEPS - QUICK_STEPS // 2)


def _together(
    models: Mapping[str, Sampler], opponents: dict[str, Sampler], universe: Universe
) -> Table:
    columns = ("error of histories", *("band of the past, 5 to 95 %", *models), *opponents)
    table = Table("Large universe: how assets move together", columns)
    rows = {"correlations": list[str](), "variances of weak directions": list[str]()}
    if BAND in opponents:
        for error, found in zip(
            rows.values(), _errors(opponents[BAND], universe, N_RESAMPLED), strict=True
        ):
            low, high = found.quantile(torch.tensor([0.05, 0.95], dtype=torch.float64)).tolist()
            error.append(f"{low:.4f} to {high:.4f}")
    else:
        rows = {name: ["-"] for name in rows}
    for sampler in {**models, **opponents}.values():
        for error, found in zip(
            rows.values(), _errors(sampler, universe, N_HISTORIES), strict=True
        ):
            error.append(f"{float(found.median()):.4f}")
    for name, cells in rows.items():
        table.add(name, *cells)
    table.notes = [
        f"medians over {N_HISTORIES} histories of {len(universe.test)} days against the market's;"
        f" band: {N_RESAMPLED} histories of {BAND}; inside or below it is as near as the past",
    ]
    return table


def _errors(sampler: Sampler, universe: Universe, n_histories: int) -> Iterator[Tensor]:
    drawn = sampler.sample(universe.past, len(universe.test), n_histories, seed=1)
    histories = drawn.log_returns.double()
    yield torch.tensor([correlation_error(universe.test, one) for one in histories]).double()
    yield torch.tensor(
        [weak_variance_error(universe.test, one, universe.weak) for one in histories]
    ).double()


def _beside(
    scores: dict[str, dict[str, Scores]], models: Sequence[str], universe: Universe
) -> Table:
    rivals = [name for name in scores if name not in models]
    columns = ["score, lower is better", "models"]
    table = Table("Large universe: scores", (*columns, *(c for r in rivals for c in (r, "t"))))
    n_dates, stride = len(universe.outcomes.dates), universe.outcomes.stride
    for key in sorted(scores[models[0]], key=lambda name: (name != ENERGY, name)):
        ours = torch.stack([scores[name][key] for name in models]).mean(0)
        lags = overlap(int(key.rsplit("_", 1)[1]), stride, n_dates)
        cells: list[str] = []
        for rival in rivals:
            found = compare(ours, scores[rival][key], lags)
            cells += [f"{float(scores[rival][key].mean()):.4f}", f"{found.t:+.1f}"]
        table.add(key, f"{float(ours.mean()):.4f}", *cells)
    table.notes = [
        f"{n_dates} starting days, every {stride} rows; {len(universe.past.columns)} assets; t:"
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
    add("--assets", type=int, default=400, help="(%(default)s)")
    add("--test", type=int, default=252, help="last rows, held out (%(default)s)")
    add("--every", type=int, default=7, help="rows between two starting days (%(default)s)")
    add("--paths", type=int, default=512, help="per starting day (%(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
