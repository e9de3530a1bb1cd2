"""Stylised facts asset by asset: is the model inside the band of the market's own?

Three facts of the days from `--from` to `--to`: autocorrelation of absolute returns at lags 1 to
40, leverage (correlation of a return with the squared return 1 to 10 days later), and Hill's tail
index of the worst 5 % of the losses. The market's history is one draw, so each of its figures has
a 95 % band from a stationary bootstrap, simultaneous over the lags; `--replications` says of how
many, the mean block is what the absolute returns need by Politis & White's rule, median over the
assets, and no shorter than the longest lag.

Each sampler goes on by itself from the day before the span for as many days, `--paths` times; its
figure is the mean over paths, with the estimators' bias of that length. An asset counts as inside
where every lag is. Paths begin in the state of that one day, as the market did.

Bootstrap bands of dependent, heavy-tailed days are too narrow: of a known GARCH process's own
histories of 2,000 days they hold the process in some 70 to 90 of 100 cases. What a perfect model
reaches therefore stands beside: the share of bands of gjr-skew-t's own histories that hold
gjr-skew-t. *Calibrated* are bands widened until that share is 95 %.

Trained on prices up to `--until` once per seed, baselines on the same rows.

Source: Loh (1987), Calibrating confidence coefficients, for the widening.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.facts_bands import CONFIDENCE, FACTS, Band, Resample
from benchmarks.facts_tables import Floor, Found, tables
from benchmarks.learning import look_quickly, names, say
from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import rows_until, stored_model, stored_options
from benchmarks.tables import Table
from fingan.assessment.fidelity import fit_baselines
from fingan.assessment.outcomes import table_of
from fingan.errors import RequestError
from fingan.pipeline import baseline
from fingan.scenarios.block_bootstrap import optimal_mean_block
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

COMMAND = "python -m benchmarks.facts"
TRUTH = "gjr-skew-t"  # the process of the floor
BASELINES = ["fhs-gjr", "block-bootstrap", TRUTH]
UNTIL, FIRST, LAST = "2014-12-31", "2015-01-01", "2022-12-28"
MIN_DAYS, FLOOR_REPLICATIONS = 500, 199
QUICK = {
    "until": "2010-12-31",
    "start": "2011-01-01",
    "end": "2014-12-31",
    "seeds": [0],
    "steps": 20,
    "paths": 20,
    "replications": 99,
    "repetitions": 2,
}


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, let everybody go on, lay beside the market's bands."""
    prices = prices_of(options)
    past = rows_until(prices, options.until)
    models = {f"model, seed {seed}": stored_model(past, options, seed) for seed in options.seeds}
    first = next(iter(models.values()))
    baselines, skipped = fit_baselines(options.baselines, past, first)
    span = _span(prices, first.assets, options)
    whole = span.market[~span.market.isnan().any(1)]
    longest = max(fact.n_lags for fact in FACTS)
    block = max(optimal_mean_block(whole), float(longest))
    floors = _floors(baselines.get(TRUTH) or baseline(TRUTH, past), span, block, options)
    resample = Resample(block, options.replications, options.seed)
    bands = {fact.title: [fact.band(days, resample) for days in span.days] for fact in FACTS}
    found = {}
    for name, sampler in {**models, **baselines}.items():
        say(f"{name}: {options.paths} histories of {len(span.market):,} days")
        found[name] = _facts(span.histories(sampler, options.paths), bands, floors)
    notes = [
        f"{len(span.market):,} days, {options.start} to {options.end}; {options.paths} histories"
        f" of each; trained to {past.index[-1]:%Y-%m-%d}",
        f"bands: {options.replications} replications, mean block {block:.0f} days; a perfect"
        f" model: {TRUTH} against {options.repetitions} histories of its own,"
        f" {FLOOR_REPLICATIONS} replications each",
        *skipped,
    ]
    return tables(found, list(models), bands, floors, notes, options.command)


