"""Which columns hold the values: the adjusted close before the close, each asset its own."""

import numpy as np
import pandas as pd

from fingan.data.field_names import (
    ADJUSTED_NAMES,
    CLOSE_NAMES,
    HIGH_NAMES,
    LOW_NAMES,
    OPEN_NAMES,
    RETURN_NAMES,
    VALUE_NAMES,
    is_field,
    plain_name,
)
from fingan.data.notes import Notes
from fingan.data.options import ReadOptions
from fingan.data.tables import RawTable
from fingan.errors import PriceDataError


def pick_wide(names: dict[int, str], options: ReadOptions) -> tuple[tuple[int, str], ...]:
    """Every column is an asset, or the one that the user names."""
    if not names:
        raise PriceDataError("has no column beside the dates; add one column per asset")
    if options.column is None:
        chosen = dict(names)
    else:
        chosen = {position: name for position, name in names.items() if name == options.column}
        if not chosen:
            raise _missing_column(options.column, list(names.values()))
    if options.asset is not None and len(chosen) == 1:
        chosen = dict.fromkeys(chosen, options.asset)
    return tuple(chosen.items())


def pick_value(table: RawTable, names: dict[int, str], options: ReadOptions, notes: Notes) -> int:
    """The column of values among those of one asset: the adjusted close before the close."""
    by_name = {name: position for position, name in names.items()}
    if options.column is not None:
        if options.column not in by_name:
            raise _missing_column(options.column, list(by_name))
        return by_name[options.column]
    plain = {plain_name(name): position for position, name in reversed(names.items())}
    if options.kind in ("simple_return", "log_return"):
        return _pick_return(plain, by_name, options.kind)
    for wanted in (*ADJUSTED_NAMES, *CLOSE_NAMES, *VALUE_NAMES):
        if wanted not in plain:
            continue
        if not table.has_data(plain[wanted]):
            notes.warn(f"column {names[plain[wanted]]!r} is empty; another one is read")
            continue
        _note_choice(wanted, plain, names, notes)
        return plain[wanted]
    if len(by_name) == 1:
        return next(iter(by_name.values()))
    raise PriceDataError(
        f"has no column that is plainly the price among {', '.join(list(by_name)[:8])};"
        " pass its name (column)"
    )


def _missing_column(column: str, names: list[str]) -> PriceDataError:
    shown = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
    return PriceDataError(f"has no column {column!r}; it has {shown}")


def _pick_return(plain: dict[str, int], by_name: dict[str, int], kind: str) -> int:
    for wanted in (*RETURN_NAMES, "value"):
        if wanted in plain:
            return plain[wanted]
    if len(by_name) == 1:
        return next(iter(by_name.values()))
    raise PriceDataError(
        f"has no column of returns for kind {kind!r}; pass its name (column), or kind 'price'"
    )


def _note_choice(wanted: str, plain: dict[str, int], names: dict[int, str], notes: Notes) -> None:
    chosen = names[plain[wanted]]
    if wanted in ADJUSTED_NAMES:
        text = f"column {chosen!r} is read: adjusted for splits, usually for dividends"
        notes.add_rule("adjusted_preferred", text, 1)
        return
    notes.add_rule("value_column", f"column {chosen!r} is read", 1)
    rivals = [names[plain[name]] for name in CLOSE_NAMES if name in plain and name != wanted]
    if rivals:
        others = ", ".join(map(repr, rivals))
        notes.warn(f"{chosen!r} is read and {others} is not; column picks one")


def bar_fields(names: dict[int, str], value: int) -> dict[str, int]:
    """High and low that belong to the close that is read; none beside an adjusted close."""
    if plain_name(names[value]) not in CLOSE_NAMES:
        return {}
    plain = {plain_name(name): position for position, name in names.items()}
    wanted = {"open": OPEN_NAMES, "high": HIGH_NAMES, "low": LOW_NAMES}
    found = {
        field: next((plain[name] for name in aliases if name in plain), None)
        for field, aliases in wanted.items()
    }
    return {field: position for field, position in found.items() if position is not None}


def pick_two_level(
    table: RawTable, names: dict[int, tuple[str, ...]], options: ReadOptions, notes: Notes
) -> tuple[tuple[int, str], ...]:
    """One value column per asset from columns with two levels, field and asset in either order."""
    if any(len(label) != 2 for label in names.values()):
        raise PriceDataError("all columns but the date must have two levels, or none")
    shares = [sum(is_field(label[level]) for label in names.values()) for level in (0, 1)]
    field_level = 0 if shares[0] >= shares[1] else 1
    by_asset: dict[str, dict[int, str]] = {}
    for position, label in names.items():
        by_asset.setdefault(label[1 - field_level], {})[position] = label[field_level]
    picked = tuple(
        (pick_value(table, fields, options, notes), asset) for asset, fields in by_asset.items()
    )
    if options.asset is not None and len(picked) == 1:
        return ((picked[0][0], options.asset),)
    return picked


def order_of_bar(table: RawTable, rest: list[int]) -> dict[str, int]:
    """Open, high, low, close, or open, close, high, low: in the true one high and low bound all."""
    orders = (("open", "high", "low", "close"), ("open", "close", "high", "low"))
    if len(rest) >= 4:
        bars = table.cells[rest[:4]].apply(pd.to_numeric, errors="coerce")
        fitting = [order for order in orders if _is_bar(bars.to_numpy(), order)]
        if len(fitting) == 1:
            return dict(zip(fitting[0], rest, strict=False))
    raise PriceDataError(
        "has no header and its columns are not plainly open, high, low, close; add a first line"
        " with names"
    )


def _is_bar(bars: np.ndarray, order: tuple[str, ...]) -> bool:
    high, low = bars[:, order.index("high")], bars[:, order.index("low")]
    bounds = (high >= bars.max(axis=1)) & (low <= bars.min(axis=1))
    return bool(bounds.mean() > 0.98)
