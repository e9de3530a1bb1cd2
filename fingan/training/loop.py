"""``fit``: an iterator that trains, and says after each stretch of steps where it stands.

The generators of an ensemble are trained one after another; steps are counted over all of them.

Nothing is called back: whoever pulls decides what to show, to save and when to stop. Every worker
yields at the same steps.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean

import torch

from fingan.data.returns import ReturnTable
from fingan.models.critics import MarketCritic
from fingan.models.families import new_generator
from fingan.models.states import N_FEATURES
from fingan.training.adversarial import (
    adversarial_gradients,
    cosine_rate,
    make_optimizer,
    set_learning_rate,
    update_average,
)
from fingan.training.config import TrainConfig
from fingan.training.dataset import WEIGHT_STREAM, TrainingSet, prepare, stream_seed
from fingan.training.distributed import average_gradients, broadcast_weights, own_share
from fingan.training.growing import shortened, window_length
from fingan.training.members import member_config
from fingan.training.memory import keep_freed_memory, return_freed_memory
from fingan.training.selection import Sums, Validation, collapse, is_worth_it
from fingan.training.state import TrainState

REPORT_EVERY = 50  # steps


@dataclass(frozen=True)
class Progress:
    """Where a run stands."""

    step: int
    """Over all generators of the ensemble."""
    total_steps: int
    member: int
    """The generator in training, from 0."""
    n_members: int
    metrics: dict[str, float]
    """Terms of the objective, averaged since the last report, and the latest check's figures."""
    seconds: float
    """Since this process began to train."""
    is_check: bool
    """Whether the validation score was taken at this step; the time for a checkpoint."""
    warning: str | None
    """What the latest check found wrong, in words."""
    state: TrainState
    training_set: TrainingSet


def fit(
    table: ReturnTable,
    config: TrainConfig,
    *,
    device: torch.device | str = "cpu",
    resume: Callable[[TrainState], object] | None = None,
) -> Iterator[Progress]:
    """Train an ensemble of generators on a table of returns.

    Args:
        table: The training period, validation span included; nothing after it.
        config: Everything else that determines the result.
        device: Where to train.
        resume: Fills a fresh state from a checkpoint.

    Yields:
        A report every ``REPORT_EVERY`` steps and at every check; the last one at the end.

    Raises:
        PriceDataError: If the history is too short.
        TrainingDivergedError: If a loss or a gradient is not finite.
    """
    began, threads = time.monotonic(), torch.get_num_threads()
    torch.set_num_threads(1)  # quickest for networks this small, and sums round alike everywhere
    keep_freed_memory()
    try:
        training_set = prepare(table, config, torch.device(device))
        state = initial_state(training_set, config, torch.device(device))
        validation = _validation(training_set, config, state.generator.n_noise)
        if resume is not None:
            resume(state)
        if state.steps_done == config.ensemble * config.steps:  # resumed before it was published
            yield _report(state, {}, config, began, training_set)
        while True:
            for means in _train_member(state, validation, training_set, config):
                yield _report(state, means, config, began, training_set)
            if len(state.members) == config.ensemble:
                break
            state = _next_member(state, training_set, config, torch.device(device))
    finally:
        torch.set_num_threads(threads)
        return_freed_memory()


def _train_member(
    state: TrainState, validation: Validation, training_set: TrainingSet, config: TrainConfig
) -> Iterator[dict[str, float]]:
    """Train one generator to its end, from where it stands; the terms before each report."""
    own = member_config(config, len(state.finished))
    device = training_set.correlation.device
    start = _parametric_sums(training_set, own, validation, device)
    starts_parametric = own.generator.family == "filtered"
    if not state.curve:
        _check(state, validation, start, {}, starts_parametric=starts_parametric)
    for means in _stretches(state, training_set, own):
        if state.step % own.selection.every == 0 or state.step == own.steps:
            _check(state, validation, start, means, starts_parametric=starts_parametric)
        yield means


def _next_member(
    state: TrainState, training_set: TrainingSet, config: TrainConfig, device: torch.device
) -> TrainState:
    """The state before the first step of the next generator."""
    following = initial_state(training_set, member_config(config, len(state.members)), device)
    following.finished = state.members
    return following


def _stretches(
    state: TrainState, training_set: TrainingSet, config: TrainConfig
) -> Iterator[dict[str, float]]:
    """Train up to each report; the terms of the objective, averaged since the last one."""
    heard: dict[str, list[float]] = {}
    while state.step < config.steps:
        for name, value in _step(state, training_set, config).items():
            heard.setdefault(name, []).append(value)
        every = (REPORT_EVERY, config.selection.every)
        if state.step == config.steps or any(state.step % stride == 0 for stride in every):
            yield {name: mean(values) for name, values in heard.items()}
            heard = {}


