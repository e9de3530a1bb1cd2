"""What `fingan demo` costs: seconds on the wall, CPU-seconds and peak memory.

The command runs in a process of its own in an empty directory, so that nothing is left behind.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table

COMMAND = "python -m benchmarks.demo_cost"
GOAL_MINUTES, GOAL_QUICK_MINUTES, GOAL_GIB = 6, 1, 3
KIB = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of ru_maxrss


def measure(options: argparse.Namespace) -> list[Table]:
    """Run the demo once."""
    command = [
        str(Path(sys.executable).with_name("fingan")),
        "demo",
        *(["--quick"] * options.quick),
    ]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fingan-demo-") as place:
        process = subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode:
        sys.exit(f"fingan demo must end with 0, got {process.returncode}")
    name = "fingan demo --quick" if options.quick else "fingan demo"
    minutes = GOAL_QUICK_MINUTES if options.quick else GOAL_MINUTES
    table = Table("The demo: goals", GOALS)
    table.add(
        f"{name}, wall",
        f"about {minutes} minute" if options.quick else f"at most {minutes} minutes",
        f"{wall / 60:.1f} min ({usage.ru_utime + usage.ru_stime:.0f} CPU-s)",
        options.command,
    )
    peak = usage.ru_maxrss * KIB / 2**30
    table.add(f"{name}, peak memory", f"under {GOAL_GIB} GiB", f"{peak:.2f} GiB", options.command)
    return [table]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__, parents=[output_options()])
    parser.add_argument("--quick", action="store_true", help="of `fingan demo --quick`")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
