"""The card of a model: what it learnt from, how it was chosen, its scores beside a baseline's."""

import datetime as dt
import platform
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import torch

from fingan import __version__
from fingan.assessment.fidelity import compare, energy_scores
from fingan.errors import PriceDataError
from fingan.scenarios.baselines import baseline
from fingan.scenarios.samplers import Sampler, TrainedSampler
from fingan.training.loop import Progress
from fingan.training.selection import MAX_SPREAD_RATIO, MIN_DISTINCT_RATIO, collapse

CARD_VERSION = 1
HORIZON, N_PATHS, STRIDE = 10, 256, 5  # of the score on the validation span
MIN_DATES = 8
REFERENCE = "fhs-gjr"

LIMITS = (
    "The validation span chose the weights: its score flatters the model."
    " Only days after the training period are a test.",
    "Means are estimates from one history and carry its luck; rank nothing by them.",
    "Scenarios beyond the largest moves of the training period are extrapolation.",
    "Assets that exist today have survived; the history knows no bankruptcy.",
    "Scenarios are model-implied and no advice.",
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


def model_card(
    sampler: TrainedSampler, progress: Progress, provenance: Provenance
) -> dict[str, Any]:
    """Everything a reader needs to judge a model, as JSON."""
    prices, state = provenance.prices, progress.state
    gates = _gates(state.best_scores)
    return {
        "card_version": CARD_VERSION,
        "status": "candidate" if gates["failed"] else "trained",
        "data": {
            "source": provenance.source,
            "digest": provenance.data_digest,
            "assets": list(sampler.assets),
            "first": f"{prices.index[0]:%Y-%m-%d}",
            "last": f"{prices.index[-1]:%Y-%m-%d}",
            "n_rows": len(prices),
            "kind": sampler.model.shape.kind,
        },
        "training": {
            "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "seconds": round(provenance.seconds, 1),
            "n_workers": provenance.n_workers,
            "steps": state.step,
            "software": f"fingan {__version__}, torch {torch.__version__}",
            "machine": f"{platform.system()} {platform.machine()}",
            "curve": state.curve,
        },
        "selection": {
            "rule": "lowest energy score of the averaged weights on the validation span, among"
            " the checks that show no collapse",
            "chosen_step": state.best_step,
            "scores": state.best_scores,
        },
        "scores": _scores(sampler, progress, prices),
        "gates": gates,
        "limits": list(LIMITS),
    }


def _scores(sampler: TrainedSampler, progress: Progress, prices: pd.DataFrame) -> dict[str, Any]:
    """The model beside filtered historical simulation on the validation span."""
    validation, dates = progress.training_set.split.validation, progress.training_set.table.dates
    starts = [dates[day - 1] for day in range(validation.start, validation.end - HORIZON, STRIDE)]
    if len(starts) < MIN_DATES:
        return {"skipped": f"the validation span holds fewer than {MIN_DATES} starting days"}
    outcome = prices[list(sampler.assets)].loc[starts[0] :]
    if outcome.isna().any().any():
        return {"skipped": "an asset is not observed throughout the validation span"}
    fitted_on = prices.loc[: dates[progress.training_set.split.training.end - 1]]
    fitted_on.attrs = dict(prices.attrs)
    try:
        reference = baseline(REFERENCE, fitted_on)
    except PriceDataError as too_few_days:
        return {"skipped": f"{REFERENCE}: {too_few_days}"}
    samplers: dict[str, Sampler] = {"model": sampler, REFERENCE: reference}
    scores = energy_scores(samplers, prices, starts, HORIZON, N_PATHS)
    rows = {
        name: asdict(compare(values, scores[REFERENCE], n_lags=-(-HORIZON // STRIDE) + 2))
        for name, values in scores.items()
    }
    return {
        "metric": f"energy score of {HORIZON}-step log-returns, in standard deviations",
        "span": f"{starts[0]:%Y-%m-%d} to {dates[validation.end - 1]:%Y-%m-%d}, validation: it"
        " chose the weights",
        "n_dates": len(starts),
        "n_paths": N_PATHS,
        "reference": REFERENCE,
        "rows": rows,
    }


def _gates(scores: dict[str, float]) -> dict[str, list[str]]:
    """Written thresholds, passed and failed."""
    if not scores:
        return {"passed": [], "failed": ["no check without collapse"]}
    rules = {
        f"spread ratio at most {MAX_SPREAD_RATIO}": scores["spread_ratio"] <= MAX_SPREAD_RATIO,
        f"distinct ratio at least {MIN_DISTINCT_RATIO}": scores["distinct_ratio"]
        >= MIN_DISTINCT_RATIO,
    }
    assert all(rules.values()) == (collapse(scores) is None)
    return {
        "passed": [rule for rule, holds in rules.items() if holds],
        "failed": [rule for rule, holds in rules.items() if not holds],
    }
