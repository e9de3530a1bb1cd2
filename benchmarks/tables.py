"""Tables of figures: aligned text for a terminal, Markdown for a page, JSON for a program."""

import math
from dataclasses import dataclass, field

Cell = str | int | float | None

GOALS = ("what", "goal", "figure", "command")


@dataclass
class Table:
    """Rows under a heading, with what a reader must know to judge them."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """One row more."""
        assert len(cells) == len(self.columns), cells
        self.rows.append(cells)

    def records(self) -> list[dict[str, Cell]]:
        """The rows by column, numbers in full; what is not finite is null."""
        return [dict(zip(self.columns, map(_finite, row), strict=True)) for row in self.rows]

    def text(self) -> str:
        """Aligned columns."""
        lines = [list(self.columns), *([plain(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *body, *(f"  {note}" for note in self.notes)])

    def markdown(self) -> str:
        """A section of a page."""
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        body = ["| " + " | ".join(plain(cell) for cell in line) + " |" for line in lines]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"### {self.title}", "", *body, *([""] if notes else []), *notes])


def _finite(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def plain(cell: Cell) -> str:
    """A cell as people read it."""
    match cell:
        case None:
            return "-"
        case float() if abs(cell) >= 1000:
            return f"{cell:,.0f}"
        case float():
            return f"{cell:.4g}"
        case int():
            return f"{cell:,}"
    return cell
