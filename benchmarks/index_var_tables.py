"""VaR of an index as tables: the model's goals, figures known from other programs, all rows."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import NamedTuple

import torch

from benchmarks.tables import Cell, Table
from fingan.assessment.comparison import mean_and_error
from fingan.assessment.var_forecasts import DayForecasts, Days
from fingan.assessment.var_verdicts import PERCENT, REFERENCE, Row, score_lags
from fingan.metrics.scoring_rules import fz0
from fingan.risk.backtest import SIGNIFICANCE, diebold_mariano

TOLERANCE = 0.01
BOUNDS = {0.99: 1.243, 0.975: 0.998, 0.95: 0.805}  # FZ0 of the S&P 500, 2005 to 2022
COLUMNS = (
    *("forecaster", "tail", "FZ0", "known", "ratio", "s.e.", "DM t", "best at 90 %"),
    *("violations %", "known %", "Kupiec p", "known p", "cond. cov. p", "known cc p"),
)

Rows = Mapping[tuple[str, float], Row]


class Figures(NamedTuple):
    """Of one forecaster at one level, as computed before; None where none was."""

    violations: float | None = None
    """Percent of the days."""
    kupiec: float | None = None
    coverage: float | None = None
    fz0: float | None = None


KNOWN = {
    "fhs-gjr": {
        0.99: Figures(1.32, 0.036, 0.109, 1.2433),
        0.975: Figures(2.83, 0.168, 0.365, 0.9977),
        0.95: Figures(5.19, 0.562, 0.790, 0.8047),
    },
    "gjr-skew-t": {
        0.99: Figures(1.15, 0.328, 0.551, 1.2472),
        0.975: Figures(3.02, 0.028, 0.090, 0.9978),
        0.95: Figures(5.50, 0.130, 0.173, 0.8058),
    },
    "fhs-ewma": {
        0.99: Figures(1.39, 0.013, 0.009, 1.312),
        0.95: Figures(5.12, 0.706, 0.931, 0.8626),
    },
    "garch-t": {0.99: Figures(1.68, fz0=1.267)},
    "historical, 250 days": {
        0.99: Figures(1.85, 0.000, 0.000, 1.574),
        0.975: Figures(3.64, fz0=1.274),
        0.95: Figures(5.72, fz0=1.033),
    },
    "historical, 1,000 days": {0.99: Figures(1.72, 0.000, 0.000, 1.812)},
    "EWMA, normal": {0.99: Figures(2.54, 0.000, 0.000, 1.579)},
    "GARCH, normal": {0.99: Figures(2.47, fz0=1.424)},
}


def add_known(table: Table, rows: Rows, command: str) -> None:
    """Goals: our baselines' scores beside those computed with other programs."""
    for name in ("fhs-gjr", "gjr-skew-t", "fhs-ewma"):
        for level, known in KNOWN[name].items():
            row = rows.get((name, level))
            if row is None or row.fz0 is None or known.fz0 is None:
                continue
            table.add(
                f"FZ0 of {name} at {_tail(level)}",
                f"{known.fz0} within {100 * TOLERANCE:g} %",
                f"{row.fz0:.4f} ({100 * (row.fz0 / known.fz0 - 1):+.2f} %)",
                command,
            )


def add_models(
    table: Table, rows: Rows, models: Sequence[str], bounds: Mapping[float, float], command: str
) -> None:
    """Goals: scores of the model, mean over seeds, and coverage of every seed.

    Args:
        table: To which rows are added.
        rows: Of all forecasters.
        models: Names of the seeds.
        bounds: Goals of FZ0 by level, where there are any.
        command: That gives the figures again.
    """
    for level in sorted({level for _, level in rows}, reverse=True):
        own = [rows[name, level] for name in models]
        scores = [row.fz0 for row in own if row.fz0 is not None]
        reference = rows.get((REFERENCE, level))
        beside = (
            ""
            if reference is None or reference.fz0 is None
            else f" ({REFERENCE} here: {reference.fz0:.4f})"
        )
        bound = bounds.get(level)
        table.add(
            f"FZ0 of the model at {_tail(level)}, mean of {len(own)} seeds",
            f"no bound{beside}" if bound is None else f"at most {bound}{beside}",
            f"{mean(scores):.4f} ({', '.join(f'{score:.4f}' for score in scores)})"
            if len(scores) == len(own)
            else "not applicable: a shortfall is no loss",
            command,
        )
        for test, title in (("kupiec", "Kupiec"), ("conditional_coverage", "cond. coverage")):
            found = [row.tests[test].p for row in own]
            n_passed = sum(p is not None and p > SIGNIFICANCE for p in found)
            values = ", ".join("-" if p is None else f"{p:.3f}" for p in found)
            table.add(
                f"{title} of the model at {_tail(level)}, p by seed",
                f"above {SIGNIFICANCE}",
                f"{values} ({n_passed} of {len(found)} pass)",
                command,
            )


