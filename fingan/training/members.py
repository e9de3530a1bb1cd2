"""The generators of an ensemble: each a run of its own, from a seed of its own.

They share the market as it was prepared - scaling, filter, margins - and differ in initial weights,
noise and the order of windows alone; so the spread of what they say is the error of training, the
part of a model's error that more paths do not lower.

Source: Lakshminarayanan, Pritzel & Blundell (2017), Simple and scalable predictive uncertainty
estimation using deep ensembles, section 2.4; generators in place of classifiers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fingan.models.generators import FilteredGenerator, MarketGenerator
from fingan.training.config import TrainConfig
from fingan.training.dataset import MEMBER_STREAM, stream_seed


@dataclass(frozen=True)
class Member:
    """One generator of an ensemble, and how its weights were chosen."""

    generator: MarketGenerator
    """With the weights that the selection rule chose."""
    n_steps: int
    """Steps of training."""
    best_step: int
    best_scores: dict[str, float]
    """Of the check that was chosen; empty where no check was healthy."""
    curve: list[dict[str, float]]
    """One record per check: step, terms of the objective, validation figures."""

    @property
    def is_healthy(self) -> bool:
        """Whether any check showed no collapse."""
        return bool(self.best_scores)

    @property
    def is_start(self) -> bool:
        """Whether no network came of it that beats the parametric model from which it started."""
        return self.best_step == 0 and isinstance(self.generator, FilteredGenerator)


def member_config(config: TrainConfig, number: int) -> TrainConfig:
    """The configuration by which one member is trained as if it were alone.

    Args:
        config: Of the ensemble.
        number: Of the member, from 0; member 0 is the model that an ensemble of one would be.
    """
    seed = stream_seed(config.seed, MEMBER_STREAM, number) if number else config.seed
    return config.model_copy(update={"seed": seed, "ensemble": 1})


def published_members(members: Sequence[Member]) -> list[Member]:
    """Members that make the model: those with a healthy check, else the first, for what it is.

    Where all of them stayed what they started as, they are one parametric model: the first stands
    for it, and there is no spread of trainings to be taken for an error.
    """
    healthy = [member for member in members if member.is_healthy] or [members[0]]
    return healthy[:1] if all(member.is_start for member in healthy) else healthy
