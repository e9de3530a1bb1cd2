"""The verdict on each forecaster of VaR and ES at each level: its tests, and its score.

Coverage tests say whether a forecaster is acceptable, and say little on few days: the power of
Kupiec's stands beside it. Which forecaster is better, the FZ0 score alone says, with its error.

Source: Nolde & Ziegel (2017), Elicitability and backtesting: perspectives for banking regulation;
Patton, Ziegel & Chen (2019), Dynamic semiparametric models for expected shortfall, for FZ0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.comparison import mean_and_error, overlap
from fingan.assessment.var_forecasts import DayForecasts, Days
from fingan.metrics.scoring_rules import fz0
from fingan.risk import backtest as tests
from fingan.risk.backtest import Outcome

REFERENCE = "fhs-gjr"  # whose score the others are compared with
PERCENT = 100  # the unit of losses in which FZ0 is published
FEWEST_FOR_COMPARISON = 5  # expected violations, which all of the score's chance hangs on
N_BINS = 20  # of the histogram of transforms

Scores = dict[str, Float[Tensor, " n_days"]]  # by forecaster


@dataclass
class Verdict:
    """Of one test; None where it is not applicable."""

    p: float | None = None
    adjusted_p: float | None = None
    """Holm's, over all tests of the forecaster at all levels."""
    failed: bool = False
    """Adjusted p-value below 5 %."""
    statistic: float | None = None


@dataclass
class Row:
    """One forecaster at one level; None where a figure is not applicable."""

    sampler: str
    level: float
    n_days: int
    """That are tested: where horizons overlap, only days that lie apart."""
    violations: int
    expected: float
    tests: dict[str, Verdict]
    power_1_5x: float
    """Chance that Kupiec's test rejects violations 1.5 times as frequent as they should be."""
    power_2x: float
    power_3x: float
    traffic_light: str | None
    n_scored: int
    """Days of the score: all of them."""
    fz0: float | None
    """Mean score of losses in percent; lower is better."""
    fz0_se: float | None
    dm_t: float | None
    """Diebold-Mariano against ``fhs-gjr``; negative is better than it."""
    dm_p: float | None
    in_mcs: bool | None


def judge(
    forecasts: Mapping[str, DayForecasts], days: Days, levels: Sequence[float], horizon: int
) -> list[Row]:
    """A row for each forecaster and level, in their order."""
    rows: list[Row] = []
    for number, level in enumerate(levels):
        scores = _scores(forecasts, days, level, number)
        kept = tests.model_confidence_set(scores, horizon)
        n_lags = score_lags(len(days.losses), horizon)
        for name, said in forecasts.items():
            row = _coverage(name, said, days, level, number, horizon)
            _add_score(row, scores, kept, n_lags)
            rows.append(row)
    order = list(forecasts)
    rows.sort(key=lambda row: order.index(row.sampler))
    for name in order:
        adjust([row for row in rows if row.sampler == name])
    return rows


def _scores(forecasts: Mapping[str, DayForecasts], days: Days, level: float, number: int) -> Scores:
    """Daily FZ0; of those alone that never promise a gain in the tail."""
    return {
        name: fz0(
            PERCENT * said.value_at_risk[:, number],
            PERCENT * said.expected_shortfall[:, number],
            PERCENT * days.losses,
            level,
        )
        for name, said in forecasts.items()
        if float(said.expected_shortfall[:, number].min()) > 0
    }


