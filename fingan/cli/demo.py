"""``fingan demo``: the whole way on the bundled data, from prices to a scenario file."""

import time
from typing import Annotated

import typer

from fingan.cli.console import duration, emit, note, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, Seed, Store

EXAMPLE = "Example: fingan demo --quick"

DATA, UNTIL, NAME = "sp500-20", "2014-12-31", "demo"
SCENARIOS, HORIZON, N_PATHS = "demo-scenarios.parquet", 20, 10_000
QUICK = ("steps=200",)  # enough to see every part at work, too few to learn a market


def demo(
    quick: Annotated[
        bool, typer.Option("--quick", help="A minute instead of minutes; a poorer model.")
    ] = False,
    seed: Seed = 0,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Train on 20 US stocks, publish the model and draw scenarios from it."""
    from fingan import pipeline
    from fingan.cli.configuration import read_train_config
    from fingan.cli.inputs import read_table
    from fingan.cli.scores import score_line
    from fingan.cli.training_progress import follow

    began = time.monotonic()
    prices = read_table(DATA, {})
    note(f"{DATA}: {prices.shape[1]} stocks, {prices.index[0]:%Y-%m-%d} to {UNTIL} to learn from")
    config = read_train_config(None, QUICK if quick else None, seed)
    training = pipeline.train(prices, config, name=NAME, store=store, until=UNTIL)
    follow(training)
    model = str(training.reference)
    note(score_line(training.card))

    with waiting(f"drawing {N_PATHS:,} scenarios of {HORIZON} days"):
        stream = pipeline.load_model(model, store).stream(prices, HORIZON, N_PATHS, seed=seed)
        stream.save(SCENARIOS)

    spent = time.monotonic() - began
    emit(
        {
            "model": model,
            "store": store,
            "card": f"{store}/{model.replace('@', '/')}/card.json",
            "scenarios": SCENARIOS,
            "seconds": round(spent, 1),
        },
        as_json=as_json,
    )
    note(f"done in {duration(spent)}; next, with prices of your own:")
    note("  fingan prices check prices.csv")
    note("  fingan train --prices prices.csv --name mine")
    note("  fingan generate mine --prices prices.csv --out scenarios.parquet")
