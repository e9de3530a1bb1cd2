"""Shares of assets inside the bands of stylised facts as tables."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.facts_bands import FACTS, Band
from benchmarks.tables import GOALS, Table

GOAL = 0.9
SHOWN = {"ACF of |r|": (1, 10, 40), "leverage": (1, 5, 10), "tail index": (1,)}  # lags


class Found(NamedTuple):
    """Of one sampler and one fact."""

    inside: float
    """Share of the assets that are inside at every lag."""
    calibrated: float
    """The same with bands widened for a perfect model's sake."""
    cells: float
    """Share of assets and lags inside."""
    values: Float[Tensor, " n_lags"]
    """Mean over the assets."""


class Floor(NamedTuple):
    """Of a process whose own history stands for the market."""

    inside: float
    cells: float
    widening: float
    """Of the bands, so that they hold the process as often as they say."""


def tables(
    found: Mapping[str, Mapping[str, Found]],
    models: Sequence[str],
    bands: Mapping[str, list[Band]],
    floors: Mapping[str, Floor],
    notes: list[str],
    command: str,
) -> list[Table]:
    """Goals, then everybody.

    Args:
        found: By sampler and fact.
        models: Names of the seeds among the samplers.
        bands: Of each asset by fact.
        floors: Of the perfect model by fact.
        notes: That stand below.
        command: That gives the figures again.
    """
    own = [found[name] for name in models]
    others = {name: facts for name, facts in found.items() if name not in models}
    return [_goals(own, bands, floors, command), _beside(own, others, bands, floors, notes)]


def _goals(
    own: Sequence[Mapping[str, Found]],
    bands: Mapping[str, list[Band]],
    floors: Mapping[str, Floor],
    command: str,
) -> Table:
    table = Table("Stylised facts per asset: goals", GOALS)
    for fact in FACTS:
        shares = [facts[fact.title].inside for facts in own]
        calibrated = mean(facts[fact.title].calibrated for facts in own)
        lags = f", lags 1 to {fact.n_lags}" if fact.n_lags > 1 else ""
        n_assets = len(bands[fact.title])
        table.add(
            f"{fact.title}{lags}: share of {n_assets} assets inside the market's band",
            f"at least {GOAL:.0%} (a perfect model: {floors[fact.title].inside:.0%})",
            f"{mean(shares):.0%} (seeds {', '.join(f'{share:.0%}' for share in shares)});"
            f" calibrated: {calibrated:.0%}",
            command,
        )
    return table


def _beside(
    own: Sequence[Mapping[str, Found]],
    others: Mapping[str, Mapping[str, Found]],
    bands: Mapping[str, list[Band]],
    floors: Mapping[str, Floor],
    notes: list[str],
) -> Table:
    columns = ("what", "market", "perfect model", "model, mean of seeds", "sd of seeds", *others)
    table = Table("Stylised facts per asset, beside baselines", columns)
    for fact in FACTS:
        title, floor = fact.title, floors[fact.title]
        shares = [
            ("assets inside", "inside", f"{floor.inside:.0%}"),
            ("assets inside, calibrated", "calibrated", None),
            ("assets and lags inside", "cells", f"{floor.cells:.0%}"),
        ]
        for what, name, perfect in shares:
            values = [float(getattr(facts[title], name)) for facts in own]
            beside = (f"{getattr(facts[title], name):.0%}" for facts in others.values())
            table.add(
                f"{title}: {what}", None, perfect, f"{mean(values):.0%}", _spread(values), *beside
            )
        market = torch.stack([band.market for band in bands[title]]).mean(0)
        for lag in SHOWN[title]:
            values = [float(facts[title].values[lag - 1]) for facts in own]
            beside = (f"{float(facts[title].values[lag - 1]):.3f}" for facts in others.values())
            what = f"{title}{f', lag {lag}' if fact.n_lags > 1 else ''}, mean of assets"
            real = f"{float(market[lag - 1]):.3f}"
            table.add(what, real, None, f"{mean(values):.3f}", _spread(values), *beside)
    table.notes = notes
    return table


def _spread(values: list[float]) -> float | None:
    return stdev(values) if len(values) > 1 else None
