"""Every member of the family beside the default and FHS-GJR: one command, one word for each.

Each member is the default configuration with one or two words changed, trained with the same
budget of steps on the rows up to `--until`, published, and scored as `benchmarks.out_of_sample`
does, on the same dates with the same paths. Nothing else is tuned for any of them, the default's
rates and penalties included, so that a poor figure says how a member does in this place, not how
its authors would have it. The figures choose nothing.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from statistics import mean, stdev

import torch

from benchmarks.learning import look_quickly, names, say
from benchmarks.market import market_options, prices_of
from benchmarks.out_of_sample import FIRST, LAST, QUICK, UNTIL, cut, score
from benchmarks.out_of_sample_tables import ENERGY, REFERENCE, Verdict, title
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import rows_until, stored_model, stored_options
from benchmarks.tables import Table
from fingan.assessment.comparison import Scores, compare, overlap
from fingan.assessment.outcomes import Outcomes
from fingan.pipeline import baseline
from fingan.scenarios.samplers import TrainedSampler

COMMAND = "python -m benchmarks.family"
CRITIC_ALONE = "adversarial.energy=0"  # as in the literature
MEMBERS = {
    "default": (),
    "critic-alone": (CRITIC_ALONE,),
    "mlp": ("generator.family=mlp", CRITIC_ALONE),
    "tcn": ("generator.family=tcn", CRITIC_ALONE),
    "minimax": ("adversarial.objective=minimax", CRITIC_ALONE),
    "wasserstein-gp": ("adversarial.objective=wasserstein-gp", CRITIC_ALONE),
    "hinge": ("adversarial.objective=hinge", CRITIC_ALONE),
    "feature-matching": ("adversarial.feature_matching=1", CRITIC_ALONE),
    "growing": ("grow=[32,48]", CRITIC_ALONE),
    "mlp-minimax": (
        "generator.family=mlp",
        "adversarial.objective=minimax",
        CRITIC_ALONE,
    ),
    "tcn-wasserstein-gp": (
        "generator.family=tcn",
        "adversarial.objective=wasserstein-gp",
        CRITIC_ALONE,
    ),
}
MEASURES = ("crps_assets_1", "crps_assets_10", "crps_portfolio_10", "crps_long_short_10")

ByMeasure = Mapping[str, Scores]


def measure(options: argparse.Namespace) -> list[Table]:
    """Train what is not in the store, score, compare."""
    prices = prices_of(options)
    past = rows_until(prices, options.until)
    models = {
        name: [stored_model(past, options, seed, MEMBERS[name]) for seed in options.seeds]
        for name in options.family
    }
    assets = next(iter(models.values()))[0].assets
    outcomes = cut(prices, assets, options.start, options.end, options.every)
    reference = score(baseline(REFERENCE, past), prices, outcomes, options)
    columns = ("member", "words", *map(title, _shown(reference)), "sd of seeds", "t (p)", "min")
    table = Table("The family, out of sample", columns)
    table.add(REFERENCE, "", *_means(reference), None, None, None)
    for name, trained in models.items():
        say(f"scoring {name}")
        seeds = [score(model, prices, outcomes, options) for model in trained]
        table.add(name, " ".join(MEMBERS[name]), *_cells(seeds, reference, outcomes, trained))
    first, last = outcomes.dates[0], outcomes.dates[-1]
    table.notes = [
        f"{len(outcomes.dates)} dates, {first:%Y-%m-%d} to {last:%Y-%m-%d}, {options.paths} paths"
        f" a date; trained to {past.index[-1]:%Y-%m-%d}, seeds {options.seeds}; lower is better",
        f"sd and t (p): of the {title(ENERGY)}; t by Diebold-Mariano of the seeds' mean against"
        f" {REFERENCE}, negative: the member is better; not adjusted for the number of members",
        "min: wall time of training, mean over seeds",
        *_ill(models),
    ]
    return [table]


def _cells(
    seeds: Sequence[ByMeasure],
    reference: ByMeasure,
    outcomes: Outcomes,
    trained: Sequence[TrainedSampler],
) -> list[str | float | None]:
    average = {name: torch.stack([one[name] for one in seeds]).mean(0) for name in seeds[0]}
    own = [float(one[ENERGY].mean()) for one in seeds]
    n_dates = len(outcomes.dates)
    lags = overlap(10, outcomes.stride, n_dates)
    test = Verdict.of(compare(average[ENERGY], reference[ENERGY], lags), n_dates)
    minutes = mean(model.card["training"]["seconds"] for model in trained) / 60
    spread = f"{stdev(own):.4f}" if len(own) > 1 else None
    return [*_means(average), spread, str(test), f"{minutes:.1f}"]


def _means(scores: ByMeasure) -> list[str]:
    return [f"{float(scores[name].mean()):.4f}" for name in _shown(scores)]


def _shown(scores: ByMeasure) -> list[str]:
    return [name for name in (ENERGY, *MEASURES) if name in scores]


def _ill(models: Mapping[str, Sequence[TrainedSampler]]) -> list[str]:
    """Members of which a seed failed gates of its own card."""
    notes = []
    for name, trained in models.items():
        failed = {gate for model in trained for gate in model.card["gates"]["failed"]}
        if failed:
            notes.append(f"{name}: gates that a seed failed: {', '.join(sorted(failed))}")
    return notes


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), stored_options(seeds="0"), output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--family", type=names, default=list(MEMBERS), help=f"of {','.join(MEMBERS)}")
    add("--until", default=UNTIL, help="last day of training (%(default)s)")
    add("--from", dest="start", default=FIRST, help="first outcome (%(default)s)")
    add("--to", dest="end", default=LAST, help="last outcome (%(default)s)")
    add("--every", type=int, default=7, help="rows between two dates, at most (%(default)s)")
    add("--paths", type=int, default=800, help="per date (%(default)s)")
    add("--seed", type=int, default=0, help="of the paths (%(default)s)")
    options = look_quickly(parsed(parser, COMMAND, arguments), parser, QUICK | {"members": 1})
    unknown = [name for name in options.family if name not in MEMBERS]
    if unknown or not options.family or not options.seeds:
        parser.error(f"--family must name some of {', '.join(MEMBERS)}, and --seeds one at least")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
