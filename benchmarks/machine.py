"""The machine a figure was measured on, and how busy others kept it."""

import datetime as dt
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("fingan", "torch", "numpy")


def describe_machine() -> dict[str, Any]:
    """Date, processor, load and versions."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def use_one_thread() -> None:
    """One thread for torch in this process; its figures are per CPU-second."""
    torch.set_num_threads(1)


def _processor() -> str:
    records = Path("/proc/cpuinfo")
    if records.exists():
        for line in records.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
