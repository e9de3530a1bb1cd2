"""VaR and ES forecasts of a model and of baselines, held against what happened on the same days."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pandas as pd

from fingan.assessment.var_forecasts import (
    DayForecasts,
    Days,
    Desk,
    Over,
    Progress,
    forecast_days,
    over_processes,
)
from fingan.assessment.var_verdicts import REFERENCE, Row, judge, not_applicable, transforms
from fingan.data.returns import Date
from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.portfolio import Portfolio, equal_weights
from fingan.scenarios.baselines import BASELINES, BaselineName
from fingan.scenarios.samplers import Sampler

LEVELS = (0.95, 0.975, 0.99)
OPPONENTS: tuple[BaselineName, ...] = ("fhs-gjr", "gjr-skew-t", "fhs-ewma", "garch-t", "historical")


@dataclass(frozen=True)
class Design:
    """How the days are forecast."""

    levels: tuple[float, ...] = LEVELS
    horizon: int = 1
    baselines: tuple[str, ...] = OPPONENTS
    n_paths: int = 10_000
    refit: int = 63
    """Rows after which the baselines are fitted again."""
    window: int = 1_500
    """Rows they are fitted on."""
    seed: int = 0
    log_losses: bool = False
    """Count the loss of a single asset as its log-return, as most published figures do."""

    def __post_init__(self) -> None:
        for name, least in (("horizon", 1), ("refit", 1), ("window", 100), ("n_paths", 100)):
            if getattr(self, name) < least:
                raise RequestError(f"{name} must be at least {least}, got {getattr(self, name)}")
        for name, given in (("levels", self.levels), ("baselines", self.baselines)):
            if len(set(given)) < len(given):
                raise RequestError(f"{name} must differ, got {', '.join(map(str, given))}")
        unknown = [name for name in self.baselines if name not in BASELINES]
        if unknown:
            raise RequestError(
                f"baseline must be one of {', '.join(BASELINES)}, got '{unknown[0]}'"
            )
        if not self.levels:
            raise RequestError("levels must name at least one, for example 0.99")
        for level in self.levels:
            self._check_level(level)

    def _check_level(self, level: float) -> None:
        if not 0.5 < level < 1:
            raise RequestError(f"levels must lie between 0.5 and 1, got {level:g}")
        least = 1 / (1 - level)
        if self.n_paths < least * (1 - 1e-9):
            raise RequestError(
                f"n_paths must be at least {least:.0f} for level {level:g}, got {self.n_paths}"
            )


@dataclass(frozen=True)
class Backtest:
    """What each forecaster said, what happened, and what follows."""

    model: str | None
    portfolio: Portfolio
    design: Design
    in_sample: bool
    """Whether the model was trained on some of the days."""
    days: Days
    forecasts: Mapping[str, DayForecasts]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As one JSON object."""
        days, design = self.days, self.design
        return {
            "kind": "backtest",
            "model": self.model,
            "portfolio": {
                "assets": list(self.portfolio.assets),
                "weights": self.portfolio.weights.tolist(),
            },
            "horizon": design.horizon,
            "span": {
                "first": _day(days.dates[0]),
                "last": _day(days.dates[-1]),
                "n_days": len(days.dates),
            },
            "in_sample": self.in_sample,
            "reference": REFERENCE,
            "levels": list(design.levels),
            "n_paths": design.n_paths,
            "seed": design.seed,
            "refit": design.refit,
            "window": design.window,
            "log_losses": design.log_losses,
            "dates": [_day(date) for date in days.dates],
            "losses": days.losses.tolist(),
            "rows": [asdict(row) for row in self.rows],
            "series": {name: self._series(said) for name, said in self.forecasts.items()},
            "pit": {
                name: transforms(said, days, design.horizon)
                for name, said in self.forecasts.items()
            },
            "notes": list(self.notes),
        }

    def _series(self, said: DayForecasts) -> dict[str, dict[str, list[float]]]:
        return {
            f"{level:g}": {
                "value_at_risk": said.value_at_risk[:, number].tolist(),
                "expected_shortfall": said.expected_shortfall[:, number].tolist(),
            }
            for number, level in enumerate(self.design.levels)
        }


