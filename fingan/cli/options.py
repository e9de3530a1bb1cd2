"""The options that several commands share, each described once."""

from pathlib import Path
from typing import Annotated

import typer

Prices = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Prices: CSV or Parquet, a path or URL; or sp500-20, sp500-index (bundled).",
    ),
]
Store = Annotated[
    str,
    typer.Option(
        envvar="FINGAN_STORE", metavar="PLACE", help="The model store: a directory or URL."
    ),
]
Reference = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="NAME (the newest version), NAME@VERSION or a path."),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace one value; may be repeated."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML; defaults if not given.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]

DEFAULT_STORE = "models"


def date_option(text: str | None) -> str | None:
    """A callback that refuses what is not a date before anything long begins."""
    if text is not None:
        import datetime

        try:
            datetime.datetime.fromisoformat(text)
        except ValueError:
            raise typer.BadParameter(f"must be a date such as 2020-03-16, got {text!r}") from None
    return text


Until = Annotated[
    str | None,
    typer.Option(metavar="DATE", callback=date_option, help="The last date that training may see."),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        callback=date_option,
        help="The last date of the history that scenarios continue; the file's last if not given.",
    ),
]
