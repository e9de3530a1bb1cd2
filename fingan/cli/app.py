"""The ``fingan`` command: its groups, its version, and how a failure ends.

Exit codes: 0 done, 2 bad input or usage, 1 anything else, 130 interrupted,
143 terminated. A failure is one
sentence on stderr; ``FINGAN_DEBUG=1`` adds the traceback of one that is not the caller's.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer

from fingan import __version__
from fingan.cli import (
    anomalies,
    augment,
    backtest,
    demo,
    evaluate,
    generate,
    keys,
    models,
    optimize,
    prices,
    privacy,
    report,
    risk,
    screen,
    stress,
    train,
)
from fingan.cli.console import note
from fingan.errors import FinganError, TrainingDivergedError

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="fingan",
    help="Learn how a market moves from a file of prices; draw joint scenarios of its future.",
    epilog="Begin with: fingan demo --quick",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.add_typer(prices.app, name="prices")
app.command("train", epilog=train.EXAMPLE)(train.train)
app.command("generate", epilog=generate.EXAMPLE)(generate.generate)
app.command("evaluate", epilog=evaluate.EXAMPLE)(evaluate.evaluate)
app.command("backtest", epilog=backtest.EXAMPLE)(backtest.backtest)
app.command("risk", epilog=risk.EXAMPLE)(risk.risk)
app.command("optimize", epilog=optimize.EXAMPLE)(optimize.optimize)
app.command("stress", epilog=stress.EXAMPLE)(stress.stress)
app.command("screen", epilog=screen.EXAMPLE)(screen.screen)
app.command("report", epilog=report.EXAMPLE)(report.report)
app.command("privacy", epilog=privacy.EXAMPLE)(privacy.privacy)
app.command("anomalies", epilog=anomalies.EXAMPLE)(anomalies.anomalies)
app.command("augment", epilog=augment.EXAMPLE)(augment.augment)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"fingan {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """What stands before the name of a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: What stands after ``fingan``; None for the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)  # as an exception, so that half-written files go
    try:
        ended = app(args=words or ["--help"], prog_name="fingan", standalone_mode=False)
    except typer.TyperException as misuse:
        return _complain(misuse.format_message(), BAD_INPUT)
    except FinganError as mistake:
        return _complain(str(mistake), BAD_INPUT)
    except TrainingDivergedError as divergence:
        return _complain(str(divergence), FAILED)
    except Exception as failure:
        if os.environ.get("FINGAN_DEBUG") == "1":
            traceback.print_exc()
        return _complain(f"{type(failure).__name__}: {failure}", FAILED)
    if ended == INTERRUPTED:
        note("interrupted: no file was left half-written")
    return ended if isinstance(ended, int) else DONE


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _complain(text: str, code: int) -> int:
    """Say in one line what went wrong."""
    words = " ".join(text.split())
    note(f"error: {words if words.endswith('...') else words.rstrip('.')}")
    return code
