"""The evidence for a screen: walked forward, beside what has no skill."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from fingan.errors import RequestError, UnknownAssetError
from fingan.screening.calibration import density_skill, hits, reliability, spread
from fingan.screening.outcomes import Outcomes, signals, what_followed
from fingan.screening.records import Earnings, ScreenValidation
from fingan.screening.skill import (
    DateMean,
    Panel,
    Series,
    deflated_sharpe,
    information_ratio,
    lags_of,
    mean_over_dates,
    rank_ic,
    top_minus_bottom,
)
from fingan.screening.walk_forward import (
    Fit,
    Over,
    Progress,
    Rule,
    Walker,
    WalkForwardDesign,
    walk_all,
)

DENSITY_REFERENCE = "fhs-gjr"
N_PERIODS = 2


@dataclass(frozen=True)
class Subject:
    """What the record is of."""

    model: str
    model_digest: str | None
    screen_digest: str
    trained_until: pd.Timestamp | None = None
    """Last date that the networks saw; None where each fit is whole."""


def validate(
    fit: Fit,
    prices: pd.DataFrame,
    rule: Rule,
    design: WalkForwardDesign,
    subject: Subject,
    *,
    references: Mapping[str, Fit] | None = None,
    n_trials: int = 1,
    in_sample: bool = False,
    over: Over | None = None,
    progress: Progress | None = None,
) -> ScreenValidation:
    """Try a screen on past dates, each with the rows up to it alone.

    Args:
        fit: Rows that a generator may know to the generator; called every ``design.refit`` rows.
        prices: Table from ``read_prices``.
        rule: The screen.
        design: Dates, refits, purge, lag.
        subject: What the record is of.
        references: Generators without skill in ranking, fitted on the same rows.
        n_trials: Screens tried so far, this one included.
        in_sample: Allow dates that the networks were trained on; the record says so.
        over: Who walks stretches of dates, such as the tasks of a cluster; this process if not
            given.
        progress: Called with a generator's name, the dates done and all dates.

    Raises:
        RequestError: If no date is left, too few rows lie before the first, or it lies within the
            training and ``in_sample`` is not set.
    """
    prices = _columns(prices, rule.assets)
    followed = what_followed(prices, rule, design)
    is_seen = subject.trained_until is not None and followed.dates[0] <= subject.trained_until
    if is_seen and not in_sample:
        raise RequestError(
            f"first must lie after {subject.trained_until:%Y-%m-%d}, the last date that model"
            f" '{subject.model}' was trained on, got {design.first}; take a later date, or allow"
            " --in-sample"
        )

    fits = {subject.model: fit, **(references or {})}
    walker = Walker(fits, prices, rule, design, followed.rows, followed.net)
    others = walk_all(walker, over, progress)
    ours = others.pop(subject.model)
    ranked = {name: found.scores for name, found in others.items()}
    ranked |= signals(prices, rule, followed, design.seed)
    density = others.get(DENSITY_REFERENCE)
    lags = lags_of(rule.horizon, followed.spacing, len(followed.rows))
    happened = _happened(followed.net, rule.hurdle)
    coefficients = rank_ic(ours.scores, followed.gross[0])
    beside = {name: rank_ic(panel, followed.gross[0]) for name, panel in ranked.items()}
    return ScreenValidation(
        design=_described(rule, design, subject, followed, is_seen),
        rank_ic=mean_over_dates(coefficients, lags),
        icir=information_ratio(coefficients),
        decay=tuple(mean_over_dates(rank_ic(ours.scores, panel), lags) for panel in followed.gross),
        sub_periods=_periods(coefficients, followed, lags),
        references={name: mean_over_dates(series, lags) for name, series in beside.items()},
        increments={
            name: mean_over_dates(coefficients - series, lags) for name, series in beside.items()
        },
        earnings=_earnings(ours.scores, followed.gross[0], rule.costs_bps, n_trials, lags),
        reliability=reliability(ours.probabilities, happened, lags),
        spread=spread(ours.transforms, lags),
        density=None if density is None else density_skill(ours.crps, density.crps, lags),
        hits=hits(ours.scores, happened, rule.n_picks, lags, _independent(followed, rule)),
        notes=_notes(followed, rule, is_seen),
    )


def _columns(prices: pd.DataFrame, assets: tuple[str, ...]) -> pd.DataFrame:
    missing = [asset for asset in assets if asset not in prices.columns]
    if missing:
        raise UnknownAssetError(
            f"asset '{missing[0]}' of the screen is not in the prices; they have"
            f" {', '.join(map(str, prices.columns))}"
        )
    table = prices[list(assets)]
    table.attrs = dict(prices.attrs)
    return table


def _happened(net: Panel, hurdle: float) -> Panel:
    return torch.where(net.isnan(), torch.nan, (net > hurdle).double())


def _independent(followed: Outcomes, rule: Rule) -> int:
    """Dates whose outcomes do not overlap, as good as the dates there are."""
    return max(1, int(len(followed.rows) * min(1.0, followed.spacing / rule.horizon)))


def _periods(coefficients: Series, followed: Outcomes, lags: int) -> dict[str, DateMean]:
    """Means over equal parts of the span."""
    size = -(-len(coefficients) // N_PERIODS)
    parts = [slice(first, first + size) for first in range(0, len(coefficients), size)]
    return {
        f"{followed.dates[part][0]:%Y-%m} to {followed.dates[part][-1]:%Y-%m}": mean_over_dates(
            coefficients[part], lags
        )
        for part in parts
    }


def _earnings(
    scores: Panel, outcomes: Panel, costs_bps: float, n_trials: int, lags: int
) -> Earnings:
    traded = top_minus_bottom(scores, outcomes)
    net = traded.net(costs_bps)
    return Earnings(
        gross=mean_over_dates(traded.gross, lags),
        net=mean_over_dates(net, lags),
        costs_bps=costs_bps,
        turnover=float(traded.turnover.mean()),
        break_even_bps=traded.break_even_bps(),
        deflated_sharpe=deflated_sharpe(net, n_trials),
        n_trials=n_trials,
    )


def _described(
    rule: Rule, design: WalkForwardDesign, subject: Subject, followed: Outcomes, is_seen: bool
) -> dict[str, Any]:
    trained = subject.trained_until
    return {
        "model": subject.model,
        "model_digest": subject.model_digest,
        "screen_digest": subject.screen_digest,
        "trained_until": None if trained is None else f"{trained:%Y-%m-%d}",
        "in_sample": is_seen,
        "n_dates": len(followed.rows),
        "n_candidates": len(rule.candidates),
        "horizon": rule.horizon,
        "hurdle": rule.hurdle,
        "n_picks": rule.n_picks,
        **design.model_dump(mode="json"),
        "first": f"{followed.dates[0]:%Y-%m-%d}",
        "last": f"{followed.dates[-1]:%Y-%m-%d}",
        "dates": [f"{date:%Y-%m-%d}" for date in followed.dates],
    }


def _notes(followed: Outcomes, rule: Rule, is_seen: bool) -> tuple[str, ...]:
    n_dates, n_candidates = len(followed.rows), len(rule.candidates)
    visible = 2 / ((n_candidates - 1) * n_dates) ** 0.5 if n_candidates > 1 else None
    notes = []
    if visible is not None:
        notes.append(
            f"{n_dates} dates of {n_candidates} candidates show a mean rank IC of"
            f" {visible:.3f} at t = 2 at best, were the candidates independent"
        )
    if followed.spacing < rule.horizon:
        notes.append("outcomes of neighbouring dates overlap; errors allow for it")
    if is_seen:
        notes.append("in-sample: the networks were trained on some of these dates")
    return (*notes, "the universe is not point-in-time: names that ended before are missing")