def _coverage(
    name: str, said: DayForecasts, days: Days, level: float, number: int, horizon: int
) -> Row:
    apart = torch.tensor(days.apart(horizon))
    losses, draws = days.losses[apart], said.draws[apart]
    threshold, shortfall = said.value_at_risk[apart, number], said.expected_shortfall[apart, number]
    violated = tests.violations(losses, threshold)
    outcomes: dict[str, Outcome | None] = {
        "kupiec": tests.kupiec(violated, level),
        "christoffersen_independence": tests.christoffersen_independence(violated, level),
        "conditional_coverage": tests.conditional_coverage(violated, level),
        "dq": tests.dynamic_quantile(losses, threshold, level),
        "acerbi_szekely_z2": tests.acerbi_szekely(losses, threshold, shortfall, level, draws),
    }
    return Row(
        sampler=name,
        level=level,
        n_days=len(losses),
        violations=int(violated.sum()),
        expected=len(losses) * (1 - level),
        tests={
            test: Verdict() if found is None else Verdict(found.p, statistic=found.statistic)
            for test, found in outcomes.items()
        },
        power_1_5x=tests.coverage_power(len(losses), level, 1.5),
        power_2x=tests.coverage_power(len(losses), level, 2),
        power_3x=tests.coverage_power(len(losses), level, 3),
        traffic_light=tests.traffic_light(violated, level) if horizon == 1 else None,
        n_scored=len(days.losses),
        fz0=None,
        fz0_se=None,
        dm_t=None,
        dm_p=None,
        in_mcs=None,
    )


def _add_score(row: Row, scores: Scores, kept: frozenset[str] | None, n_lags: int) -> None:
    own, reference = scores.get(row.sampler), scores.get(REFERENCE)
    if own is None:
        return
    row.fz0, error = mean_and_error(own, n_lags)
    if row.expected < FEWEST_FOR_COMPARISON:
        return
    row.fz0_se = error
    row.in_mcs = None if kept is None else row.sampler in kept
    if reference is not None and row.sampler != REFERENCE:
        found = tests.diebold_mariano(own, reference, n_lags)
        row.dm_t, row.dm_p = (None, None) if found is None else found


def score_lags(n_days: int, horizon: int) -> int:
    """Lags of the errors of daily scores: twice the overlap, for Bartlett weights fade too soon."""
    return max(overlap(horizon, 1, n_days), 2 * (horizon - 1))


def adjust(rows: Sequence[Row]) -> None:
    """Adjust the p-values of one family of tests, and mark the failed ones."""
    family = [verdict for row in rows for verdict in row.tests.values() if verdict.p is not None]
    adjusted = tests.holm([verdict.p for verdict in family if verdict.p is not None])
    for verdict, p in zip(family, adjusted, strict=True):
        verdict.adjusted_p, verdict.failed = p, p < tests.SIGNIFICANCE


def transforms(said: DayForecasts, days: Days, horizon: int) -> dict[str, object]:
    """Histogram of the probability integral transforms over 20 bins, and Berkowitz's p-value."""
    apart = said.transform[torch.tensor(days.apart(horizon))]
    found = tests.berkowitz(apart)
    counts = torch.histc(apart, N_BINS, 0, 1).long().tolist()
    return {"counts": counts, "p": None if found is None else found.p}


def not_applicable(rows: Sequence[Row]) -> list[str]:
    """What is not printed, and why."""
    gaps: dict[tuple[str, str], list[str]] = {}  # levels, by what and why
    for level in dict.fromkeys(row.level for row in rows):
        of_level = [row for row in rows if row.level == level]
        for what, why in _gaps(of_level).items():
            gaps.setdefault((what, why), []).append(f"{100 * level:g}")
    return [f"n/a at {', '.join(levels)} %: {what}: {why}" for (what, why), levels in gaps.items()]


def _gaps(rows: Sequence[Row]) -> dict[str, str]:
    """Of one level: what is not applicable, and why."""
    found: dict[str, str] = {}
    expected = rows[0].expected
    if expected < 1:
        found["all tests"] = "less than one violation is expected"
    if expected < FEWEST_FOR_COMPARISON:
        found["s.e., DM and confidence set of FZ0"] = (
            f"fewer than {FEWEST_FOR_COMPARISON} violations are expected"
        )
    missing = {
        "independence": [row for row in rows if row.tests["christoffersen_independence"].p is None],
        "Z2": [row for row in rows if row.tests["acerbi_szekely_z2"].p is None],
        "FZ0": [row for row in rows if row.fz0 is None],
    }
    for what, who in missing.items():
        names = ", ".join(row.sampler for row in who)
        if who and (expected >= 1 or what == "FZ0"):
            found[f"{what} of {names}"] = WHY_NOT[what]
    return found


WHY_NOT = {
    "independence": "fewer than two violations",
    "Z2": "VaR is no loss on some day",
    "FZ0": "ES is no loss on some day",
}
