"""The document that a report is: sections of text, tables and figures, as JSON.

The page is a function of it and of nothing else, so that page and JSON say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import plotly.graph_objects as go

Format = Literal[
    "text",
    "number",
    "count",
    "t",
    "share",
    "p_value",
    "estimate",
    "test",
    "outcome",
    "prose",
    "code",
]
Width = Literal["full", "half", "third"]
Outcome = Literal["passed", "failed", "loses", "wins", "differs", "open", "note"]


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    format: Format = "text"
    note: str = ""
    """What it means, for who asks."""


@dataclass(frozen=True)
class Table:
    """Rows of plain values, printed as the page likes; a row of one value is a heading."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """One figure in one or several views among which the reader chooses."""

    id: str
    title: str
    views: Mapping[str, go.Figure]
    caption: str = ""
    width: Width = "full"

    def record(self) -> dict[str, Any]:
        """As JSON."""
        views = [{"name": name, "figure": _json(view)} for name, view in self.views.items()]
        return {
            "id": self.id,
            "title": self.title,
            "caption": self.caption,
            "width": self.width,
            "views": views,
        }


@dataclass(frozen=True)
class Statement:
    """One sentence of the verdict."""

    outcome: Outcome
    text: str


@dataclass
class Section:
    """One part of the report."""

    id: str
    title: str
    text: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    lists: dict[str, list[Statement]] = field(default_factory=dict)
    """By heading."""
    commands: list[str] = field(default_factory=list)
    not_applicable: str | None = None
    """Why there is nothing to show."""

    def add_notes(self, notes: Sequence[str]) -> None:
        """What a reader must know of the numbers."""
        if notes:
            self.lists["Notes"] = [Statement("note", str(text)) for text in notes]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "not_applicable": self.not_applicable,
            "text": self.text,
            "lists": {
                heading: [asdict(statement) for statement in statements]
                for heading, statements in self.lists.items()
            },
            "tables": [asdict(table) for table in self.tables],
            "figures": [picture.record() for picture in self.pictures],
            "commands": self.commands,
        }


def _json(figure: go.Figure) -> dict[str, Any]:
    document: dict[str, Any] = figure.to_plotly_json()
    return document
