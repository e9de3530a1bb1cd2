"""A reverse stress as it is asked for."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from fingan.config import Config
from fingan.stress.request import MAX_POOL


class ReverseRequest(Config):
    """A reverse stress as it is asked for."""

    loss: PositiveFloat
    """Share of the portfolio's initial value that is lost at least, 0.15 for 15 %."""

    horizon: PositiveInt = 20
    """Steps after which the loss is counted."""

    max_modes: int = Field(default=4, ge=1, le=8)
    """Distinct ways to lose that are told apart at most."""

    n_parts: int = Field(default=3, ge=1, le=8)
    """Where the losing paths are one cloud, it is cut into so many parts, which are not distinct;
    1 leaves it whole."""

    n_pool: int = Field(default=100_000, ge=1000, le=MAX_POOL)
    """Paths drawn at most."""

    min_ess: PositiveInt = 200
    """Effective number of losing paths below which there is no answer."""

    search: bool = True
    """Whether a trained model may be drawn under moved noise where the loss is rare."""

    seed: NonNegativeInt = 0
    """Of the paths."""

    as_of: str | None = None
    """Last date of the history that paths continue; the last row where not given."""

    comparators: tuple[str, ...] = ("fhs-gjr",)
    """Baselines that say how probable the same loss is, fitted on the rows up to ``as_of``."""
