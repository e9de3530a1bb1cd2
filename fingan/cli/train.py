"""``fingan train``: from a price file to a published model."""

from typing import Annotated

import typer

from fingan.cli.console import emit, note
from fingan.cli.options import (
    DEFAULT_STORE,
    AsJson,
    ConfigFile,
    Prices,
    Settings,
    Store,
    Until,
)
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = "Example: fingan train --prices prices.csv --name equities --until 2022-12-31 --seed 7"


@reads_prices("--layout", "--prices-layout")
def train(
    prices: Prices,
    reading: ReadKeywords,
    name: Annotated[str, typer.Option(metavar="NAME", help="Publish as the next version of NAME.")],
    config: ConfigFile = None,
    settings: Settings = None,
    until: Until = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Replaces the configuration's seed.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint of this run.")
    ] = False,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Train a model in this process and publish it in the store."""
    from fingan import pipeline
    from fingan.cli.configuration import read_train_config
    from fingan.cli.inputs import read_table
    from fingan.cli.scores import score_line
    from fingan.cli.training_progress import follow

    run = read_train_config(config, settings, seed)
    table = read_table(prices, reading)
    training = pipeline.train(table, run, name=name, store=store, until=until, resume=resume)
    follow(training)
    emit(
        {"model": training.reference, "store": store, "scores": training.card["scores"]},
        as_json=as_json,
    )
    note(score_line(training.card))
    note(f"next: fingan generate {training.reference} --prices {prices} --out scenarios.parquet")
