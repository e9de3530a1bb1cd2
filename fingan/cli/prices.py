"""``fingan prices``: what fingan makes of a price file."""

from typing import Annotated

import typer

from fingan.cli.console import emit
from fingan.cli.options import AsJson
from fingan.cli.reading import ReadKeywords, reads_prices

app = typer.Typer(help="Look at a price file.")


@app.command("check", epilog="Example: fingan prices check prices.csv --date-order dmy")
@reads_prices("--layout", "--prices-layout")
def check(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV or Parquet; or sp500-20, sp500-index.")
    ],
    reading: ReadKeywords,
    as_json: AsJson = False,
) -> None:
    """Report layout, span, gaps, outliers, split suspects, stale runs and the digest."""
    from fingan.cli.inputs import read_report

    report = read_report(source, reading)
    if as_json:
        emit(report.model_dump(mode="json"), as_json=True)
    else:
        typer.echo("\n".join(report.lines()))
