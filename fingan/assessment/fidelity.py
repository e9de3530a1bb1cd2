"""Samplers side by side on days that none of them saw: scores, facts, copies, floors.

Each sampler forecasts from the same starting days and is scored on what followed; beside that it
goes on by itself for as many days as the span has, and its histories are compared with the
market's. A known process scored against its own paths gives the floor: what a true model scores.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any

import pandas as pd
import torch

from fingan.assessment.evaluation import Evaluation, Row, not_applicable
from fingan.assessment.span import cut_span
from fingan.assessment.trial import MIN_DATES, N_HISTORIES, N_REPETITIONS, Trial
from fingan.data.returns import Date
from fingan.errors import PriceDataError, RequestError
from fingan.scenarios.baselines import baseline
from fingan.scenarios.present import check_columns
from fingan.scenarios.samplers import Sampler

REFERENCE = "fhs-gjr"
N_PATHS = 512
N_WORKERS = 2
FLOOR, HALVES = "(floor)", "(halves)"


def evaluate(
    samplers: Mapping[str, Sampler],
    prices: pd.DataFrame,
    *,
    first: Date | None = None,
    last: Date | None = None,
    reference: str = REFERENCE,
    n_paths: int = N_PATHS,
    seed: int = 0,
    in_sample: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score samplers beside each other, a reference and the sampling floor.

    Args:
        samplers: By name; the model first, as ``model``. All of the same assets.
        prices: History and what followed.
        first: First day that is an outcome; default the day after the last fitted one.
        last: Last day that is an outcome; default the last row.
        reference: The sampler that others are compared with; its process gives the floor.
        n_paths: Scenarios per starting day.
        seed: Of all scenarios.
        in_sample: Allow days that a sampler was fitted on, and say so in its row.
        progress: Told how many parts of the work are done, of how many.

    Raises:
        UnknownAssetError: If the prices lack an asset.
        RequestError: If a sampler was fitted on the span, the span is too short, or there is no
            such reference.
    """
    if reference not in samplers:
        given = ", ".join(samplers)
        raise RequestError(f"reference must be one of the samplers, {given}; got '{reference}'")
    span = cut_span(samplers, prices, first, last, in_sample=in_sample)
    trial = Trial.of(prices, samplers[reference].assets, span, n_paths, seed)
    parts: dict[str, Callable[[], Any]] = {
        FLOOR: lambda: trial.floor(samplers[reference]),
        HALVES: trial.real_against_real,
        **{name: partial(trial.measure, sampler) for name, sampler in samplers.items()},
    }
    found = _at_once(parts, progress)
    return Evaluation(
        model=next(iter(samplers.values())).reference,
        assets=samplers[reference].assets,
        first=f"{span.first:%Y-%m-%d}",
        last=f"{span.last:%Y-%m-%d}",
        n_days=len(span),
        seed=seed,
        n_paths=n_paths,
        reference=reference,
        rows=[
            Row(name, span.first <= one.fitted_until, trial.values(found[name], found[reference]))
            for name, one in samplers.items()
        ],
        floor_process=reference,
        n_repetitions=N_REPETITIONS,
        floor=found[FLOOR],
        real_against_real=found[HALVES],
        notes=_notes(trial, reference),
    )


def fit_baselines(
    names: Sequence[str], prices: pd.DataFrame, sampler: Sampler
) -> tuple[dict[str, Sampler], list[str]]:
    """Baselines fitted on the rows that a sampler knew, of its assets.

    Args:
        names: Of baselines.
        prices: History and what followed.
        sampler: Whose rows and assets.

    Returns:
        The baselines by name; and a sentence for each that cannot be fitted on so few days or
        assets.

    Raises:
        UnknownAssetError: If the prices lack an asset.
        RequestError: If there is no such baseline.
    """
    check_columns(prices, sampler.assets, sampler.kind, f"'{sampler.reference}'")
    rows = prices.loc[: sampler.fitted_until, list(sampler.assets)]
    rows.attrs = dict(prices.attrs)
    found = _at_once({name: partial(_fitted, name, rows) for name in names}, progress=None)
    fitted = {name: one for name, one in found.items() if not isinstance(one, str)}
    return fitted, [one for one in found.values() if isinstance(one, str)]


def _fitted(name: str, rows: pd.DataFrame) -> Sampler | str:
    """A baseline, or the sentence that says why it cannot be fitted."""
    try:
        return baseline(name, rows)
    except PriceDataError as too_thin:
        return f"{name}: {not_applicable(str(too_thin))}"


def _at_once(
    parts: Mapping[str, Callable[[], Any]], progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    """Results of independent parts by name, a few computed at a time, each on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(N_WORKERS) as pool:
            futures = {pool.submit(part): name for name, part in parts.items()}
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if progress is not None:
                    progress(done, len(parts))
            return {name: future.result() for future, name in futures.items()}
    finally:
        torch.set_num_threads(before)


def _notes(trial: Trial, reference: str) -> list[str]:
    """What a reader must know to judge the figures."""
    n_dates, stride = len(trial.outcomes.dates), trial.outcomes.stride
    return [
        f"scores: {n_dates} starting days, every {stride} rows, the same for all,"
        f" {trial.n_paths} scenarios each, in standard deviations before the span; errors are"
        " Newey-West"
        if n_dates >= MIN_DATES
        else f"scores: not applicable, {n_dates} starting days with all assets observed",
        f"t: Diebold-Mariano against {reference} on the same days, negative is better; each figure"
        " for itself, not adjusted for their number",
        f"facts: {N_HISTORIES} histories as long as the span; floor: {reference}'s own histories"
        f" in the market's place, {N_REPETITIONS} times; a figure below the floor's band is no"
        " merit",
        "real against real: one half of the span against the other",
        "the scores of forecasts have no floor: they depend on how turbulent the span was",
    ]
