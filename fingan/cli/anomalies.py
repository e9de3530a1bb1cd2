"""``fingan anomalies``: windows of a price file that do not look like the market learnt."""

from typing import Annotated

import typer

from fingan.cli.console import emit, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, Prices, Reference, Store, date_option
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = "Example: fingan anomalies demo --prices sp500-20 --from 2019-01-01 --fdr 0.1"


@reads_prices("--layout", "--prices-layout")
def anomalies(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            callback=date_option,
            help="First day judged; the second half of the days after training if not given.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", callback=date_option, help="Last day judged."),
    ] = None,
    window: Annotated[int, typer.Option(min=1, help="Rows of a window.")] = 5,
    fdr: Annotated[
        float, typer.Option(min=1e-6, max=1 - 1e-6, help="Share of false alarms tolerated.")
    ] = 0.1,
    budget: Annotated[int, typer.Option(min=1, help="Windows listed, flagged or not.")] = 10,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Score windows of days that the model has not seen, with p-values and who drives them."""
    from fingan import pipeline
    from fingan.anomalies.report import record
    from fingan.anomalies.search import AnomalyRequest, find_anomalies
    from fingan.cli.anomaly_tables import print_anomalies
    from fingan.cli.inputs import read_table

    request = AnomalyRequest(window=window, fdr=fdr, budget=budget, first=from_, last=to)
    sampler = pipeline.load_model(model, store)
    table = read_table(prices, reading)
    with waiting("judging windows"):
        found = record(find_anomalies(sampler, table, request))
    if as_json:
        emit(found, as_json=True)
    else:
        print_anomalies(found)
