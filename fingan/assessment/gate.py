"""A gate: one written question, its threshold, the answer; and the level that gates share."""

from dataclasses import dataclass

FAMILY_LEVEL = 0.01
N_HISTORIES = 512
AMONG_HISTORIES = ("clustering", "tails")
HISTORY_LEVEL = 2 / (N_HISTORIES + 1)  # two sides; the market beyond each history by chance
OF_FORECASTS = ("spread_of_assets", "spread_of_directions", "coverage", "score")
LEVEL = (FAMILY_LEVEL - len(AMONG_HISTORIES) * HISTORY_LEVEL) / len(OF_FORECASTS)  # of each


@dataclass(frozen=True)
class Gate:
    """One question, what was asked for, and the answer."""

    name: str
    question: str
    threshold: str
    value: float | None
    passed: bool | None
    """None where the question is not applicable; the note says why."""
    note: str | None = None
    reference_passed: bool | None = None
    """Whether the reference passes what the model failed; None where it was not asked."""
