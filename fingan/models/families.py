"""The family of generators, each behind one word of the configuration."""

from fingan.models.generators import (
    Family,
    FilteredGenerator,
    GeneratorConfig,
    MarketGenerator,
)
from fingan.models.market_filter import MarketFilter
from fingan.models.mlp import MlpGenerator
from fingan.models.states import N_FEATURES
from fingan.models.temporal import TemporalGenerator


def new_generator(config: GeneratorConfig, law: MarketFilter) -> MarketGenerator:
    """A generator before its first step.

    Args:
        config: Its family and size.
        law: What is known of the market before any network; ``mlp`` takes the number of assets
            alone from it, ``tcn`` the margins.
    """
    match config.family:
        case "filtered":
            return FilteredGenerator(config, law, N_FEATURES)
        case "mlp":
            return MlpGenerator(law.n_assets)
        case "tcn":
            return TemporalGenerator(law.margins)


def is_conditional(family: Family) -> bool:
    """Whether paths depend on today: without, training gives every day the same one."""
    return family == "filtered"
