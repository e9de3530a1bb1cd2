"""The commands that print the content of a report again."""

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fingan.assessment.report_span import Span

Options = dict[str, object]

OF_REPORT = ("--backtest-paths", "--audit", "--out")
OF_PORTFOLIO = ("--portfolio", "--allow-leverage")


def rerun_commands(
    model: str, span: "Span | None", window: int | None, given: Options
) -> list[str]:
    """Evaluation and backtest, if there are days to compare, and the report.

    Args:
        model: Reference or path of the model.
        span: Days that were compared.
        window: Rows that the baselines of the backtest were fitted on.
        given: Options as they were given to ``fingan report``; None and False for those that
            were not.
    """
    if span is None:
        return [_command("report", model, given)]
    days = {
        "--from": f"{span.first:%Y-%m-%d}",
        "--to": f"{span.last:%Y-%m-%d}",
        "--in-sample": span.in_sample,
    }
    evaluation = _without(given, *OF_REPORT, *OF_PORTFOLIO)
    backtest = _without(given, *OF_REPORT)
    backtest |= {"--paths": given["--backtest-paths"], "--window": window}
    return [
        _command("evaluate", model, evaluation | days),
        _command("backtest", model, backtest | days),
        _command("report", model, given | days),
    ]


def _without(given: Options, *names: str) -> Options:
    return {name: value for name, value in given.items() if name not in names}


def _command(name: str, model: str, options: Options) -> str:
    """A command as it is typed; options that were not given are left out."""
    words = ["fingan", name, model]
    for option, value in options.items():
        if value is None or value is False:
            continue
        words += [option] if value is True else [option, str(value)]
    return shlex.join(words)
