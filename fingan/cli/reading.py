"""The options of reading a price file, given to every command that reads one."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from fingan.data.options import DateOrder, Decimal, Duplicates, Kind, Layout, ReadKeywords

_PANEL = "Reading the price file"


def _option(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=_PANEL, **settings)


_OPTIONS: dict[str, Any] = {
    "kind": Annotated[Kind | None, _option(help="What the numbers are; default: price.")],
    "column": Annotated[str | None, _option(metavar="NAME", help="The column of values to read.")],
    "asset": Annotated[
        str | None, _option(metavar="NAME", help="Name of the only asset, if the file has none.")
    ],
    "date_order": Annotated[
        DateOrder | None, _option(help="Where dates such as 03/04/2020 leave it open.")
    ],
    "decimal": Annotated[Decimal | None, _option(help="The decimal sign, if left open.")],
    "scale": Annotated[
        float | None, _option(help="Factor on every value; 0.01 for returns in percent.")
    ],
    "duplicates": Annotated[
        Duplicates | None, _option(help="One date with two values; default: refuse.")
    ],
    "allow_negative": Annotated[
        bool | None, _option("--allow-negative", help="Prices may be negative: read as levels.")
    ],
    "max_bytes": Annotated[int | None, _option(min=1, help="Largest file, also unpacked.")],
}


def reads_prices(*layout_names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the reading options; it receives those that were used as ``reading``.

    Args:
        layout_names: How the option for the file's layout is spelled; ``generate`` calls the
            layout of its result ``--layout``.
    """
    layout = Annotated[
        Layout | None, _option(*layout_names, help="How the file is laid out; else detected.")
    ]
    options = {"prices_layout": layout, **_OPTIONS}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            reading = {name: given.pop(name) for name in options}
            reading["layout"] = reading.pop("prices_layout")
            used = {name: value for name, value in reading.items() if value is not None}
            command(**given, reading=used)

        parameters = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != "reading"
        ]
        parameters += [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
            )
            for name, annotation in options.items()
        ]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {entry.name: entry.annotation for entry in parameters}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate


__all__ = ["ReadKeywords", "reads_prices"]
