"""What tests of jobs on a real Ray share: waiting for events, a clean environment, TOML."""

import os
import time
from collections.abc import Callable
from typing import Any

WAIT = 180  # seconds for something to happen


def wait_for(what: Callable[[], Any], is_over: Callable[[], bool] = lambda: False) -> Any:
    """The first true answer; fails when the time or the process is over before."""
    end = time.monotonic() + WAIT
    while not (answer := what()):
        assert time.monotonic() < end, "it did not happen in time"
        assert not is_over(), "it was over before it happened"
        time.sleep(0.01)
    return answer


def clean_environment() -> dict[str, str]:
    """The environment of a job that is to start a Ray of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}


def toml(values: dict[str, Any]) -> str:
    """The tables of a training configuration."""
    lines = ["[train]", *(f"{k} = {v}" for k, v in values.items() if not isinstance(v, dict))]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += [f"[train.{name}]", *(f"{key} = {value}" for key, value in table.items())]
    return "\n".join(lines)
