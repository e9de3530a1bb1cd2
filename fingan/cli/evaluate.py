"""``fingan evaluate``: a model beside baselines and the sampling floor, on days it never saw."""

from typing import Annotated

import typer

from fingan.cli.console import emit, note, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, Prices, Reference, Seed, Store, date_option
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = "Example: fingan evaluate equities@3 --prices prices.csv --from 2015-01-01"


@reads_prices("--layout", "--prices-layout")
def evaluate(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            callback=date_option,
            help="First day; the first after training if not given.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", callback=date_option, help="Last day."),
    ] = None,
    baselines: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Baselines beside the model; all if not given."),
    ] = None,
    paths: Annotated[int, typer.Option(min=16, help="Scenarios per starting day.")] = 512,
    in_sample: Annotated[
        bool, typer.Option("--in-sample", help="Allow days that the model was trained on.")
    ] = False,
    seed: Seed = 0,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Score a model beside classical generators and the sampling floor."""
    from fingan import pipeline
    from fingan.assessment.fidelity import REFERENCE, fit_baselines
    from fingan.assessment.fidelity import evaluate as run_evaluation
    from fingan.cli.day_progress import day_progress
    from fingan.cli.evaluation_table import print_evaluation
    from fingan.cli.inputs import read_table
    from fingan.scenarios.baselines import BASELINES

    sampler = pipeline.load_model(model, store)
    table = read_table(prices, reading)
    chosen = [name.strip() for name in baselines.split(",")] if baselines else list(BASELINES)
    names = list(dict.fromkeys([*chosen, REFERENCE]))
    with waiting(f"fitting {len(names)} baselines"):
        opponents, skipped = fit_baselines(names, table, sampler)
    for sentence in skipped:
        note(f"left out: {sentence}")
    with day_progress("parts of the evaluation") as progress:
        found = run_evaluation(
            {"model": sampler, **opponents},
            table,
            first=from_,
            last=to,
            n_paths=paths,
            seed=seed,
            in_sample=in_sample,
            progress=progress,
        )
    record = found.record() | {"notes": [*found.notes, *skipped]}
    if as_json:
        emit(record, as_json=True)
    else:
        print_evaluation(record)