def initial_state(
    training_set: TrainingSet, config: TrainConfig, device: torch.device
) -> TrainState:
    """Networks before the first step: weights are a function of the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(config.seed, WEIGHT_STREAM, 0))
        generator = new_generator(config.generator, training_set.law)
        critic = MarketCritic(config.critic, training_set.n_assets, N_FEATURES, config.window)
        if config.adversarial.objective == "hinge":
            critic.normalise_spectrally()
    kind = config.adversarial.dtype
    generator, critic = generator.to(device, kind), critic.to(device, kind)
    broadcast_weights([generator, critic])
    generator_optimizer = make_optimizer(generator, config.adversarial)
    critic_optimizer = make_optimizer(critic, config.adversarial)
    return TrainState.of(generator, critic, (generator_optimizer, critic_optimizer))


def _step(state: TrainState, training_set: TrainingSet, config: TrainConfig) -> dict[str, float]:
    """One step on this worker's share of the global batch."""
    adversarial = config.adversarial
    optimizers = (state.generator_optimizer, state.critic_optimizer)
    rate = cosine_rate(adversarial.learning_rate, state.step, config.steps)
    share = own_share(config.batch_size)
    batch = training_set.batch(config, state.generator.n_noise, state.step, share)
    length = window_length(config.grow, config.window, state.step, config.steps)
    moves_generator = adversarial.moves_generator(state.step)
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    terms = adversarial_gradients(
        state.generator,
        state.critic,
        shortened(batch, length),
        adversarial,
        moves_generator,
    )
    weight = (share.stop - share.start) / config.batch_size
    averages = average_gradients([state.generator, state.critic], terms, state.steps_done, weight)
    set_learning_rate(optimizers, rate)
    for optimizer in optimizers:
        optimizer.step()
    if moves_generator:
        update_average(state.average, state.generator, adversarial.ema_decay, state.step)
    state.step += 1
    return averages


def _validation(training_set: TrainingSet, config: TrainConfig, n_noise: int) -> Validation:
    """The starting days of the validation span, evenly spread."""
    selection, span = config.selection, training_set.split.validation
    last = span.end - selection.horizon
    n_starts = min(selection.n_starts, last - span.start)
    days = torch.linspace(span.start, last - 1, n_starts).long()
    scaled = training_set.windows.values
    sums = scaled[: training_set.split.training.end].unfold(0, selection.horizon, 1).sum(-1)
    unit = sums.square().nanmean(0).sqrt().nan_to_num(nan=math.sqrt(selection.horizon))
    return Validation.of(scaled, training_set.today, days, unit, selection, n_noise)


def _parametric_sums(
    training_set: TrainingSet, config: TrainConfig, validation: Validation, device: torch.device
) -> Sums:
    """Of the parametric model with the same filter: the default family before its first step."""
    silent = config.generator.model_copy(update={"family": "filtered"})
    start = initial_state(training_set, config.model_copy(update={"generator": silent}), device)
    if config.generator.family != silent.family:
        validation = _validation(training_set, config, start.generator.n_noise)
    return validation.sums(start.average)


def _check(
    state: TrainState,
    validation: Validation,
    start: Sums,
    terms: dict[str, float],
    *,
    starts_parametric: bool,
) -> None:
    """Score the average, keep it if the rule says so, and add to the curve."""
    validation.recentre(state.average)
    scores = validation.score(validation.sums(state.average), start)
    state.curve.append({"step": float(state.step), **terms, **scores})
    best = state.best_scores.get("validation_score", math.inf)
    may_stay = starts_parametric and state.step > 0 and not is_worth_it(scores)
    if collapse(scores) is None and scores["validation_score"] < best and not may_stay:
        state.best.load_state_dict(state.average.state_dict())
        state.best_scores, state.best_step = scores, state.step


def _report(
    state: TrainState,
    terms: dict[str, float],
    config: TrainConfig,
    began: float,
    training_set: TrainingSet,
) -> Progress:
    scores = {key: value for key, value in state.curve[-1].items() if key in CHECKED}
    return Progress(
        step=state.steps_done,
        total_steps=config.ensemble * config.steps,
        member=len(state.finished),
        n_members=config.ensemble,
        metrics=terms | scores,
        seconds=time.monotonic() - began,
        is_check=state.curve[-1]["step"] == state.step,
        warning=collapse(scores),
        state=state,
        training_set=training_set,
    )


CHECKED = ("validation_score", "gain", "gain_error", "spread_ratio", "distinct_ratio")
