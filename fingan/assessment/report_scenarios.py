"""Section of a report on scenarios: fans from days of the span, with what happened."""

import pandas as pd
import plotly.graph_objects as go
from torch import Tensor

from fingan.assessment.figures_of_scenarios import fan
from fingan.assessment.report_document import Picture, Section
from fingan.assessment.report_draws import (
    MAX_VIEWS,
    Draws,
    Weights,
    portfolio_log_returns,
    returns_of,
)
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

HORIZON, N_PAST, N_FAN = 20, 60, 2_000


def scenario_section(
    sampler: Sampler, prices: pd.DataFrame, draws: Draws, weights: Weights | None, *, seed: int
) -> Section:
    """Fans from three days of the span, with what happened."""
    section = Section("scenarios", "Scenarios and what happened")
    table = returns_of(draws.assets, prices)
    n_days = len(draws.dates)
    if n_days <= HORIZON:
        section.not_applicable = f"needs more than {HORIZON} days, the span has {n_days}"
        return section
    offset = int(table.dates.get_indexer(pd.DatetimeIndex([draws.dates[0]]))[0])
    spread = draws.real.square().nanmean(1).unfold(0, HORIZON, 1).mean(1)[: n_days - HORIZON]
    starts = {
        "the latest": offset + n_days - HORIZON - 1,
        "the most volatile": offset + int(spread.argmax()) + HORIZON - 1,
        "the calmest": offset + int(spread.argmin()) + HORIZON - 1,
    }
    whole = "portfolio" if len(draws.assets) > 1 else draws.assets[0]
    views = {}
    for word, row in starts.items():
        row = min(row, offset + n_days - HORIZON - 1)
        date = table.dates[row]
        cube = next(iter(forecasts(sampler, prices, [date], HORIZON, N_FAN, seed=seed)))
        past, outcome = table.values[row - N_PAST + 1 : row + 1], table.values[row + 1 :][:HORIZON]
        if weights is not None and not (past.isnan().any() or outcome.isnan().any()):
            views[f"{whole}, from {date:%Y-%m-%d} ({word})"] = _growth_fan(
                *(portfolio_log_returns(part, weights) for part in (past, cube, outcome))
            )
        if word == "the latest" and (weights is None or len(draws.assets) > 1):
            for column, asset in enumerate(draws.assets[:MAX_VIEWS]):
                parts = (past[:, column], cube[..., column].double(), outcome[:, column])
                views[f"{asset}, from {date:%Y-%m-%d}"] = (
                    _level_fan(*parts) if draws.kind == "level" else _growth_fan(*parts)
                )
    section.pictures.append(
        Picture(
            "fan",
            f"{HORIZON} days ahead",
            views,
            f"{N_FAN:,} scenarios from the rows up to the start alone; the grey line is what"
            " came before, the black one what came after. One outcome proves nothing: the"
            " backtest counts all of them.",
        )
    )
    return section


def _growth_fan(past: Tensor, paths: Tensor, outcome: Tensor) -> go.Figure:
    """Values with the start at 100."""
    before = 100 * (past.nan_to_num().cumsum(0) - past.nan_to_num().sum()).exp()
    return fan(
        before, 100 * paths.cumsum(1).exp(), 100 * outcome.cumsum(0).exp(), "value, start = 100"
    )


def _level_fan(past: Tensor, paths: Tensor, outcome: Tensor) -> go.Figure:
    """Changes of a level from the start."""
    before = past.nan_to_num().cumsum(0) - past.nan_to_num().sum()
    return fan(before, paths.cumsum(1), outcome.cumsum(0), "change from the start")
