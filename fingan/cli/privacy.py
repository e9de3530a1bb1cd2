"""``fingan privacy``: what a published model gives away of its training days."""

from typing import Annotated, Any

import typer

from fingan.cli.console import emit, note, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, Prices, Reference, Seed, Store
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = "Example: fingan privacy equities@3 --prices prices.csv --seed 7"


@reads_prices("--layout", "--prices-layout")
def privacy(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Training steps of the audited shadow; default: the model's."),
    ] = None,
    membership: Annotated[
        bool, typer.Option("--membership/--no-membership", help="Train a shadow and attack it.")
    ] = True,
    seed: Seed = 0,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Search a model for copies of its training data and audit membership inference."""
    from fingan import pipeline
    from fingan.assessment.privacy import audit
    from fingan.cli.inputs import read_table
    from fingan.cli.training_progress import follow
    from fingan.scenarios.store import ModelStore

    sampler = pipeline.load_model(model, store)
    published = ModelStore(store).resolve(model)
    table = read_table(prices, reading)
    audited = audit(sampler, published, table, seed=seed, steps=steps, membership=membership)
    if audited.has_shadow:
        note("training a shadow of the model with blocks of days hidden")
    follow(audited)
    with waiting("searching for copies and attacking the shadow"):
        record = audited.record()
    emit(record if as_json else _for_people(record), as_json=as_json)


def _for_people(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the verdict last, after the notes."""
    return {name: value for name, value in record.items() if name not in ("kind", "verdict")} | {
        "verdict": record["verdict"]
    }