def mean_of_seeds(
    forecasts: Mapping[str, DayForecasts],
    models: Sequence[str],
    days: Days,
    levels: Sequence[float],
) -> Table:
    """The mean score of the seeds, day by day, tested against every other forecaster's.

    Source: Diebold & Mariano (1995), Comparing predictive accuracy.
    """
    others = [name for name in forecasts if name not in models]
    columns = (
        "tail",
        "FZ0, mean of seeds",
        "sd of seeds",
        "s.e.",
        *(f"t (p), {n}" for n in others),
    )
    table = Table("One-day VaR of an index, the model against each", columns)
    n_lags = score_lags(len(days.losses), 1)
    for number, level in enumerate(levels):
        scores = {name: _score(forecasts[name], days, level, number) for name in forecasts}
        own = [scores[name] for name in models]
        average = torch.stack(own).mean(0)
        spread = stdev(float(one.mean()) for one in own) if len(own) > 1 else None
        cells: list[Cell] = []
        for name in others:
            found = diebold_mariano(average, scores[name], n_lags)
            cells.append(None if found is None else f"{found.statistic:+.2f} ({found.p:.3f})")
        value, error = mean_and_error(average, n_lags)
        table.add(_tail(level), f"{value:.4f}", spread, error, *cells)
    table.notes = ["negative: the model is better; two-sided, each for itself"]
    return table


def beside(rows: Rows, notes: list[str]) -> Table:
    """All forecasters at all levels, beside the figures known of them."""
    table = Table("One-day VaR of an index, beside known figures", COLUMNS)
    names = list(dict.fromkeys([*(name for name, _ in rows), *KNOWN]))
    for level in sorted({level for _, level in rows}, reverse=True):
        for name in names:
            row, known = rows.get((name, level)), KNOWN.get(name, {}).get(level, Figures())
            if row is not None or known.fz0 is not None:
                table.add(name, _tail(level), *_cells(row, known))
    table.notes = [
        *notes,
        f"s.e.: Newey-West; DM t: Diebold-Mariano against {REFERENCE}, negative is better;"
        " best: in the model confidence set of those of one run",
        "p-values are not adjusted; asymptotic where 30 violations or more are expected",
        "known figures are of the S&P 500, 2005-01-03 to 2022-12-28",
    ]
    return table


def _score(said: DayForecasts, days: Days, level: float, number: int) -> torch.Tensor:
    return fz0(
        PERCENT * said.value_at_risk[:, number],
        PERCENT * said.expected_shortfall[:, number],
        PERCENT * days.losses,
        level,
    )


def _cells(row: Row | None, known: Figures) -> list[Cell]:
    if row is None:
        gaps = [None] * 5
        figures = (known.violations, None, known.kupiec, None, known.coverage)
        return [None, known.fz0, *gaps, *figures]
    ratio = None if known.fz0 is None or row.fz0 is None else f"{row.fz0 / known.fz0:.4f}"
    return [
        row.fz0 and f"{row.fz0:.4f}",
        known.fz0,
        ratio,
        row.fz0_se,
        row.dm_t and f"{row.dm_t:+.2f}",
        None if row.in_mcs is None else ("yes" if row.in_mcs else "no"),
        f"{100 * row.violations / row.n_days:.2f}",
        known.violations,
        row.tests["kupiec"].p,
        known.kupiec,
        row.tests["conditional_coverage"].p,
        known.coverage,
    ]


def _tail(level: float) -> str:
    return f"{100 * (1 - level):g} %"
