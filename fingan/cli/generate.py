"""``fingan generate``: from a published model to a file of scenarios."""

from typing import Annotated, Literal

import typer

from fingan.cli.console import emit, waiting
from fingan.cli.options import (
    DEFAULT_STORE,
    AsJson,
    AsOf,
    Prices,
    Reference,
    Seed,
    Store,
)
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = (
    "Example: fingan generate equities@3 --prices prices.csv --horizon 20 --paths 10000"
    " --seed 7 --out scenarios.parquet"
)


@reads_prices("--prices-layout")
def generate(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    out: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="Where to write: .parquet, .arrow, .csv, .csv.gz or .json."
        ),
    ],
    horizon: Annotated[int, typer.Option(help="Steps of each path.")] = 20,
    paths: Annotated[int, typer.Option(help="Number of scenarios.")] = 10_000,
    seed: Seed = 0,
    as_of: AsOf = None,
    values: Annotated[
        Literal["simple_return", "log_return", "price"], typer.Option(help="What to write.")
    ] = "simple_return",
    layout: Annotated[
        Literal["wide", "tensor", "long", "terminal"], typer.Option(help="How to lay it out.")
    ] = "wide",
    explain: Annotated[
        list[int] | None,
        typer.Option(metavar="PATH", help="Explain this path, from 0; may be repeated."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Changes the speed, not the result.")] = 1,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Draw scenarios that continue a price history and write them to a file."""
    from fingan import pipeline
    from fingan.cli.explanations import check_paths, explained, show
    from fingan.cli.inputs import read_table

    sampler = pipeline.load_model(model, store)
    table = read_table(prices, reading)
    stream = sampler.stream(table, horizon, paths, seed=seed, as_of=as_of, n_threads=threads)
    numbers = check_paths(explain or [], paths)
    with waiting(f"drawing {paths:,} scenarios of {horizon} steps"):
        stream.save(out, values=values, layout=layout)
    header = stream.header
    explanations = explained(sampler, stream, table, numbers)
    emit(
        {
            "file": out,
            "paths": header.n_paths,
            "horizon": header.horizon,
            "assets": header.assets,
            **header.metadata,
            **({"explanations": explanations} if as_json and numbers else {}),
        },
        as_json=as_json,
    )
    if not as_json:
        show(explanations)
