"""``fingan augment``: a labelled synthetic panel, and what it gains on a real holdout."""

from typing import Annotated

import typer

from fingan.cli.console import emit, note, waiting
from fingan.cli.options import DEFAULT_STORE, AsJson, Prices, Reference, Seed, Store, date_option
from fingan.cli.reading import ReadKeywords, reads_prices

EXAMPLE = "Example: fingan augment demo --prices sp500-20 --out panel.parquet --seed 7"


@reads_prices("--layout", "--prices-layout")
def augment(
    model: Reference,
    prices: Prices,
    reading: ReadKeywords,
    out: Annotated[str, typer.Option(metavar="FILE", help="The panel: a .parquet path or URL.")],
    paths: Annotated[int, typer.Option(min=1, help="Paths of the panel.")] = 128,
    horizon: Annotated[int, typer.Option(min=1, help="Steps of each path.")] = 120,
    starts: Annotated[
        int, typer.Option(min=1, help="Days of training that the paths continue.")
    ] = 8,
    holdout_from: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            callback=date_option,
            help="First day of the real holdout; the first after training if not given.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=2, help="Panels and downstream fits compared.")] = 5,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Measure what the panel gains.")
    ] = True,
    seed: Seed = 0,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic panel, and say whether training on it helps on real days."""
    from fingan import pipeline
    from fingan.augmentation.gain import GainRequest, measure_gain
    from fingan.augmentation.panel import PanelRequest, check_location, draw_panel
    from fingan.cli.augmentation_tables import print_augmentation
    from fingan.cli.inputs import read_table

    check_location(out)
    request = PanelRequest(n_paths=paths, horizon=horizon, n_starts=starts, seed=seed)
    wanted = GainRequest(panel=request, n_seeds=seeds, holdout_from=holdout_from)
    sampler = pipeline.load_model(model, store)
    table = read_table(prices, reading)
    gain = None
    if measure:
        note("training downstream models with and without synthetic paths")
        with waiting("training downstream models"):
            gain = measure_gain(sampler, table, wanted).record()
    panel = draw_panel(sampler, table, request)
    panel.save(out)
    record = {"kind": "augmentation", "out": out, "panel": panel.metadata, "gain": gain}
    if as_json:
        emit(record, as_json=True)
    else:
        print_augmentation(record)
