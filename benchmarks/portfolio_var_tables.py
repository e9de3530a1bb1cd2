"""Coverage and scores of ten-day VaR and ES as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmarks.portfolio_var_forecasts import HORIZON, Groups, Said, losses_of
from benchmarks.tables import GOALS, Table
from fingan.assessment.comparison import mean_and_error, overlap
from fingan.assessment.outcomes import Outcomes
from fingan.assessment.var_verdicts import PERCENT, REFERENCE
from fingan.metrics.scoring_rules import fz0
from fingan.risk.backtest import Outcome, diebold_mariano

MODEL = "model, mean of seeds"
COLUMNS = (
    *("portfolios", "tail", "forecaster", "violations %", "band %", "inside the band"),
    *("FZ0", "sd of seeds", "s.e.", "DM t", "p"),
)
Days = Float[Tensor, " n_dates"]


@dataclass(frozen=True)
class Judged:
    """What everybody said, and what happened."""

    said: Mapping[str, Mapping[str, Said]]
    """By forecaster and kind of portfolio."""
    models: list[str]
    outcomes: Outcomes
    groups: Groups
    levels: Sequence[float]
    bands: Mapping[float, tuple[int, int]]

    def violated(self, name: str, group: str, level: float) -> Bool[Tensor, "n_dates n_portfolios"]:
        """Where more was lost than VaR."""
        said, number = self.said[name][group], self.levels.index(level)
        return losses_of(self.outcomes, self.groups[group]) > said.value_at_risk[:, number]

    def is_inside(self, name: str, group: str, level: float) -> Bool[Tensor, " n_portfolios"]:
        """The portfolios whose violations are as many as a right forecaster may have."""
        low, high = self.bands[level]
        counts = self.violated(name, group, level).sum(0)
        return (counts >= low) & (counts <= high)

    def score(self, name: str, group: str, level: float) -> Days:
        """FZ0 of losses in percent, mean over the portfolios; NaN where a shortfall is no loss."""
        said, number = self.said[name][group], self.levels.index(level)
        losses = losses_of(self.outcomes, self.groups[group])
        value_at_risk, shortfall = (PERCENT * part[:, number].T.flatten() for part in said)
        daily = fz0(value_at_risk, shortfall, PERCENT * losses.T.flatten(), level)
        return daily.view(losses.shape[1], -1).mean(0)

    def average(self, group: str, level: float) -> Days:
        """FZ0 of the model, mean over its seeds too."""
        return torch.stack([self.score(name, group, level) for name in self.models]).mean(0)

    @property
    def n_lags(self) -> int:
        """Dates that overlap, twice: Bartlett weights fade too soon."""
        n_dates, stride = len(self.outcomes.dates), self.outcomes.stride
        least = overlap(HORIZON, stride, n_dates)
        return max(least, 2 * (-(-HORIZON // stride) - 1))

    def tested(self, scores: Days, group: str, level: float) -> Outcome | None:
        """Scores against the reference's; None where either does not exist."""
        reference = self.score(REFERENCE, group, level)
        if not bool((scores + reference).isfinite().all()):
            return None
        return diebold_mariano(scores, reference, self.n_lags)


def tables(judged: Judged, notes: list[str], command: str) -> list[Table]:
    """Goals, then everybody's coverage and scores."""
    return [_goals(judged, command), _all(judged, notes)]


def _goals(judged: Judged, command: str) -> Table:
    table = Table("Ten-day VaR of portfolios: goals", GOALS)
    for group in judged.groups:
        inside = [
            torch.stack([judged.is_inside(name, group, level) for level in judged.levels])
            for name in judged.models
        ]
        table.add(
            f"{group}: coverage at {_tails(judged.levels)}",
            "within the 95 % band at all levels",
            "; ".join(_inside(one, judged.levels) for one in inside),
            command,
        )
        tests = [
            (judged.average(group, level), judged.score(REFERENCE, group, level), level)
            for level in judged.levels
        ]
        figures = [
            f"{_tail(level)}: {float(own.mean()):.4f} against {float(theirs.mean()):.4f}"
            f"{_short(judged.tested(own, group, level))}"
            for own, theirs, level in tests
        ]
        goal = f"no worse than {REFERENCE}"
        table.add(f"{group}: FZ0, mean of seeds", goal, "; ".join(figures), command)
    table.notes = ["coverage seed by seed: portfolios inside the band at each level"]
    return table


def _all(judged: Judged, notes: list[str]) -> Table:
    table = Table("Ten-day VaR of portfolios, everybody", COLUMNS)
    others = [name for name in judged.said if name not in judged.models]
    for group in judged.groups:
        for level in judged.levels:
            for name in (MODEL, *others):
                _add(table, judged, group, level, name)
    outcomes = judged.outcomes
    table.notes = [
        f"{len(outcomes.dates)} dates, every {outcomes.stride} rows, {outcomes.dates[0]:%Y-%m-%d}"
        f" to {outcomes.dates[-1]:%Y-%m-%d}",
        "violations: mean over portfolios and seeds; inside the band: of portfolios, mean over"
        " seeds, at that level",
        f"FZ0: of losses in percent; s.e.: Newey-West; DM t: against {REFERENCE}, negative is"
        " better; p two-sided, each for itself",
        *notes,
    ]
    return table


def _add(table: Table, judged: Judged, group: str, level: float, name: str) -> None:
    members = judged.models if name == MODEL else [name]
    scores = judged.average(group, level) if name == MODEL else judged.score(name, group, level)
    has_score = bool(scores.isfinite().all())
    value, error = mean_and_error(scores, judged.n_lags) if has_score else (None, None)
    single = [float(judged.score(one, group, level).mean()) for one in members]
    test = judged.tested(scores, group, level)
    violated = [float(judged.violated(one, group, level).double().mean()) for one in members]
    inside = [float(judged.is_inside(one, group, level).sum()) for one in members]
    n_dates = len(judged.outcomes.dates)
    low, high = (PERCENT * bound / n_dates for bound in judged.bands[level])
    table.add(
        group,
        _tail(level),
        name,
        f"{PERCENT * mean(violated):.2f}",
        f"{low:.2f} to {high:.2f}",
        f"{mean(inside):g} of {judged.groups[group].shape[1]}",
        None if value is None else f"{value:.4f}",
        stdev(single) if len(single) > 1 and has_score else None,
        error,
        None if test is None else f"{test.statistic:+.2f}",
        None if test is None else f"{test.p:.3f}",
    )


def _inside(inside: Bool[Tensor, "n_levels n_portfolios"], levels: Sequence[float]) -> str:
    """Of one seed."""
    counts = "/".join(str(int(count)) for count in inside.sum(1))
    everywhere = int(inside.all(0).sum())
    return f"{counts}, at all {len(levels)}: {everywhere} of {inside.shape[1]}"


def _short(test: Outcome | None) -> str:
    return "" if test is None else f" (t {test.statistic:+.1f}, p {test.p:.3f})"


def _tails(levels: Sequence[float]) -> str:
    return "/".join(f"{100 * (1 - level):g}" for level in levels) + " %"


def _tail(level: float) -> str:
    return f"{100 * (1 - level):g} %"
