"""The Tail-GAN benchmark: tail risk of trading strategies on a market whose law is known.

Each generator gives 1,000 paths of 100 steps, the strategies trade on them, and value at risk and
expected shortfall at 95 % of each strategy's profit are held against those of 10,000 test paths,
fresh from the law. The relative error is the mean over strategies and evaluations of
|VaR / truth - 1| and |ES / truth - 1|; beside it stand the standard deviation over evaluations,
averaged over strategies, as in the paper, and the standard error of the mean.

- *sampling floor*: 1,000 of the test paths themselves, as in the paper: a perfect generator, whose
  paths are no part of the truth, scores some tenths more, as historical simulation does.
- *historical simulation*: 1,000 of 50,000 paths of the past.
- *law, not rescaled*: the law without the exact deviation that each path is given afterwards; a
  generator of one long series, as all below are, cannot be expected to score less.
- *fingan*: the default model, trained on a table of such paths laid end to end; its weights are
  chosen by the usual rule on the last part of that table. The model and the baselines generate
  200 steps from the table's end, of which the last 100 count.

Test paths are drawn once the models stand and choose nothing; evaluations take turns with five
sets of them.

Source: Cont, Cucuringu, Xu & Zhang (2025), Tail-GAN: Learning to simulate tail risk scenarios,
section 5; `tail_gan_market` and `tail_gan_strategies` say what was taken from where. Where we
differ: theirs is one test set, one history, 16 evaluations and figures rounded to three places;
the test strategies of their 20 assets are 90 others.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from functools import partial
from itertools import chain

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.learning import (
    integers,
    learning_options,
    look_quickly,
    names,
    say,
    trained,
)
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import Table
from benchmarks.tail_gan_market import N_STEPS, Increments, SyntheticMarket
from benchmarks.tail_gan_strategies import Strategies
from benchmarks.tail_gan_tables import (
    FLOOR,
    HISTORY,
    LEVEL,
    PLAIN,
    PUBLISHED,
    Errors,
    beside_baselines,
    by_kind,
    goal,
)
from fingan.errors import RequestError
from fingan.pipeline import baseline
from fingan.risk.measures import expected_shortfall, value_at_risk
from fingan.scenarios.samplers import Sampler

COMMAND = "python -m benchmarks.tail_gan"
N_PATHS = 1_000  # of an evaluation
N_TEST, N_PAST = 10_000, 50_000  # paths of a test set, and of the past
N_TESTS = 5
N_THRESHOLD_PATHS = 1_000  # of the past
CHEAP = 10  # times as many evaluations where paths need only be chosen again
QUICK = {"assets": [5], "steps": 50, "train_paths": 100, "evaluations": 5}

Profits = Float[Tensor, "n_paths n_strategies"]
TailRisk = Float[Tensor, "2 n_strategies"]  # value at risk, expected shortfall
Draw = Callable[[int], Profits]
"""Number of an evaluation to the profits of its paths."""


class Purpose(IntEnum):
    """What random numbers are for, so that no two draws share them."""

    PAST = 1
    TRAINING = 2
    STRATEGIES = 3
    TEST = 4
    CHOICE = 5
    LAW = 6

    def seed(self, run: int, number: int = 0) -> int:
        """One seed for each run, purpose and number."""
        return (1_000 * run + self) * 1_000_000 + number


def measure(options: argparse.Namespace) -> list[Table]:
    """The tables for each number of assets."""
    return [table for n_assets in options.assets for table in _tables(n_assets, options)]


def _tables(n_assets: int, options: argparse.Namespace) -> list[Table]:
    market = _market(n_assets, options)
    past = _paths(market, N_PAST, Purpose.PAST, options)
    learnt = next(past)
    strategies = Strategies.learnt(learnt, seed=Purpose.STRATEGIES.seed(options.seed))
    remembered = _traded(strategies, chain([learnt], past))
    samplers = dict(_samplers(market, options))

    say(f"{n_assets} assets: trading")
    tests = _traded(strategies, _paths(market, N_TESTS * N_TEST, Purpose.TEST, options))
    truths = tests.split(N_TEST)
    n_evaluations = CHEAP * options.evaluations
    errors = {
        FLOOR: relative_errors(_chosen(truths, options), truths, n_evaluations),
        HISTORY: relative_errors(_chosen((remembered,), options), truths, n_evaluations),
    }
    for name, draw in samplers.items():
        say(f"{n_assets} assets: {name}")
        traded = partial(_generated, draw, strategies)
        errors[name] = relative_errors(traded, truths, options.evaluations)
    beside = beside_baselines(n_assets, errors, strategies.groups)
    beside.notes = _notes(tests.shape[1], options)
    if n_assets != min(PUBLISHED):
        beside.notes.append("published: with other kinds of assets and 90 test strategies")
    kinds = by_kind(n_assets, errors, strategies.groups)
    return [goal(n_assets, errors, options.command), beside, kinds]


def _notes(n_strategies: int, options: argparse.Namespace) -> list[str]:
    notes = [
        f"{n_strategies} strategies; {options.evaluations} evaluations of {N_PATHS:,} paths,"
        f" {CHEAP} times as many of floor and historical simulation;"
        f" {N_TESTS} test sets of {N_TEST:,} paths",
        f"baselines and model learnt from {options.train_paths * N_STEPS:,} rows; historical: rows"
        " drawn one by one",
        "sd: over evaluations, averaged over strategies; se: of the mean over evaluations",
        "published: Cont et al. (2025), one test set",
    ]
    if options.clustered:
        notes.append("volatility clusters here, unlike in the published market")
    return notes


def _market(n_assets: int, options: argparse.Namespace) -> SyntheticMarket:
    try:
        return SyntheticMarket.drawn(n_assets, seed=options.seed, is_clustered=options.clustered)
    except ValueError as wrong:
        raise RequestError(f"--assets: {wrong}") from None


def _paths(
    market: SyntheticMarket, n_paths: int, purpose: Purpose, options: argparse.Namespace
) -> Iterator[Increments]:
    """Paths of the law, some at a time."""
    for number in range(n_paths // N_THRESHOLD_PATHS):
        seed = purpose.seed(options.seed, number)
        yield market.increments(N_THRESHOLD_PATHS, seed=seed)


def _traded(strategies: Strategies, paths: Iterable[Increments]) -> Profits:
    return torch.cat([strategies.profits(some) for some in paths])


def _samplers(
    market: SyntheticMarket, options: argparse.Namespace
) -> Iterator[tuple[str, Callable[[int], Increments]]]:
    """The law itself, and what learnt it from one table: number of an evaluation to paths."""
    if not options.clustered:
        yield PLAIN, partial(_unscaled, market, options.seed)
    past = market.history(options.train_paths, seed=Purpose.TRAINING.seed(options.seed))
    for name in options.baselines:
        say(f"{len(market.kinds)} assets: fitting {name} on {len(past):,} rows")
        yield name, partial(_continued, baseline(name, past), past)
    for name, model in trained(past, options):
        yield name, partial(_continued, model, past)


def _unscaled(market: SyntheticMarket, run: int, number: int) -> Increments:
    return market.increments(N_PATHS, seed=Purpose.LAW.seed(run, number), is_rescaled=False)


def _continued(sampler: Sampler, past: pd.DataFrame, number: int) -> Increments:
    """The second half of paths that begin where the table ends: it is forgotten by then."""
    drawn = sampler.sample(past, 2 * N_STEPS, N_PATHS, seed=number)
    return drawn.log_returns[:, N_STEPS:]


def _generated(draw: Callable[[int], Increments], strategies: Strategies, number: int) -> Profits:
    return strategies.profits(draw(number))


def _chosen(sets: Sequence[Profits], options: argparse.Namespace) -> Draw:
    """Some paths of a set, each at most once; the sets take turns."""

    def draw(number: int) -> Profits:
        seed = Purpose.CHOICE.seed(options.seed, number)
        profits = sets[number % len(sets)]
        random = torch.Generator().manual_seed(seed)
        return profits[torch.randperm(len(profits), generator=random)[:N_PATHS]]

    return draw


def tail_risk(profits: Profits) -> TailRisk:
    """Value at risk and expected shortfall of each strategy, positive for a loss."""
    losses = -profits.double()
    return torch.stack([value_at_risk(losses, LEVEL), expected_shortfall(losses, LEVEL)])


def relative_errors(draw: Draw, tests: Sequence[Profits], n_evaluations: int) -> Errors:
    """Distance of each evaluation's tail risk from a test set's, in %; the sets take turns."""
    truths = [tail_risk(test) for test in tests]
    estimates = torch.stack([tail_risk(draw(number)) for number in range(n_evaluations)])
    truth = torch.stack([truths[number % len(truths)] for number in range(n_evaluations)])
    return 100 * (estimates - truth).abs() / truth.abs()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[learning_options(), output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--assets", type=integers, default=[5, 20], help="default: 5,20")
    add("--seed", type=int, default=0, help="of the law and all that is drawn (%(default)s)")
    add("--clustered", action="store_true", help="GARCH whose volatility clusters")
    add("--baselines", type=names, default=["historical", "block-bootstrap", "fhs-gjr"])
    add("--train-paths", type=int, default=500, help="laid end to end (%(default)s)")
    add("--evaluations", type=int, default=30, help="of each row (%(default)s)")
    options = parsed(parser, COMMAND, arguments)
    return look_quickly(options, parser, QUICK)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
