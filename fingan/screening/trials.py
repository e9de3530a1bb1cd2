"""The log of every run of every screen in a model store: how long the search has been.

One line of JSON a run, appended and never changed. Whoever tries a hundred screens will like one of
them; the deflated Sharpe ratio of a validation counts these lines.
"""

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fingan.errors import StoreError
from fingan.files import local_path

FOLDER = ".screens"  # of a model store
FILE = "trials.jsonl"


@dataclass(frozen=True)
class Trials:
    """How many runs there were."""

    of_definition: int
    """Of this screen, with whatever model, date and seed."""
    of_store: int
    """Of any screen in the store."""

    def with_those_of(self, card: Mapping[str, Any]) -> int:
        """Runs in the store, and the other configurations among which a model was chosen.

        Args:
            card: Of the model; the winner of a sweep carries their number.
        """
        return self.of_store + int(card.get("selection", {}).get("n_trials", 1)) - 1

    def record(self) -> dict[str, int]:
        """As JSON."""
        return {"of_this_definition": self.of_definition, "of_all": self.of_store}


def log_trial(store: str, screen_digest: str, run: dict[str, Any]) -> Trials:
    """Append a run, and count it with those before.

    Args:
        store: Of the model; where it is a URL, the log is in ``./models``.
        screen_digest: Of the definition.
        run: What else is kept: model, date, seed, what was listed.

    Raises:
        StoreError: If the log cannot be written.
    """
    path = _place(store)
    stamp = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    line = json.dumps({"time": stamp, "screen_digest": screen_digest, **run}, allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as log:  # one write, so that two runs do not mix
            log.write(f"{line}\n".encode())
            os.fsync(log.fileno())
    except OSError as failure:
        raise StoreError(f"{path}: cannot be written: {failure.strerror}") from None
    return count_trials(store, screen_digest)


def count_trials(store: str, screen_digest: str) -> Trials:
    """The runs logged so far.

    Raises:
        StoreError: If a line of the log is not one of a run.
    """
    path = _place(store)
    if not path.exists():
        return Trials(0, 0)
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        digests = [json.loads(line)["screen_digest"] for line in lines]
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"{path}: must hold one JSON object of a run in each line") from None
    return Trials(digests.count(screen_digest), len(digests))


def _place(store: str) -> Path:
    return (local_path(store) or Path("models")) / FOLDER / FILE
