"""Everything that determines a trained model, beside its data."""

from itertools import pairwise
from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from fingan.config import Config
from fingan.models.critics import CriticConfig
from fingan.models.generators import GeneratorConfig
from fingan.training.adversarial import AdversarialConfig
from fingan.training.selection import SelectionConfig


class TrainConfig(Config):
    """One optimisation problem: the same on one worker or on eight."""

    seed: NonNegativeInt = 0
    """Of the initial weights, the order of the windows and the noise."""

    steps: PositiveInt = 1000
    """Steps of training; each updates the critic, and every ``n_critic``-th the generator."""

    ensemble: PositiveInt = 5
    """Generators, each from its own seed; they share scaling, filter and margins, and their spread
    is the model error."""

    batch_size: PositiveInt = 64
    """Windows a step, over all workers."""

    window: PositiveInt = 64
    """Length of a training window in steps of the data."""

    grow: tuple[PositiveInt, ...] = ()
    """Shorter windows with which training begins, rising; each stage has its share of steps."""

    least_observed: float = Field(default=0.8, gt=0, le=1)
    """Least share of observed cells in a training window."""

    generator: GeneratorConfig = GeneratorConfig()
    """The generator's family and size."""

    critic: CriticConfig = CriticConfig()
    """The critics' size."""

    adversarial: AdversarialConfig = AdversarialConfig()
    """Objective, rates and penalties of the adversarial steps."""

    selection: SelectionConfig = SelectionConfig()
    """How the published weights are chosen."""

    @model_validator(mode="after")
    def _check_window(self) -> Self:
        n_days = self.critic.patch * self.critic.n_patches
        if n_days > self.window:
            raise ValueError(
                f"window must hold the {n_days} steps that the joint critic reads (critic.patch"
                f" times critic.n_patches), got {self.window}"
            )
        if any(longer <= shorter for shorter, longer in pairwise((*self.grow, self.window))):
            raise ValueError(
                f"grow must rise and stay below the window of {self.window}, got {self.grow}"
            )
        return self
