"""Dates and times as people and vendors write them, with or without a UTC offset."""

import datetime
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fingan.data.date_order import arrange, civil_days, full_year, settle_order
from fingan.data.notes import Notes
from fingan.data.options import DateOrder
from fingan.errors import PriceDataError

_NS = 1_000_000_000
_DAY_NS = 86_400 * _NS

_CLOCK = (
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2}))?(?::(?P<second>[0-9]{2}(?:\.[0-9]{1,9})?))?"
    r"(?:[- ]?(?P<half>[AaPp][Mm]))?"
)
_DATE = (
    r"^(?P<a>[0-9]{1,4}|[A-Za-z]{3,9})[-/. ]+(?P<b>[0-9]{1,2}|[A-Za-z]{3,9})[-/., ]+"
    r"(?P<c>[0-9]{4}|[0-9]{1,2})"
    rf"(?:[T ]+{_CLOCK})?(?: ?(?P<offset>Z|UTC|GMT|[+-][0-9]{{2}}:?[0-9]{{2}}))?$"
)
_COMPACT = r"^([0-9]{4})([0-9]{2})([0-9]{2})(T| |$)"
_MONTH_ONLY = r"^(1[6-9]|2[0-2])[0-9]{2}-?(0[1-9]|1[0-2])$"
_EPOCH = r"^[0-9]{9,10}(\.[0-9]+)?$|^[0-9]{12,13}(\.0)?$|^[0-9]{15,16}$|^[0-9]{18,19}$"
_TIME_ONLY = r"^[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( ?[AaPp][Mm])?$"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_MONTH_NUMBERS = (
    {name: number for number, name in enumerate(_MONTHS, 1)}
    | {name: number for number, name in enumerate(_FULL_MONTHS, 1)}
    | {"sept": 9}
)


@dataclass(frozen=True)
class ParsedDates:
    """Times on the clock of the file, one for each row.

    Args:
        local: Nanoseconds since 1970 on the clock of the file.
        offset: Nanoseconds that the clock is ahead of UTC; None if the file does not say.
        is_valid: False where a cell is no date.
    """

    local: np.ndarray
    offset: np.ndarray | None
    is_valid: np.ndarray


def looks_like_date(cell: str) -> bool:
    """True for a cell that is a date in a form that ``parse_dates`` reads."""
    cell = cell.strip()
    forms = (_DATE, _COMPACT + r"(?:.*)", _MONTH_ONLY, _EPOCH)
    return any(re.match(form, cell) for form in forms)


def looks_like_time(cell: str) -> bool:
    """True for a time of day without a date."""
    return bool(re.match(_TIME_ONLY, cell.strip()))


def looks_like_epoch(cell: str) -> bool:
    """True for seconds, milli-, micro- or nanoseconds since 1970."""
    return bool(re.match(_EPOCH, cell.strip()))


def is_time_of_day(text: pa.Array) -> np.ndarray:
    """Rows whose date cell holds a time of day: the running session of a table of days."""
    return _matches(text, _TIME_ONLY)


def parse_dates(
    text: pa.Array, order: DateOrder | None, groups: np.ndarray, notes: Notes
) -> ParsedDates:
    """The dates of a column of text.

    Args:
        text: Trimmed cells, no nulls.
        order: Order of day, month and year where the cells leave it open, as the user states it.
        groups: Asset of each row, as a number: dates are expected to run on within an asset.
        notes: Receives the rules that were applied.

    Raises:
        PriceDataError: If the order of day and month remains open.
    """
    if len(text) and _matches(text, _MONTH_ONLY).all():
        return _parse_months(text, notes)
    if len(text) and _matches(text, _EPOCH).all():
        return _parse_epochs(text, notes)
    return _parse_civil(text, order, groups, notes)


def _matches(text: pa.Array, pattern: str) -> np.ndarray:
    found = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _parse_months(text: pa.Array, notes: Notes) -> ParsedDates:
    months = [(int(cell[:4]) - 1970) * 12 + int(cell[-2:]) for cell in text.to_pylist()]
    last_days = np.array(months, "M8[M]").astype("M8[D]").astype(np.int64) - 1
    notes.add_rule("month_ends", "months without a day are dated on their last day", len(months))
    return ParsedDates(last_days * _DAY_NS, None, np.ones(len(months), bool))


def _parse_epochs(text: pa.Array, notes: Notes) -> ParsedDates:
    local = epoch_nanoseconds(text)
    notes.add_rule("epochs", "numbers since 1970 are read as UTC times", len(local))
    return ParsedDates(local, np.zeros(len(local), np.int64), np.ones(len(local), bool))


def epoch_nanoseconds(text: pa.Array) -> np.ndarray:
    """Nanoseconds from seconds, milli-, micro- or nanoseconds, by their digits; -1 if neither."""
    whole = pc.replace_substring_regex(text, r"\.0*$", "")
    is_whole = pc.match_substring_regex(whole, r"^[0-9]{1,18}$|^[0-8][0-9]{18}$")
    digits = pc.if_else(pc.fill_null(is_whole, False), whole, None)
    numbers = pc.fill_null(digits.cast(pa.int64()), -1)
    values = np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.int64)
    length = pc.fill_null(pc.utf8_length(whole), 0).to_numpy(zero_copy_only=False)
    power = np.select([length <= 10, length <= 13, length <= 16], [9, 6, 3], default=0)
    return np.where(values < 0, -1, values * 10**power)


