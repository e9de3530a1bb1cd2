"""The family of generators, each behind one word of the configuration."""

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.models.generators import (
    Family,
    FilteredGenerator,
    GeneratorConfig,
    InnovationGenerator,
    MarketGenerator,
    VolatilityRecursion,
)
from fingan.models.mlp import MlpGenerator
from fingan.models.states import N_FEATURES
from fingan.models.temporal import TemporalGenerator
from fingan.volatility.filter import VolatilityFilter


def new_generator(
    config: GeneratorConfig,
    cholesky: Float[Tensor, "n_assets n_assets"],
    tails: Float[Tensor, "3 n_assets"],
    volatility: VolatilityFilter,
) -> MarketGenerator:
    """A generator before its first step.

    Args:
        config: Its family and size.
        cholesky: Of the correlation of innovations.
        tails: Scale and tail weights of each asset's innovations.
        volatility: The filter from whose coefficients the recursion starts.
    """
    match config.family:
        case "filtered":
            innovations = InnovationGenerator(config, cholesky, tails, N_FEATURES)
            return FilteredGenerator(innovations, VolatilityRecursion(volatility))
        case "mlp":
            return MlpGenerator(len(cholesky))
        case "tcn":
            return TemporalGenerator(tails)


def is_conditional(family: Family) -> bool:
    """Whether paths depend on today: without, training gives every day the same one."""
    return family == "filtered"


def still_filter(n_assets: int) -> VolatilityFilter:
    """The filter of a family that has none: every variance is 1."""
    one = torch.ones(n_assets, dtype=torch.float64)
    return VolatilityFilter(omega=one, alpha=0 * one, gamma=0 * one, beta=0 * one, initial=one)