@dataclass(frozen=True)
class Span:
    """The market's days, and where they begin."""

    prices: pd.DataFrame
    before: pd.Timestamp
    """Last day before the span."""
    market: Float[Tensor, "n_days n_assets"]
    seed: int

    @property
    def days(self) -> list[Float[Tensor, " n_observed"]]:
        """Observed days of each asset."""
        return [column[~column.isnan()] for column in self.market.T]

    def histories(self, sampler: Sampler, n_paths: int) -> list[Float[Tensor, "n_paths n_steps"]]:
        """Of each asset: a sampler left to itself for as many days as the market has."""
        (cube,) = forecasts(
            sampler, self.prices, [self.before], len(self.market), n_paths, seed=self.seed
        )
        lengths = map(len, self.days)
        return [cube[:, :length, asset].double() for asset, length in enumerate(lengths)]


def _span(prices: pd.DataFrame, assets: tuple[str, ...], options: argparse.Namespace) -> Span:
    table = table_of(prices, assets)
    inside = table.between(options.start, options.end)
    row = int(table.dates.searchsorted(pd.Timestamp(options.start))) - 1
    n_days = int(inside.observed.sum(0).min()) if len(inside.dates) else 0
    if row < 1 or n_days < MIN_DAYS:
        raise RequestError(
            f"--from and --to must hold {MIN_DAYS} days of every asset after a history, got"
            f" {n_days} from {options.start} to {options.end}"
        )
    return Span(prices, table.dates[row], inside.values, options.seed)


def _floors(
    truth: Sampler, span: Span, block: float, options: argparse.Namespace
) -> dict[str, Floor]:
    """How often the band of a known process's one history holds the process itself."""
    say(f"a perfect model: {options.repetitions} histories of {TRUTH}")
    histories = span.histories(truth, options.paths + options.repetitions)
    found = {}
    for fact in FACTS:
        farthest = []
        for paths in histories:
            value = fact.estimate(paths[options.repetitions :]).mean(0)
            for number, market in enumerate(paths[: options.repetitions]):
                band = fact.band(market, Resample(block, FLOOR_REPLICATIONS, number))
                farthest.append(band.distances(value))
        distances = torch.stack(farthest)
        widest = distances.amax(1)
        found[fact.title] = Floor(
            inside=float((widest <= 1).double().mean()),
            cells=float((distances <= 1).double().mean()),
            widening=max(float(widest.quantile(CONFIDENCE)), 1.0),
        )
    return found


def _facts(
    histories: list[Tensor], bands: Mapping[str, list[Band]], floors: Mapping[str, Floor]
) -> dict[str, Found]:
    found = {}
    for fact in FACTS:
        values = torch.stack([fact.estimate(paths).mean(0) for paths in histories])
        distances = torch.stack(
            [band.distances(value) for band, value in zip(bands[fact.title], values, strict=True)]
        )
        widest, widening = distances.amax(1), floors[fact.title].widening
        found[fact.title] = Found(
            inside=float((widest <= 1).double().mean()),
            calibrated=float((widest <= widening).double().mean()),
            cells=float((distances <= 1).double().mean()),
            values=values.mean(0),
        )
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
    add("--from", dest="start", default=FIRST, help="first day (%(default)s)")
    add("--to", dest="end", default=LAST, help="last day (%(default)s)")
    add("--paths", type=int, default=200, help="histories of each sampler (%(default)s)")
    add("--replications", type=int, default=999, help="of the bootstrap (%(default)s)")
    add("--repetitions", type=int, default=20, help="of the perfect model (%(default)s)")
    add("--seed", type=int, default=0, help="of histories and bootstrap (%(default)s)")
    add("--baselines", type=names, default=BASELINES, help=f"default: {','.join(BASELINES)}")
    options = look_quickly(parsed(parser, COMMAND, arguments), parser, QUICK)
    if not options.seeds:
        parser.error("--seeds must name one at least")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
