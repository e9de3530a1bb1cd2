"""The report on a table of prices: span, gaps, outliers, split suspects, stale runs, digest.

The report looks and tells; it alters nothing. What it lists is capped, what it counts is not.
"""

import hashlib
import json
import math

import numpy as np
import pandas as pd

from fingan.data.notes import Notes, Rule
from fingan.data.options import Kind, Layout
from fingan.data.panel import format_date
from fingan.data.suspects import (
    Gap,
    Outlier,
    ReportPart,
    SplitSuspect,
    StaleRun,
    additive_moves,
    find_gaps,
    find_outliers,
    find_split_suspects,
    find_stale_runs,
    guess_frequency,
)

_LISTED = 50


class AssetSpan(ReportPart):
    """When one asset was observed."""

    asset: str
    first: str
    last: str
    n_observed: int
    n_missing: int
    """Dates between first and last without a value."""


class DataReport(ReportPart):
    """What a table holds, what was done to it, and what a person should look at."""

    source: str
    layout: Layout
    kind: Kind
    n_rows: int
    n_assets: int
    assets: tuple[AssetSpan, ...]
    first: str
    last: str
    frequency: str
    n_missing: int
    """Cells without a value between each asset's first and last date."""
    gaps: tuple[Gap, ...]
    n_gaps: int
    outliers: tuple[Outlier, ...]
    n_outliers: int
    split_suspects: tuple[SplitSuspect, ...]
    n_split_suspects: int
    stale_runs: tuple[StaleRun, ...]
    n_stale_runs: int
    rules: tuple[Rule, ...]
    warnings: tuple[str, ...]
    digest: str

    def lines(self) -> list[str]:
        """The report as lines of plain text, most important first."""
        late = sum(span.first != self.first for span in self.assets)
        early = sum(span.last != self.last for span in self.assets)
        names = ", ".join(span.asset for span in self.assets[:8])
        return [
            f"{self.source}: {self.layout} layout, kind {self.kind}, {self.frequency}",
            f"{self.n_rows:,} rows from {self.first} to {self.last}, {self.n_assets:,} assets:"
            f" {names}{' ...' if self.n_assets > 8 else ''}",
            f"{self.n_missing:,} missing cells inside the assets' lives; {late:,} assets start"
            f" late, {early:,} end early",
            *(f"warning: {text}" for text in self.warnings),
            *(f"rule: {rule.text} ({rule.count:,})" for rule in self.rules),
            *_listing("gap", self.n_gaps, [f"{g.after} to {g.before}" for g in self.gaps]),
            *_listing(
                "outlier",
                self.n_outliers,
                [f"{o.asset} {o.date} {o.move:+.3g}" for o in self.outliers],
            ),
            *_listing(
                "split suspect",
                self.n_split_suspects,
                [f"{s.asset} {s.date} x{s.factor:.3g}" for s in self.split_suspects],
            ),
            *_listing(
                "stale run",
                self.n_stale_runs,
                [f"{s.asset} {s.first} to {s.last} ({s.n_repeats})" for s in self.stale_runs],
            ),
            f"digest {self.digest}",
        ]


def _listing(name: str, count: int, items: list[str]) -> list[str]:
    if not count:
        return []
    shown = "; ".join(items[:5]) + (" ..." if count > 5 else "")
    return [f"{count:,} {name}{'s' if count > 1 else ''}: {shown}"]


def data_digest(prices: pd.DataFrame) -> str:
    """SHA-256 of assets, dates (int64 nanoseconds) and values (float64), as ``sha256:<hex>``."""
    values = np.ascontiguousarray(prices.to_numpy(dtype=np.float64)) + 0.0  # -0.0 is 0.0
    values[np.isnan(values)] = np.nan
    dates = pd.DatetimeIndex(prices.index).as_unit("ns").asi8
    digest = hashlib.sha256()
    digest.update(json.dumps([str(name) for name in prices.columns]).encode())
    digest.update(np.ascontiguousarray(dates, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return f"sha256:{digest.hexdigest()}"


def build_report(prices: pd.DataFrame, layout: Layout, notes: Notes) -> DataReport:
    """The report on a checked table, with the notes that were taken while it was read."""
    kind: Kind = prices.attrs["kind"]
    dates = pd.DatetimeIndex(prices.index)
    gaps = find_gaps(dates)
    spans: list[AssetSpan] = []
    splits: list[SplitSuspect] = []
    outliers: list[Outlier] = []
    stale: list[StaleRun] = []
    stamps, values = dates.as_unit("ns").asi8, prices.to_numpy()
    for asset, column in zip(map(str, prices.columns), values.T, strict=True):
        rows = np.flatnonzero(~np.isnan(column))
        seen, when = column[rows], stamps[rows]
        spans.append(_span(asset, rows, stamps))
        moves = additive_moves(seen, kind)
        ends = when[len(when) - len(moves) :]
        outliers += find_outliers(asset, ends, moves)
        if kind == "price":
            splits += find_split_suspects(asset, ends, moves)
        if kind in ("price", "level"):
            stale += find_stale_runs(asset, when, seen)
    outliers.sort(key=lambda outlier: -outlier.spreads)
    splits.sort(key=lambda split: -abs(math.log(split.factor)))
    stale.sort(key=lambda run: -run.n_repeats)
    return DataReport(
        source=prices.attrs["source"],
        layout=layout,
        kind=kind,
        n_rows=len(prices),
        n_assets=prices.shape[1],
        assets=tuple(spans),
        first=format_date(dates[0].value),
        last=format_date(dates[-1].value),
        frequency=guess_frequency(dates),
        n_missing=sum(span.n_missing for span in spans),
        gaps=tuple(gaps[:_LISTED]),
        n_gaps=len(gaps),
        outliers=tuple(outliers[:_LISTED]),
        n_outliers=len(outliers),
        split_suspects=tuple(splits[:_LISTED]),
        n_split_suspects=len(splits),
        stale_runs=tuple(stale[:_LISTED]),
        n_stale_runs=len(stale),
        rules=tuple(notes.rules),
        warnings=(*notes.warnings, *_split_warnings(splits)),
        digest=data_digest(prices),
    )


def _split_warnings(splits: list[SplitSuspect]) -> list[str]:
    """One sentence for each asset with suspects, at most ten."""
    by_asset: dict[str, list[SplitSuspect]] = {}
    for split in splits:
        by_asset.setdefault(split.asset, []).append(split)
    texts = [
        f"{asset!r} jumps by a factor {_times(worst.factor)} on {worst.date}"
        f" ({len(found)} such jumps): look for an unadjusted or half-applied split, or a change"
        " of units; use adjusted prices or leave the asset out"
        for asset, found in list(by_asset.items())[:10]
        for worst in found[:1]
    ]
    if len(by_asset) > 10:
        texts.append(f"{len(by_asset) - 10:,} more assets have such jumps")
    return texts


def _times(factor: float) -> str:
    return f"{factor:.3g}" if factor >= 1 else f"1/{1 / factor:.3g}"


def _span(asset: str, rows: np.ndarray, stamps: np.ndarray) -> AssetSpan:
    return AssetSpan(
        asset=asset,
        first=format_date(stamps[rows[0]]),
        last=format_date(stamps[rows[-1]]),
        n_observed=len(rows),
        n_missing=int(rows[-1] - rows[0] + 1 - len(rows)),
    )
