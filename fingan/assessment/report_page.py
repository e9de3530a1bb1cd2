"""The page of a report: one file of HTML that opens without a network.

It is a function of the report's record alone. Scripts and styles stand inside; a policy in the
head forbids the browser to fetch anything.
"""

import math
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

Record = Mapping[str, Any]

NOT_APPLICABLE = "n/a"
MISSING = "\N{EN DASH}"


def report_page(record: Record) -> str:
    """The whole page.

    Args:
        record: Of ``report``; texts from outside are escaped.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("fingan.assessment", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "script": script}
    library = Markup(get_plotlyjs())
    return environment.get_template("report.html").render(report=record, plotly=library)


def script(value: Any) -> Markup:
    """A value as JSON that may stand within a script element."""
    from pydantic_core import to_json

    text = to_json(value, inf_nan_mode="null").decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def cell(value: Any, form: str) -> Markup:
    """A cell of a table as a person reads it."""
    match form, value:
        case _, None:
            return Markup('<span class="none">{}</span>').format(MISSING)
        case "estimate", _:
            return _estimate(value)
        case "outcome", True:
            return Markup("passed")
        case "outcome", False:
            return Markup('<span class="failed">✗ failed</span>')
        case "test", _:
            return _test(value)
        case "code", _:
            return Markup("<code>{}</code>").format(value)
        case "text" | "prose", _:
            return Markup("{}").format(value)
        case "p_value", _:
            return Markup("{}").format(_probability(value))
        case "count", _:
            return Markup("{}").format(f"{value:,}" if value == int(value) else f"{value:,.1f}")
        case "share", _:
            return Markup("{}").format(f"{100 * value:.1f} %")
        case "t", _:
            return Markup("{}").format(f"{value:+.1f}")
    return Markup("{}").format(plain(value))


def plain(value: float) -> str:
    """A number with three digits that say something."""
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return NOT_APPLICABLE
    size = abs(value)
    if size >= 1e5 or 0 < size < 1e-4:
        return f"{value:.1e}"
    return f"{value:,.{_decimals(size)}f}"


def _decimals(size: float, digits: int = 3) -> int:
    """Places after the point that show so many digits of a number."""
    return 2 if size == 0 else max(0, digits - 1 - math.floor(math.log10(size)))


def _estimate(value: Record) -> Markup:
    if value["estimate"] is None:
        note = value.get("note") or "too few days"
        return Markup('<span class="none" title="{}">{}</span>').format(note, NOT_APPLICABLE)
    error = value.get("standard_error")
    text = plain(value["estimate"])
    if error:
        size = abs(value["estimate"])
        places = min(_decimals(size, 4 if size >= 1 else 3), 6)
        text, error = f"{value['estimate']:,.{places}f}", f"{error:.{places}f}"
    shown = Markup("<b>{}</b>").format(text) if value.get("best") else Markup("{}").format(text)
    beneath = [] if not error else [f"± {error}"]
    if value.get("t") is not None and value.get("difference"):
        beneath.append(f"t {value['t']:+.1f}")
    if beneath:
        shown += Markup('<span class="error">{}</span>').format(" ".join(beneath))
    if value.get("note"):
        shown = Markup('<span title="{}">{}<sup>*</sup></span>').format(value["note"], shown)
    return shown


def _test(value: Record) -> Markup:
    p = value.get("adjusted_p")
    if p is None:
        p = value.get("p")
    if p is None:
        return Markup('<span class="none">{}</span>').format(NOT_APPLICABLE)
    if value.get("failed"):
        return Markup('<span class="failed">✗ {}</span>').format(_probability(p))
    return Markup("{}").format(_probability(p))


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
