"""How a price file is to be read: what the user may state instead of leaving it to detection."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

Layout = Literal["wide", "long", "ohlcv"]
Kind = Literal["price", "simple_return", "log_return", "level"]
DateOrder = Literal["dmy", "mdy", "ymd"]
Decimal = Literal[".", ","]
Duplicates = Literal["refuse", "first", "last"]

MAX_BYTES = 2 * 1024**3
"""Largest file, and largest text after unpacking, in bytes."""
MAX_COLUMNS = 20_000
"""Most columns of a file and most assets of a table."""
MAX_CELLS = 2**28
"""Most cells of a table of prices: 2 GiB of float64."""


_CHOICES: dict[str, tuple[str, ...]] = {
    "layout": get_args(Layout),
    "kind": get_args(Kind),
    "date_order": get_args(DateOrder),
    "decimal": get_args(Decimal),
    "duplicates": get_args(Duplicates),
}


class ReadKeywords(TypedDict, total=False):
    """The keyword arguments of ``read_prices``, for signatures that pass them on."""

    layout: Layout | None
    kind: Kind | None
    column: str | None
    asset: str | None
    date_order: DateOrder | None
    decimal: Decimal | None
    scale: float
    duplicates: Duplicates
    allow_negative: bool
    max_bytes: int


@dataclass(frozen=True)
class ReadOptions:
    """What the user states about a file; None leaves it to detection.

    Args:
        layout: Form of the table.
        kind: Meaning of the values; None takes what the table says of itself, else "price".
        column: The column that holds the values, as the file spells it.
        asset: Name of the only asset, where the file does not name it.
        date_order: Order of day, month and year in dates like 03/04/2020.
        decimal: The decimal sign.
        scale: Factor on every value; 0.01 for returns in percent.
        duplicates: What happens to one date with two different values.
        allow_negative: Prices may be zero or negative; they are then levels.
        max_bytes: Largest file, and largest text after unpacking.
    """

    layout: Layout | None = None
    kind: Kind | None = None
    column: str | None = None
    asset: str | None = None
    date_order: DateOrder | None = None
    decimal: Decimal | None = None
    scale: float = 1.0
    duplicates: Duplicates = "refuse"
    allow_negative: bool = False
    max_bytes: int = MAX_BYTES


def check_options(keywords: Mapping[str, object]) -> ReadOptions:
    """The options of a call, once each is one of its choices.

    Raises:
        ValueError: If one is not.
    """
    for name, choices in _CHOICES.items():
        value = keywords.get(name)
        if value is not None and value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    options = ReadOptions(**keywords)  # type: ignore[arg-type]
    if not 0 < options.scale < math.inf:
        raise ValueError(f"scale must be positive and finite, got {options.scale}")
    if options.allow_negative and options.kind not in (None, "price", "level"):
        raise ValueError(f"allow_negative is for prices and levels, got kind {options.kind!r}")
    return options
