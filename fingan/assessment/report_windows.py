"""Section of a report on what scenarios resemble: the nearest windows of history, and factors."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from fingan.assessment.explanation import explain
from fingan.assessment.figures_of_scenarios import nearest_windows
from fingan.assessment.report_document import Column, Picture, Section, Table
from fingan.assessment.report_draws import Weights, portfolio_log_returns
from fingan.data.returns import ReturnTable
from fingan.scenarios.samplers import Sampler

Record = Mapping[str, Any]
Explained = Mapping[str, Record]  # by what is special about the scenario

HORIZON, N_PATHS = 20, 512
N_FACTORS = 3


def windows_section(
    sampler: Sampler,
    prices: pd.DataFrame,
    returns: ReturnTable,
    weights: Weights | None,
    *,
    seed: int,
) -> Section:
    """Three scenarios from the last row: the worst, the median and the best of the portfolio.

    Args:
        sampler: The trained model.
        prices: History.
        returns: Of the model's assets in ``prices``.
        weights: Of the portfolio; None for levels, whose mean change is taken.
        seed: Of the scenarios.
    """
    section = Section("windows", "Nearest historical windows")
    stream = sampler.stream(prices, HORIZON, N_PATHS, seed=seed)
    paths = stream.draw_block(0)[:N_PATHS].double()
    along = _along(paths, weights)
    order = along[:, -1].argsort().tolist()
    chosen = {"worst": order[0], "median": order[N_PATHS // 2], "best": order[-1]}
    found = {name: explain(sampler, stream, prices, path) for name, path in chosen.items()}
    if any(record["nearest"] is None for record in found.values()):
        section.not_applicable = "the history is too short for the horizon"
        return section
    whole = "the portfolio" if len(returns.assets) > 1 else "the asset"
    section.text.append(
        f"Of {N_PATHS} scenarios of {HORIZON} days from {found['worst']['as_of']}, the worst, the"
        f" median and the best for {whole}, each beside the real windows that are most like it in"
        " all assets, every window divided by the volatility it starts from."
    )
    views = {
        f"{name} of {N_PATHS}": _figure(along[chosen[name]], record, returns, weights)
        for name, record in found.items()
    }
    section.pictures.append(
        Picture(
            "windows-figure",
            "Scenario and nearest windows",
            views,
            "Drawn as they were, not divided. A scenario need not have happened before, and one"
            " that is nearly a window of history need not happen again.",
        )
    )
    section.tables.append(_windows_table(found))
    if all(record["factors"] for record in found.values()):
        section.tables.append(_factors_table(found))
    return section


def _along(
    paths: Float[Tensor, "n_paths horizon n_assets"], weights: Weights | None
) -> Float64[Tensor, "n_paths horizon"]:
    """Cumulated percent of the portfolio along each path; for levels the mean change."""
    if weights is None:
        return paths.mean(-1).cumsum(1)
    return 100 * portfolio_log_returns(paths, weights).cumsum(1).expm1()


def _figure(
    scenario: Float64[Tensor, " horizon"],
    record: Record,
    returns: ReturnTable,
    weights: Weights | None,
) -> Any:
    windows = []
    for window in record["nearest"]:
        row = int(returns.dates.searchsorted(pd.Timestamp(window["first"])))
        days = returns.values[row : row + HORIZON].nan_to_num()
        windows.append(_along(days.unsqueeze(0), weights)[0])
    unit = "mean change" if weights is None else "return since the start, %"
    names = [window["first"] for window in record["nearest"]]
    return nearest_windows(scenario, torch.stack(windows), names, unit)


def _windows_table(found: Explained) -> Table:
    columns = [
        Column("scenario"),
        Column("distance, sd", "number"),
        Column("window", "text"),
    ]
    rows: list[list[Any]] = [
        [
            name,
            window["distance"],
            f"{window['first']} to {window['last']}",
        ]
        for name, record in found.items()
        for window in record["nearest"]
    ]
    return Table("", columns, rows)


def _factors_table(found: Explained) -> Table:
    columns = [Column("scenario")]
    for number in range(1, N_FACTORS + 1):
        columns += [Column(f"factor {number}, sd", "t"), Column("share", "share")]
    columns += [Column("all others", "share"), Column("factor 1 loads on", "prose")]
    rows: list[list[Any]] = []
    for name, record in found.items():
        factors = record["factors"]["factors"][:N_FACTORS]
        cells = [cell for factor in factors for cell in (factor["move"], factor["share"])]
        cells += [None] * (2 * N_FACTORS - len(cells))
        rest = 1 - sum(factor["share"] for factor in factors)
        rows.append([name, *cells, rest, ", ".join(factors[0]["loadings"])])
    note = (
        "Principal components of the training returns: the size of each move in its own standard"
        " deviations, and its share of the squared move of all assets."
    )
    return Table("Split into factors", columns, rows, note)
