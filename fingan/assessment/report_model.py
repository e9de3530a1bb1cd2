"""Sections of a report about the model itself: data, card, gates, limits, how to do it again."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd
import torch

from fingan import __version__
from fingan.assessment.figures_of_training import (
    price_history,
    training_losses,
    validation_scores,
)
from fingan.assessment.report_document import Column, Picture, Section, Statement, Table
from fingan.assessment.report_draws import Weights, portfolio_log_returns
from fingan.data.quality import DataReport, data_digest
from fingan.data.returns import ReturnTable

Record = Mapping[str, Any]

NOT_ADVICE = (
    "Research software. What it prints is implied by a model and is no investment advice; a"
    " scenario is not a forecast."
)
MUST_NOT_BE_CLAIMED = (
    "That it finds or predicts profitable investments.",
    "That a high mean in the scenarios is an opportunity: means carry the luck of one history.",
    "A probability without the words model-implied.",
    "That more scenarios are more evidence: they shrink the Monte Carlo error alone.",
    "Any backtest on the days that the model learnt from, or on survivors, as a test.",
    "A Sharpe ratio without the number of trials, the costs and an interval.",
    "That synthetic paths add information on expected returns beyond the data.",
    "That it is free of assumptions.",
    "That it captures black swans: beyond the largest moves of the data it extrapolates.",
    "Privacy or anonymity, because the data are synthetic.",
    "Approval by, or compliance with the rules of, any supervisor.",
    "Advice.",
)
LIBRARIES = ("torch", "numpy", "pandas", "scipy", "arch", "skfolio", "plotly")


def data_section(
    prices: pd.DataFrame,
    returns: ReturnTable,
    card: Record,
    until: pd.Timestamp,
    weights: Weights | None,
    quality: DataReport | None,
) -> Section:
    """What the prices hold, and how much of them the model knew."""
    section = Section("data", "Data")
    trained = card.get("data", {})
    after = prices.index[prices.index > until]
    rows: list[list[Any]] = [
        ["source", str(prices.attrs.get("source", "table"))],
        ["digest", data_digest(prices)],
        ["kind", returns.kind],
        ["assets of the model", f"{len(returns.assets):,}"],
        ["rows", f"{len(prices):,}, {prices.index[0]:%Y-%m-%d} to {prices.index[-1]:%Y-%m-%d}"],
        [
            "trained on",
            f"{trained.get('n_rows', 0):,} rows of {trained.get('source', 'a table')},"
            f" {trained.get('first')} to {trained.get('last')}",
        ],
        ["digest of the training rows", trained.get("digest")],
        ["rows after training", f"{len(after):,}"],
    ]
    if quality is not None:
        rows += [
            ["missing cells within the assets' lives", f"{quality.n_missing:,}"],
            ["gaps, outliers", f"{quality.n_gaps:,}, {quality.n_outliers:,}"],
            [
                "split suspects, stale runs",
                f"{quality.n_split_suspects:,}, {quality.n_stale_runs:,}",
            ],
        ]
        section.text += [f"Warning: {text}" for text in quality.warnings]
    section.tables.append(Table("", [Column(""), Column("")], rows))
    names = ", ".join(returns.assets[:40]) + (" ..." if len(returns.assets) > 40 else "")
    section.text.append(f"Assets: {names}.")
    section.pictures.append(_history(returns, until, weights))
    return section


def _history(returns: ReturnTable, until: pd.Timestamp, weights: Weights | None) -> Picture:
    if returns.kind == "level":
        levels, title = returns.values.nan_to_num().mean(1).cumsum(0), "mean change since the start"
    else:
        held = weights if weights is not None else _equal(len(returns.assets))
        moves = portfolio_log_returns(returns.values.nan_to_num(), held)
        levels, title = moves.cumsum(0).exp(), "value, start = 1"
    views = {"": price_history(returns.dates, levels, until, title)}
    name = "The asset" if len(returns.assets) == 1 else "The portfolio"
    caption = "Unobserved returns count as zero in this figure alone."
    observed = bool(returns.observed.all())
    return Picture("history", f"{name} over time", views, "" if observed else caption)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _equal(n_assets: int) -> Weights:
    return torch.full((n_assets,), 1 / n_assets, dtype=torch.float64)


def model_section(card: Record, reference: str, digest: str | None) -> Section:
    """The card, and how training went."""
    section = Section("model", "Model card and training")
    training, selection = card.get("training", {}), card.get("selection", {})
    generators = selection.get("generators", [])
    chosen = [one["chosen_step"] for one in generators]
    rows: list[list[object]] = [
        ["model", reference],
        ["digest", digest or "not published"],
        ["status", card.get("status")],
        [
            "trained",
            f"{training.get('finished')}, {training.get('steps', 0):,} steps in"
            f" {training.get('seconds', 0):,.0f} s on"
            f" {_plural(training.get('n_workers', 1), 'worker')}",
        ],
        ["software", f"{training.get('software')} on {training.get('machine')}"],
        ["weights chosen by", f"{selection.get('rule')}"],
        ["chosen among", _plural(selection.get("n_trials", 1), "configuration")],
        ["generators", f"{len(generators)}, left out: {_listed(selection.get('left_out', []))}"],
        ["chosen steps", _listed(chosen)],
    ]
    section.tables.append(Table("", [Column(""), Column("")], rows))
    scores = card.get("scores", {})
    if "rows" in scores:
        section.tables.append(_validation_table(scores))
    elif "skipped" in scores:
        section.text.append(f"No score on the validation span: {scores['skipped']}.")
    curves = [one["curve"] for one in generators]
    if any("critic_loss" in check for curve in curves for check in curve):
        section.pictures += [
            Picture("losses", "Training curves", {"": training_losses(curves)}, "", "half"),
            Picture(
                "validation",
                "Score on the validation span",
                {"": validation_scores(curves, chosen)},
                "This span chose the weights: the score flatters the model.",
                "half",
            ),
        ]
    return section


def _validation_table(scores: Record) -> Table:
    columns = [
        Column("sampler"),
        Column("score", "estimate"),
        Column("difference", "number"),
        Column("t", "t"),
    ]
    rows = [
        [
            name,
            {"estimate": row["mean"], "standard_error": row["standard_error"], "note": None},
            *((None, None) if name == scores["reference"] else (row["difference"], row["t"])),
        ]
        for name, row in scores["rows"].items()
    ]
    note = (
        f"{_capital(scores['metric'])}; lower is better. {scores['n_dates']} starting days,"
        f" {scores['span']}. Not a test: see fidelity."
    )
    return Table("On the validation span", columns, rows, note)


def _listed(counts: list[int]) -> str:
    return ", ".join(f"{count:,}" for count in counts) or "none"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def gates_section(gates: Record) -> Section:
    """Written thresholds, passed and failed; nothing is hidden.

    Args:
        gates: Of the card: names passed and failed, and each gate's question and answer.
    """
    section = Section("gates", "Gates")
    results = gates.get("results") or [
        {"question": name, "passed": passed, "threshold": None, "value": None, "note": None}
        for passed, names in ((False, gates.get("failed", [])), (True, gates.get("passed", [])))
        for name in names
    ]
    if not results:
        section.not_applicable = "the card holds no gates"
        return section
    written = f" Version {gates['version']}." if gates.get("version") else ""
    section.text.append(
        f"Thresholds written down before the result.{written} Asked when the model was published,"
        " of its training period alone. A failed gate makes the model a candidate: it answers only"
        " if the caller accepts that."
    )
    columns = [Column("question"), Column("asked for", "prose"), Column("found", "number")]
    columns += [Column("outcome", "outcome"), Column("note", "prose")]
    rows = [
        [gate["question"], gate["threshold"], gate["value"], gate["passed"], gate["note"]]
        for gate in results
    ]
    section.tables.append(Table("", columns, rows))
    return section


def limits_section(card: Record) -> Section:
    """What the model cannot do, and what nobody may say about it."""
    section = Section("limits", "Limits of use")
    section.lists["Limits"] = [Statement("note", text) for text in card.get("limits", [])]
    section.lists["Must not be claimed"] = [Statement("note", t) for t in MUST_NOT_BE_CLAIMED]
    section.text.append(NOT_ADVICE)
    return section


def rerun_section(
    commands: Sequence[str], prices: pd.DataFrame, card: Record, digest: str | None, seed: int
) -> Section:
    """Everything that the numbers are a function of."""
    section = Section("rerun", "How to do it again")
    section.commands += commands
    rows = [
        ["digest of the model", digest or "not published"],
        ["digest of the prices", data_digest(prices)],
        ["digest of the training rows", card.get("data", {}).get("digest")],
        ["seed of the draws", str(seed)],
        ["fingan", __version__],
        ["Python", platform.python_version()],
        *([name, version(name)] for name in LIBRARIES),
        ["machine", f"{platform.system()} {platform.machine()}"],
    ]
    section.tables.append(Table("", [Column(""), Column("", "code")], rows))
    section.text.append("Same model, prices, seed and versions: the same numbers.")
    return section
