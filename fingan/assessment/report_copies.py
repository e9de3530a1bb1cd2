"""Sections of a report on memory: does the model copy its training days, and can it be told."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fingan.assessment.report_document import Column, Section, Statement, Table
from fingan.data.returns import ReturnTable
from fingan.metrics.copies import COPIED_SHARE, search_copies
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler

Record = Mapping[str, Any]

N_PATHS, N_DAYS, MIN_DAYS = 64, 250, 400


def copies_section(
    sampler: Sampler,
    prices: pd.DataFrame,
    returns: ReturnTable,
    audit: Record | None,
    *,
    seed: int,
) -> Section:
    """Longest near-duplicates and nearest neighbours of free-running paths, beside real days.

    Args:
        sampler: The trained model.
        prices: History, the training rows among it.
        returns: Of the model's assets in ``prices``.
        audit: Record of ``fingan privacy``, if there is one.
        seed: Of the paths.
    """
    section = Section("copies", "Copy test and privacy")
    found = _own_search(sampler, prices, returns, seed) if audit is None else audit["copies"]
    if found is None:
        section.not_applicable = (
            f"the search needs {MIN_DAYS} returns of the training period, the prices hold"
            f" {len(returns.until(sampler.fitted_until).dates):,}"
        )
        return section
    section.text.append(
        f"{found['n_paths']:,} free paths of {found['n_days']} days are searched for runs of days"
        " that repeat training days, beside real stretches of as many days searched in all other"
        f" training days. A generator copies if more than {100 * COPIED_SHARE:g} % of its paths"
        " hold a longer run than allowed. Synthetic data are not anonymous for being synthetic."
    )
    section.lists["Result"] = [_copy_statement(found)]
    section.tables.append(_copies_table(found))
    if audit is None:
        section.text.append(
            "No membership-inference audit was given: fingan privacy --json prints one, and"
            " fingan report --audit shows it here."
        )
        return section
    section.lists["Result"].append(_audit_statement(audit))
    if audit["membership"] is not None:
        section.tables.append(_attacks_table(audit["membership"]))
    section.add_notes(audit.get("notes", []))
    return section


def _own_search(
    sampler: Sampler, prices: pd.DataFrame, returns: ReturnTable, seed: int
) -> dict[str, Any] | None:
    """Free paths from the end of the training period, searched; None where it is too short."""
    training = returns.until(sampler.fitted_until)
    if len(training.dates) < MIN_DAYS:
        return None
    n_days = min(N_DAYS, len(training.dates) // 5)
    drawn = next(forecasts(sampler, prices, [training.dates[-1]], n_days, N_PATHS, seed=seed))
    found = search_copies(drawn.double(), training.values)
    return {"n_paths": len(drawn), "n_days": n_days, **found.record()}


def _copy_statement(found: Record) -> Statement:
    if found["is_copy"]:
        return Statement("failed", "Copies: the model repeats training days")
    return Statement("passed", "Copies: no training days are repeated beyond what real days repeat")


def _copies_table(found: Record) -> Table:
    columns = [Column("search"), Column("model"), Column("real days"), Column("at most")]
    rows: list[list[Any]] = []
    for name, key in (("as they are", "runs"), ("divided by their size", "scale_free_runs")):
        runs = found[key]
        rows += [
            [
                f"longest repeated run, days {name}",
                f"{runs['longest']} days",
                f"{runs['longest_real']} days",
                f"{runs['longest_allowed']} days",
            ],
            [
                f"paths with a longer run than allowed, days {name}",
                _share(runs["share_copied"]),
                None,
                f"{100 * COPIED_SHARE:g} %",
            ],
        ]
    near = found["nearest_neighbours"]
    rows += [
        [
            "distance to the nearest training window, over real windows'",
            f"{near['median_ratio']:.2f}",
            "1",
            None,
        ],
        ["windows nearer than 99 % of the real ones", _share(near["share_closer"]), "1 %", None],
    ]
    return Table("", columns, rows)


def _audit_statement(audit: Record) -> Statement:
    leaks = str(audit["verdict"]).startswith("leak")
    return Statement("failed" if leaks else "passed", f"Privacy audit: {audit['verdict']}")


def _attacks_table(membership: Record) -> Table:
    columns = [Column("attack"), Column("AUC"), Column("95 % interval")]
    columns += [Column("true positives at 1 % false ones"), Column("95 % interval")]
    rows = [
        [
            name.replace("_", " "),
            f"{found['auc']:.3f}",
            f"{found['auc_low']:.3f} to {found['auc_high']:.3f}",
            _share(found["tpr_at_1pct_fpr"]),
            _interval(found["low"], found["high"]),
        ]
        for name, found in membership["attacks"].items()
    ]
    note = (
        f"{membership['n_members']} windows of {membership['window']} days that a shadow of the"
        f" model was trained on, against {membership['n_held_out']} of the same period that were"
        " hidden from it. 0.5: they cannot be told apart."
    )
    return Table("Membership inference", columns, rows, note)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.3g} %"


def _interval(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{100 * low:.3g} to {100 * high:.3g} %"
