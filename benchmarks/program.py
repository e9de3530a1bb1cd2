"""What every program does alike: options, measuring on one thread, printing."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from benchmarks.machine import describe_machine, use_one_thread
from benchmarks.tables import Table, plain
from fingan.errors import FinganError

FORMS = ("--json", "--markdown")
Measure = Callable[[argparse.Namespace], list[Table]]


def output_options() -> argparse.ArgumentParser:
    """Options that every program has, as a parent of its own parser."""
    parser = argparse.ArgumentParser(add_help=False)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--markdown", action="store_true", help="Markdown, to paste into a page")
    return parser


def parsed(
    parser: argparse.ArgumentParser, command: str, arguments: Sequence[str] | None
) -> argparse.Namespace:
    """Options, and as ``command`` the words that give a figure again.

    Args:
        parser: Of the program.
        command: The program without arguments.
        arguments: As given to it; None for those of this process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    words = (word for word in given if word not in FORMS)
    return parser.parse_args(given, argparse.Namespace(command=" ".join([command, *words])))


def run(measure: Measure, options: argparse.Namespace) -> None:
    """Measure on one thread and print; a mistake of the caller is one sentence."""
    use_one_thread()
    try:
        tables = measure(options)
    except FinganError as mistake:
        sys.exit(f"{type(mistake).__name__}: {mistake}")
    show(tables, options)


def show(tables: Sequence[Table], options: argparse.Namespace) -> None:
    """Print tables in the form asked for, with the machine they were measured on."""
    machine = describe_machine()
    if options.json:
        document = {
            "machine": machine,
            "tables": [
                {"title": table.title, "rows": table.records(), "notes": table.notes}
                for table in tables
            ],
        }
        print(json.dumps(document, indent=1, allow_nan=False))
        return
    for table in tables:
        print(table.markdown() if options.markdown else table.text(), end="\n\n")
    place = "; ".join(f"{name} {plain(value)}" for name, value in machine.items())
    print(f"Measured on: {place}")
