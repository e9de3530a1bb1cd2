"""Small training runs that tests and their worker processes make."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fingan.data.prices import read_prices
from fingan.data.returns import log_returns
from fingan.errors import FinganError, TrainingDivergedError
from fingan.pipeline import TrainingRun, train
from fingan.training import loop
from fingan.training.config import TrainConfig
from fingan.training.distributed import from_first_worker, rank
from fingan.training.loop import Progress
from fingan.training.state import TrainState

Arrays = dict[str, Any]


def make_run(
    prices: pd.DataFrame,
    store: Path,
    *,
    steps: int = 40,
    every: int = 10,
    resume: bool = False,
    mlflow: str | None = None,
    **values: Any,
) -> TrainingRun:
    """A run of tiny networks that publishes ``tiny`` in ``store``."""
    config = TrainConfig.model_validate(tiny(steps, every) | values)
    run = train(prices, config, name="tiny", store=str(store), resume=resume)
    return replace(run, mlflow=mlflow)


def tiny(steps: int, every: int) -> dict[str, Any]:
    """A configuration of tiny networks, checked every so many steps."""
    return {
        "steps": steps,
        "ensemble": 1,
        "batch_size": 16,
        "window": 32,
        "generator": {"width": 8, "dilations": [1, 2], "n_latent": 2},
        "critic": {"width": 8, "directions": 3, "patch": 4, "aggregate_width": 8},
        "selection": {"every": every, "horizon": 5, "n_starts": 16, "n_paths": 32},
    }


def trained(
    prices: pd.DataFrame, store: Path, steps: int, every: int, ensemble: int = 1
) -> tuple[Arrays, str | None]:
    """Train and publish; every tensor at the end, and the reference."""
    run = make_run(prices, store, steps=steps, every=every, ensemble=ensemble)
    *_, progress = run
    return arrays(progress.state), run.reference


def fitted(prices: pd.DataFrame | str, values: dict[str, Any]) -> Arrays:
    """Every tensor at the end of a training that keeps no checkpoints."""
    config = TrainConfig.model_validate(values)
    *_, progress = loop.fit(log_returns(read_prices(prices)), config)
    return arrays(progress.state)


def arrays(state: TrainState) -> Arrays:
    """Weights, averages and moments of a state, copied."""
    modules = {
        "generator": state.generator,
        "critic": state.critic,
        "average": state.average,
        "best": state.best,
    }
    modules |= {f"member{k}": member.generator for k, member in enumerate(state.finished)}
    weights = {
        f"{name}.{key}": value.numpy().copy()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    optimizers = (state.generator_optimizer, state.critic_optimizer)
    moments = {
        f"optimizer{which}.{index}.{key}": value.numpy().copy()
        for which, optimizer in enumerate(optimizers)
        for index, entry in optimizer.state_dict()["state"].items()
        for key, value in entry.items()
    }
    return weights | moments


def largest_difference(first: Arrays, second: Arrays) -> tuple[float, str]:
    """The largest difference of two states' weights, and the tensor that shows it."""
    assert first.keys() == second.keys()
    weights = [name for name in first if not name.startswith("optimizer")]
    return max((float(np.abs(first[name] - second[name]).max()), name) for name in weights)


def are_equal(first: Arrays, second: Arrays) -> bool:
    """Whether two states agree in every bit."""
    return first.keys() == second.keys() and all(
        first[name].tobytes() == second[name].tobytes() for name in first
    )


def trained_with_fault(
    prices: pd.DataFrame, store: Path, at_step: int, place: str
) -> tuple[int, str, list[str]]:
    """Train with NaN in one gradient or term of the second worker alone.

    Returns:
        The step in which this worker stopped, why, and the checkpoints that stand then.
    """
    sound = loop.adversarial_gradients
    calls = iter(range(10**6))

    def faulty(generator: Any, critic: Any, *arguments: Any) -> dict[str, Any]:
        terms = sound(generator, critic, *arguments)
        if next(calls) == at_step and rank() == 1:
            if place == "term":
                terms["critic_loss"] = terms["critic_loss"] * float("nan")
            else:
                next(iter(generator.parameters())).grad.view(-1)[0] = float(place)
        return terms

    run, loop.adversarial_gradients = make_run(prices, store), faulty
    try:
        with pytest.raises(TrainingDivergedError) as stopped:
            list(run)
    finally:
        loop.adversarial_gradients = sound
    names = sorted(path.name for path in run.directory.glob("step-*"))
    return stopped.value.step, str(stopped.value), names


def resumed_blind(
    prices: pd.DataFrame, store: Path, elsewhere: Path, ensemble: int = 1
) -> tuple[Arrays, list[int]]:
    """Resume where only the first worker sees the checkpoints; state and steps reported."""
    run = make_run(prices, store, resume=True, ensemble=ensemble)
    if rank() > 0:
        run.directory = elsewhere
    *before, last = run.steps(publish=False)
    return arrays(last.state), [progress.step for progress in [*before, last]]


def unpublished(run: TrainingRun) -> Iterator[Progress]:
    """Train to the end without publishing, which takes longer than tiny networks do."""
    run.open()
    yield from run.steps(publish=False)


def kill_after(run: TrainingRun, step: int) -> Progress:
    """Let a run end as a killed one does, no word after the report of ``step``."""
    return next(progress for progress in run if progress.step == step)


def answer_of_first(fails: bool) -> str:
    """What this worker hears from the first one."""

    def make() -> bytes:
        if fails:
            raise FinganError("the disk is full")
        return f"from {rank()}".encode()

    try:
        return from_first_worker(make).decode()
    except FinganError as mistake:
        return f"error: {mistake}"


def killed(prices: pd.DataFrame, store: Path, last: int, ensemble: int = 1) -> int:
    """A run of several workers that ends right after the report of step ``last``."""
    return kill_after(make_run(prices, store, ensemble=ensemble), last).step
