"""One table of goals: what the model must reach, its figure, and the command of each row.

Runs the programs below one after another with `--seeds` and `--store`, so that a model that several
of them score is trained once; whatever the store holds is not trained again. From nothing that
takes many hours, most of them for `index_var`: train seeds side by side first, each process with
`--no-scores` (`python -m benchmarks.out_of_sample --seeds 0,1 --no-scores`).

The Quant GANs and Tail-GAN programs train in memory, and their time comes on top. Large universes
and bars within the day have programs of their own, with data of the user's.
"""

import argparse
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from benchmarks import (
    copies,
    facts,
    index_var,
    out_of_sample,
    portfolio_var,
    quant_gans,
    tail_gan,
)
from benchmarks.learning import names, say
from benchmarks.program import output_options, parsed, run
from benchmarks.stored_models import STORE
from benchmarks.tables import GOALS, Table
from fingan.errors import RequestError

COMMAND = "python -m benchmarks.goals"


class Program(Protocol):
    """A module of this package that measures."""

    COMMAND: str

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Its options."""

    def measure(self, options: argparse.Namespace) -> list[Table]:
        """Its tables."""


class Part(NamedTuple):
    """A program and its own options."""

    program: Program
    arguments: str = ""
    is_stored: bool = True
    """Whether it keeps its models in the store."""


PARTS = {
    "out_of_sample": Part(out_of_sample),
    "index_var": Part(index_var, "--no-daily"),
    "portfolio_var": Part(portfolio_var),
    "facts": Part(facts),
    "quant_gans": Part(quant_gans, is_stored=False),
    "tail_gan_5": Part(tail_gan, "--assets 5", is_stored=False),
    "tail_gan_20": Part(tail_gan, "--assets 20", is_stored=False),
}


def measure(options: argparse.Namespace) -> list[Table]:
    """Goals of every program asked for; the copy test on every model of the store at the end."""
    unknown = [name for name in options.only if name not in PARTS]
    if unknown:
        raise RequestError(f"--only must name some of {', '.join(PARTS)}, got '{unknown[0]}'")
    table = Table("Goals", GOALS)
    for name in options.only:
        part = PARTS[name]
        given = [*shlex.split(part.arguments), "--seeds", options.seeds]
        given += ["--store", options.store] if part.is_stored else []
        given += ["--quick"] if options.quick else []
        _add(table, part.program, given)
    if any(PARTS[name].is_stored for name in options.only):
        _add(table, copies, ["--store", options.store])
    return [table]


def _add(table: Table, program: Program, arguments: list[str]) -> None:
    """The goals of one program, with the command that gives them again."""
    command = shlex.join([*shlex.split(program.COMMAND), *arguments])
    say(command)
    parsed_options = program.parse(arguments)
    parsed_options.command = command
    for found in program.measure(parsed_options):
        if found.columns == GOALS:
            for row in found.rows:
                table.add(*row)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("--only", type=names, default=list(PARTS), help=f"default: {','.join(PARTS)}")
    add("--seeds", default="0,1,2,3,4", help="of the models (default: %(default)s)")
    add("--store", default=STORE, help="of the models trained here (default: %(default)s)")
    add("--quick", action="store_true", help="a look: hardly trained, few paths")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()