def backtest(
    model: Sampler | None,
    prices: pd.DataFrame,
    portfolio: Portfolio | None = None,
    *,
    first: Date | None = None,
    last: Date | None = None,
    design: Design | None = None,
    in_sample: bool = False,
    n_processes: int = 1,
    over: Over | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Forecast each day of a span from the rows before it, and judge the forecasts.

    Args:
        model: A trained model; None for the baselines alone.
        prices: Table from ``read_prices``: the history and what followed. A day on which an asset
            of the portfolio has no return is left out, for every forecaster.
        portfolio: Default equal weights of the model's assets, or of all columns.
        first: First day of outcomes; default the first one after the model's training.
        last: Last one; default the last row.
        design: Levels, horizon, baselines and how they are fitted.
        in_sample: Days that the model was trained on are allowed, and the result says so.
        n_processes: At most, where the work is worth it; changes the speed, not the result. More
            than one starts new processes, which a script must guard with ``if __name__ ==
            "__main__"``.
        over: Who forecasts instead, such as the tasks of a cluster.
        progress: Told how many days are done, of how many.

    Raises:
        RequestError: If the span is too short, lies within the model's training, or leaves the
            baselines too few rows.
        UnknownAssetError: If the prices or the model lack an asset of the portfolio.
    """
    design = design or Design()
    assets = tuple(map(str, prices.columns)) if model is None else model.assets
    notes = [] if portfolio else ["no portfolio was given: equal weights"]
    portfolio = portfolio or equal_weights(assets)
    _check_assets(model, prices, assets, portfolio)
    if design.log_losses and len(portfolio.held) > 1:
        raise RequestError(
            "losses are log-returns for one asset alone, for they do not add over assets, got"
            f" {len(portfolio.held)}"
        )
    first, last = _span(model, prices, first, last)
    days = Days.between(prices, portfolio, first, last, design.horizon, design.log_losses)
    seen = _check_history(model, prices, days, design, in_sample)
    desk = Desk(
        prices=prices,
        days=days,
        portfolio=portfolio,
        model=model,
        levels=design.levels,
        horizon=design.horizon,
        n_paths=design.n_paths,
        window=design.window,
        seed=design.seed,
        log_losses=design.log_losses,
    )
    work = desk.stretches(design.baselines, design.refit)
    over = over or partial(over_processes, n_processes=n_processes)
    found = forecast_days(desk, work, over, progress)
    rows = judge(found, days, design.levels, design.horizon)
    notes += [*_notes(days, design, seen), *not_applicable(rows)]
    reference = None if model is None else model.reference
    return Backtest(reference, portfolio, design, seen, days, found, tuple(rows), tuple(notes))


def _span(
    model: Sampler | None, prices: pd.DataFrame, first: Date | None, last: Date | None
) -> tuple[Date, Date]:
    if first is None:
        if model is None:
            raise RequestError("a backtest without a model needs its first day")
        first = model.fitted_until + pd.Timedelta(nanoseconds=1)
    return first, prices.index[-1] if last is None else last


def _check_assets(
    model: Sampler | None, prices: pd.DataFrame, assets: tuple[str, ...], portfolio: Portfolio
) -> None:
    columns = tuple(map(str, prices.columns))
    subject = "the prices" if model is None else f"model '{model.reference}'"
    wanted = [(asset, subject, assets) for asset in portfolio.held]
    wanted += [(asset, "the prices", columns) for asset in assets]
    for asset, place, known in wanted:
        if asset not in known:
            given = ", ".join(known[:8]) + (" ..." if len(known) > 8 else "")
            raise UnknownAssetError(f"asset '{asset}' is not in {place}; known are {given}")


def _check_history(
    model: Sampler | None, prices: pd.DataFrame, days: Days, design: Design, in_sample: bool
) -> bool:
    """Whether the model was trained on some of the days; refuse what may not be."""
    first_row = days.rows[0]
    if design.baselines and first_row + 1 < design.window:
        raise RequestError(
            f"the baselines need {design.window} rows before the first day,"
            f" {days.dates[0]:%Y-%m-%d}, but there are {first_row + 1}; take a later first day or a"
            " shorter window"
        )
    seen = model is not None and prices.index[first_row] < model.fitted_until
    if model is not None and seen and not in_sample:
        raise RequestError(
            f"model '{model.reference}' was trained on rows up to {model.fitted_until:%Y-%m-%d}:"
            f" a backtest must begin after it, got {days.dates[0]:%Y-%m-%d}; or say that it is"
            " in-sample"
        )
    return seen


def _notes(days: Days, design: Design, seen: bool) -> list[str]:
    notes: list[str] = []
    if seen:
        notes.append(
            "in-sample: the model was trained on some of these days, so its rows prove nothing"
        )
    if days.left_out:
        notes.append(
            f"{len(days.left_out)} days left out, on which an asset of the portfolio has no"
            f" return: {days.left_out[0]:%Y-%m-%d} the first"
        )
    if design.horizon > 1:
        notes.append(
            f"horizons overlap: tests use {len(days.apart(design.horizon))} days that lie"
            f" {design.horizon} rows apart, scores all {len(days.dates)} with errors that know it;"
            " no traffic light, which is a rule for one day"
        )
    return notes


def _day(date: pd.Timestamp) -> str:
    return date.date().isoformat() if date == date.normalize() else date.isoformat()