def _parse_civil(
    text: pa.Array, order: DateOrder | None, groups: np.ndarray, notes: Notes
) -> ParsedDates:
    spelled = pc.replace_substring_regex(text, _COMPACT, r"\1-\2-\3\4")
    parts = pc.extract_regex(spelled, _DATE)
    fields = {name: pc.fill_null(parts.field(name), "") for name in _field_names(parts)}
    year, month, day, is_open, is_short = _known_parts(fields)
    if is_open.any():
        triple = tuple(_integers(fields[name])[is_open] for name in "abc")
        open_text = text.filter(is_open)
        settled = settle_order(triple, is_short[is_open], order, groups[is_open], open_text)
        example = f"dates like {open_text[0].as_py()!r} are read as {settled}"
        notes.add_rule("date_order", example, is_open.sum())
        year[is_open], month[is_open], day[is_open] = arrange(triple, settled)
    is_short &= year < 100
    year = np.where(is_short, full_year(year), year)
    notes.add_rule("short_years", "years of two digits lie in 1969-2068", is_short.sum())
    _check_no_future(year, month, day, is_short)
    days, is_date = civil_days(year, month, day)
    clock, is_clock = _clock(fields)
    has_match = ~parts.is_null().to_numpy(zero_copy_only=False)
    is_valid = is_date & is_clock & has_match
    return ParsedDates(days * _DAY_NS + clock, _offsets(fields["offset"], has_match), is_valid)


def _field_names(parts: pa.StructArray) -> list[str]:
    return [parts.type.field(position).name for position in range(parts.type.num_fields)]


def _integers(text: pa.Array, default: int = 0) -> np.ndarray:
    digits = pc.if_else(pc.match_substring_regex(text, r"^[0-9]{1,9}$"), text, None)
    numbers = pc.fill_null(digits.cast(pa.int64()), default)
    return np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.int64)


def _month_numbers(text: pa.Array) -> np.ndarray:
    codes = pc.dictionary_encode(pc.utf8_lower(text))
    known = [_MONTH_NUMBERS.get(name, 0) for name in codes.dictionary.to_pylist()]
    positions = codes.indices.to_numpy(zero_copy_only=False)
    return np.asarray(np.array(known, np.int64)[positions])


def _known_parts(fields: dict[str, pa.Array]) -> tuple[np.ndarray, ...]:
    """Year, month and day where the form of the cell tells them; the rest is open."""
    a, b, c = (_integers(fields[name]) for name in "abc")
    lengths = pc.utf8_length(fields["a"]).to_numpy(zero_copy_only=False)
    c_lengths = pc.utf8_length(fields["c"]).to_numpy(zero_copy_only=False)
    year_first = (lengths == 4) & _matches(fields["a"], r"^[0-9]{4}$")
    month_first = _matches(fields["a"], r"^[A-Za-z]")
    month_second = _matches(fields["b"], r"^[A-Za-z]")
    names_a, names_b = _month_numbers(fields["a"]), _month_numbers(fields["b"])
    year = np.where(year_first, a, c)
    day = np.select([year_first, month_first], [c, b], default=a)
    month = np.select([month_second, month_first], [names_b, names_a], default=b)
    month = np.where(month_first & month_second, 0, month)
    is_open = ~(year_first | month_first | month_second) & (lengths > 0)
    is_short = ~year_first & (c_lengths <= 2) & (lengths > 0)
    return year, month, day, is_open, is_short


def _check_no_future(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, is_short: np.ndarray
) -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    ahead = is_short & (year > today.year + 1)
    if ahead.any():
        row = int(np.flatnonzero(ahead)[0])
        raise PriceDataError(
            f"years of two digits must lie in 1969-{today.year}, row {row + 1} would be"
            f" {year[row]}-{month[row]:02d}-{day[row]:02d}; write years with four digits"
        )


def _clock(fields: dict[str, pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """Nanoseconds since midnight, and whether there is such a time."""
    hour, minute = _integers(fields["hour"]), _integers(fields["minute"])
    seconds = pc.if_else(pc.equal(fields["second"], ""), "0", fields["second"]).cast(pa.float64())
    second = np.array(seconds.to_numpy(zero_copy_only=False))
    half = pc.utf8_lower(fields["half"])
    is_am, is_pm = (np.asarray(pc.equal(half, name)) for name in ("am", "pm"))
    has_half = is_am | is_pm
    is_time = (hour <= np.where(has_half, 12, 23)) & (minute <= 59) & (second < 60)
    is_time &= ~has_half | (hour >= 1)
    hour = np.where(has_half, hour % 12, hour) + 12 * is_pm
    whole = (hour * 3600 + minute * 60) * _NS
    return whole + np.rint(second * 1e9).astype(np.int64), is_time


def _offsets(text: pa.Array, has_match: np.ndarray) -> np.ndarray | None:
    has_offset = np.asarray(pc.not_equal(text, ""))
    if not has_offset.any():
        return None
    bare = has_match & ~has_offset
    if bare.any():
        raise PriceDataError(
            f"row {int(np.flatnonzero(bare)[0]) + 1} has no UTC offset while others have one;"
            " write all times with an offset, or none"
        )
    digits = pc.replace_substring_regex(text, "[^0-9]", "")
    number = _integers(digits)
    seconds = number // 100 * 3600 + number % 100 * 60
    sign = np.where(np.asarray(pc.starts_with(text, "-")), -1, 1)
    return np.asarray(sign * seconds * _NS)
