"""Validation of screens: what a planted signal takes to be found, and what the walk costs.

Two universes are simulated, in which the truth is known. In the first a signal of a stated
information coefficient drives the returns and the generator knows it; in the second nothing does,
and the generator believes in a signal that is none. "Found" is a mean rank IC whose 95 % interval
lies above zero: of screens without skill 2.5 % are to be found, and 5 % on either side.

With `--model`, the walk-forward of a trained model on `--prices` is timed: monthly dates,
quarterly refits, both zero-skill generators beside it.

    fingan train --prices sp500-20 --name demo --until 2014-12-31
    python -m benchmarks.screen_validation --model demo
"""

import argparse
import math
import time
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from benchmarks.learning import say
from benchmarks.market import market_options, prices_of
from benchmarks.planted_signal import believer, every_row, mean_rule, universe
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.scenario_set import ScenarioSet
from fingan.screening.skill import DateMean
from fingan.screening.validation import Subject, validate
from fingan.screening.walk_forward import Rule, WalkForwardDesign

COMMAND = "python -m benchmarks.screen_validation"
NOBODY = Subject("simulated", None, "simulated")
REFERENCES = ("block-bootstrap", "fhs-gjr")
COEFFICIENT = 0.05
POWER = ((20, 60), (100, 60), (100, 120))  # assets, dates
N_PATHS = 4_096  # the error of a mean of paths is 0.016 of a spread, beside a signal of 0.05
FEW_PATHS = 512  # enough for a belief that is wrong


def measure(options: argparse.Namespace) -> list[Table]:
    """Simulate, then walk."""
    found = [_false_positives(options), _power(options)]
    return found if options.model is None else [*found, _walk(options)]


def _rank_ic(n_assets: int, n_dates: int, seed: int, *, planted: bool) -> DateMean:
    """Mean rank IC of one simulated screen."""
    market = universe(n_assets, n_dates, COEFFICIENT if planted else 0.0, seed)
    n_paths = N_PATHS if planted else FEW_PATHS
    fit, design = believer(market, knows=planted), every_row(market, n_paths, seed)
    return validate(fit, market.prices, mean_rule(market), design, NOBODY).rank_ic


def _false_positives(options: argparse.Namespace) -> Table:
    table = Table("Screens without skill", GOALS)
    means = [_rank_ic(20, 60, seed, planted=False) for seed in range(options.screens)]
    n = len(means)
    goals = ((0.025, "found", 1), (0.025, "found to be harmful", -1))
    for level, name, sign in goals:
        count = sum(
            mean.p is not None and mean.p < 0.05 and sign * (mean.estimate or 0) > 0
            for mean in means
        )
        error = math.sqrt(level * (1 - level) / n)
        table.add(
            f"{name}, of {n} screens of 20 assets and 60 dates",
            f"{level:.1%}, within 2 errors of {error:.1%}",
            f"{count} ({count / n:.1%})",
            options.command,
        )
    return table


def _power(options: argparse.Namespace) -> Table:
    table = Table(
        f"A planted signal of IC {COEFFICIENT}", ("assets", "dates", "found", "mean IC", "mean t")
    )
    for n_assets, n_dates in POWER:
        means = [_rank_ic(n_assets, n_dates, seed, planted=True) for seed in range(options.planted)]
        found = sum(mean.lower is not None and mean.lower > 0 for mean in means)
        table.add(
            n_assets,
            n_dates,
            f"{found} of {len(means)}",
            sum(mean.estimate or 0 for mean in means) / len(means),
            sum(mean.t or 0 for mean in means) / len(means),
        )
    table.notes.append("ranks of heavy-tailed returns: a rank IC is not the correlation planted")
    return table


def _walk(options: argparse.Namespace) -> Table:
    """The walk-forward of a trained model, once."""
    from fingan.pipeline import load_model, refit
    from fingan.scenarios.baselines import baseline

    prices, model = prices_of(options), load_model(options.model, options.store)
    rule = omega_rule(model.assets)
    design = WalkForwardDesign(first=options.first, last=options.last, n_paths=options.paths)
    began = time.monotonic()
    found = validate(
        partial(refit, model),
        prices,
        rule,
        design,
        Subject(model.reference, model.digest, "omega", model.fitted_until),
        references={name: partial(baseline, name) for name in REFERENCES},
        progress=lambda name, done, total: say(f"{name}: {done} of {total}"),
    )
    minutes = (time.monotonic() - began) / 60
    table = Table("Walk-forward of a screen", GOALS)
    n_dates, paths = found.rank_ic.n_dates, f"{options.paths:,} paths"
    table.add(
        f"{len(rule.assets)} assets, {n_dates} months, quarterly refits, {paths}, wall",
        "5 years of 20 assets at most 15 minutes",
        f"{minutes:.1f} min",
        options.command,
    )
    for name, mean in {model.reference: found.rank_ic, **found.references}.items():
        table.add(f"mean rank IC, {name}", "none: a demonstration", _with_error(mean), "")
    table.notes.append("survivors: the names are known to have lasted; this shows the method")
    return table


def omega_rule(assets: tuple[str, ...], costs_bps: float = 10, horizon: int = 21) -> Rule:
    """Rank assets by the omega ratio of net returns, gains over losses, without drift."""
    cost = 2 * costs_bps / 10_000  # bought and sold

    def score(scenarios: ScenarioSet) -> Tensor:
        net = scenarios.terminal() - cost
        return net.clamp(min=0).mean(0) / (-net).clamp(min=0).mean(0)

    return Rule(
        assets=assets,
        candidates=assets,
        horizon=horizon,
        hurdle=0.0,
        n_picks=max(1, len(assets) // 5),
        costs_bps=costs_bps,
        net=lambda scenarios: scenarios.terminal() - cost,
        gross=lambda scenarios: scenarios.terminal(),
        score=score,
        prepared=partial(with_drift, policy="neutral"),
    )


def _with_error(mean: DateMean) -> str:
    if mean.estimate is None:
        return "n/a"
    return f"{mean.estimate:+.3f}" + ("" if mean.se is None else f" ± {mean.se:.3f}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        parents=[market_options(), output_options()],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--screens", type=int, default=200, help="without skill (%(default)s)")
    parser.add_argument("--planted", type=int, default=20, help="with a signal (%(default)s)")
    parser.add_argument("--model", help="walk this model forward too")
    parser.add_argument("--store", default="models", help="where it is (%(default)s)")
    parser.add_argument("--first", default="2015-01-01", help="first date (%(default)s)")
    parser.add_argument("--last", default="2019-12-31", help="last date (%(default)s)")
    parser.add_argument("--paths", type=int, default=2_000, help="a date (%(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
