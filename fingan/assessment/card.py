"""The card of a model: what it learnt from, how it was chosen, its scores and gates."""

import datetime as dt
import platform
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from fingan import __version__
from fingan.assessment.evidence import Periods
from fingan.assessment.gates import GateReport, run_gates
from fingan.assessment.validation import REFERENCE, beside_reference
from fingan.scenarios.samplers import TrainedSampler
from fingan.training.loop import Progress
from fingan.training.members import Member, published_members

CARD_VERSION = 3

LIMITS = (
    "The validation span chose the weights: its score flatters the model."
    " Only days after the training period are a test.",
    "Means are estimates from one history and carry its luck; rank nothing by them.",
    "Scenarios beyond the largest moves of the training period are extrapolation.",
    "Assets that exist today have survived; the history knows no bankruptcy.",
    "Scenarios are model-implied and no advice.",
)
MUST_NOT_BE_CLAIMED = (
    "that it finds or predicts profitable investments, or that a high generated mean is an"
    " opportunity",
    "a probability that is not called model-implied",
    "that more scenarios are more evidence, or that synthetic paths tell more of expected returns"
    " than the data",
    "a backtest on the training period or on survivors; a Sharpe ratio without trials, costs and"
    " interval",
    "that it is free of assumptions, or captures black swans: support beyond the data is"
    " extrapolation",
    "privacy or anonymity because the data are synthetic",
    "regulatory approval or compliance, or that its output is advice",
)


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from."""

    prices: pd.DataFrame
    """The training period."""
    source: str
    data_digest: str
    seconds: float
    n_workers: int
    n_trials: int = 1
    """Configurations among which this one was chosen."""
    schedule: tuple[dict[str, Any], ...] = ()
    """Of a member of a population: from which step on it trained with which values."""


def model_card(
    sampler: TrainedSampler, progress: Progress, provenance: Provenance
) -> dict[str, Any]:
    """Everything a reader needs to judge a model, as JSON.

    A model that fails a gate is a candidate: it is published with what it failed, and the card
    names the baseline to use instead, unless the baseline fails the same.
    """
    periods = _periods(progress, provenance.prices)
    validation = beside_reference(sampler, periods)
    members = progress.state.members
    is_healthy = any(member.is_healthy for member in members)
    gates = run_gates(sampler, periods, healthy=is_healthy, validation=validation)
    return {
        "card_version": CARD_VERSION,
        **_verdict(gates, provenance.n_trials),
        "data": _data(sampler, provenance),
        "training": _training(progress, provenance),
        "selection": {"n_trials": provenance.n_trials, **_selection(members)},
        "scores": validation.record(),
        "gates": gates.record(),
        "limits": list(LIMITS),
        "must_not_be_claimed": list(MUST_NOT_BE_CLAIMED),
    }


def _verdict(gates: GateReport, n_trials: int) -> dict[str, Any]:
    """Whether the model is offered, and what is offered instead.

    The best of many trials on one validation span is a candidate, whatever its gates say.
    """
    return {
        "status": "candidate" if gates.failed or n_trials > 1 else "trained",
        "offer": REFERENCE if gates.speaks_for_reference else None,
    }


def _periods(progress: Progress, prices: pd.DataFrame) -> Periods:
    """The training period, as the training set cut it."""
    split, dates = progress.training_set.split, progress.training_set.table.dates
    return Periods(prices, dates[split.training.end - 1], dates[split.validation.start])


def _data(sampler: TrainedSampler, provenance: Provenance) -> dict[str, Any]:
    dates = provenance.prices.index
    return {
        "source": provenance.source,
        "digest": provenance.data_digest,
        "assets": list(sampler.assets),
        "first": f"{dates[0]:%Y-%m-%d}",
        "last": f"{dates[-1]:%Y-%m-%d}",
        "n_rows": len(dates),
        "kind": sampler.model.shape.kind,
    }


def _selection(members: list[Member]) -> dict[str, Any]:
    """Which weights were chosen: one record per generator, published or not."""
    published = published_members(members)
    records = [
        {
            "published": any(member is one for one in published),
            "chosen_step": member.best_step,
            "scores": member.best_scores,
            "curve": member.curve,
        }
        for member in members
    ]
    return {
        "rule": "for each generator alone, lowest energy score of the averaged weights on the"
        " validation span, among the checks that show no collapse; a network that starts as the"
        " parametric model must beat it by more than one standard error of the paired difference,"
        " or the start is published, once if all generators stay at it; a generator without a"
        " sound check is left out",
        "left_out": [number for number, one in enumerate(records, 1) if not one["published"]],
        "generators": records,
    }


def _training(progress: Progress, provenance: Provenance) -> dict[str, Any]:
    return {
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(provenance.seconds, 1),
        "n_workers": provenance.n_workers,
        "steps": progress.step,
        **({"schedule": list(provenance.schedule)} if provenance.schedule else {}),
        "n_generators": len(progress.state.members),
        "software": f"fingan {__version__}, torch {torch.__version__}",
        "machine": f"{platform.system()} {platform.machine()}",
    }
