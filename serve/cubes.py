"""The cube that a question asks for, its size checked before anything is drawn."""

import math
from typing import Any

from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.formats import Scenarios
from fingan.scenarios.samplers import BLOCK_SIZE, Sampler, TrainedSampler
from serve.answers import conditioned
from serve.problems import Problem
from serve.schemas import ScenarioQuery
from serve.settings import Limits
from serve.subjects import Subject

_PATHS = ("n_paths", "n_scenarios")  # what kinds of questions call them


def cube_of(query: ScenarioQuery, subject: Subject, limits: Limits) -> Scenarios:
    """The scenarios, drawn when they are read; under a condition drawn now.

    Raises:
        Problem: If they are more than the limits allow.
        FinganError: If the question does not fit the model or the history.
    """
    check_drawn(query, subject.sampler, limits)
    scenarios: Any
    if query.condition is not None:
        n_paths = max(query.n_paths, BLOCK_SIZE)
        check_held(n_paths * query.horizon * len(subject.sampler.assets), limits)
        scenarios = conditioned(query, query.condition, subject)
    elif query.drift_policy == "model":
        scenarios = subject.stream(query.horizon, query.n_paths, seed=query.seed, as_of=query.as_of)
    else:
        sampler = with_drift(subject.sampler, query.drift_policy)
        scenarios = sampler.stream(
            subject.prices, query.horizon, query.n_paths, seed=query.seed, as_of=query.as_of
        )
    found: Scenarios = scenarios if query.assets is None else scenarios.select(query.assets)
    return found


def check_sizes(query: Any, n_assets: int, limits: Limits) -> None:
    """Refuse what is over the limits.

    Raises:
        Problem: 422 with the limit.
    """
    horizon = getattr(query, "horizon", 1)
    paths = next((name for name in _PATHS if hasattr(query, name)), "n_paths")
    n_paths = getattr(query, paths, 1)
    sizes = (
        ("horizon", horizon, limits.max_horizon),
        (paths, n_paths, limits.max_paths),
        ("path", getattr(query, "path", 0), limits.max_paths),
        ("paths x steps x assets", n_paths * horizon * n_assets, limits.max_values),
    )
    for name, size, most in sizes:
        if size > most:
            raise Problem(422, "too-large", f"{name} must be at most {most:,}, got {size:,}")


def check_drawn(query: ScenarioQuery, sampler: Sampler, limits: Limits) -> None:
    """Refuse a cube that is over the limits: the part asked for, or what is drawn for it.

    Raises:
        Problem: 422 with the limit.
    """
    n_assets = len(sampler.assets)
    check_sizes(query, n_assets if query.assets is None else len(query.assets), limits)
    check_block(block_values(query, sampler), limits)


def block_values(query: ScenarioQuery, sampler: Sampler) -> int:
    """Numbers that are drawn at once: a block, of which a trained model draws what is needed."""
    is_plain = query.condition is None and query.drift_policy == "model"
    least = 1 if is_plain and isinstance(sampler, TrainedSampler) else BLOCK_SIZE
    n_paths = min(max(query.n_paths, least), BLOCK_SIZE)
    return n_paths * query.horizon * len(sampler.assets)


def check_block(n_values: int, limits: Limits) -> None:
    """Refuse a horizon so long that a single block is too large.

    Raises:
        Problem: 422 with the limit.
    """
    if n_values > limits.max_block_values:
        raise Problem(
            422,
            "too-large",
            f"{BLOCK_SIZE} paths x steps x the model's assets must be at most"
            f" {limits.max_block_values:,}, got {n_values:,}; ask for a shorter horizon",
        )


def check_job(query: Any, n_assets: int, limits: Limits) -> None:
    """Refuse a job that would hold too much in memory at once: all paths of a day.

    Raises:
        Problem: 422 with the limit.
    """
    check_sizes(query, n_assets, limits)
    horizon = getattr(query, "horizon", 1)
    check_block(BLOCK_SIZE * horizon * n_assets, limits)
    if not isinstance(query, ScenarioQuery):  # whose cube is written as it is drawn
        n_paths = next(getattr(query, name) for name in _PATHS if hasattr(query, name))
        check_held(max(n_paths, BLOCK_SIZE) * horizon * n_assets, limits)


def check_held(n_values: int, limits: Limits) -> None:
    """Refuse a cube that is too large to be held in memory.

    Raises:
        Problem: 422 with the limit.
    """
    if n_values > limits.max_held_values:
        raise Problem(
            422,
            "too-large",
            f"paths x steps x assets must be at most {limits.max_held_values:,} here, got"
            f" {n_values:,}; ask for fewer paths or a shorter horizon",
        )


def check_json(shape: tuple[int, int, int], limits: Limits) -> None:
    """Refuse a cube that is too large to be text for a program's memory.

    Raises:
        Problem: 422 with the limit.
    """
    n_values = math.prod(shape)
    if n_values > limits.max_json_values:
        raise Problem(
            422,
            "too-large",
            f"paths x steps x assets must be at most {limits.max_json_values:,} as JSON, got"
            f" {n_values:,}; take Arrow, Parquet or CSV, or a page of it",
        )
