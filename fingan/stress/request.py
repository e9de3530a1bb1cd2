"""A conditional stress as it is asked for."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from fingan.config import Config
from fingan.stress.conditions import Shock

MAX_POOL = 200_000


class StressRequest(Config):
    """A conditional stress as it is asked for."""

    shocks: tuple[Shock, ...] = Field(min_length=1)
    """All of them happen on a path."""

    horizon: PositiveInt = 20
    """Steps of a path; a shock may end before."""

    n_pool: int = Field(default=100_000, ge=1000, le=MAX_POOL)
    """Paths drawn at most."""

    min_ess: PositiveInt = 200
    """Effective number of paths below which there is no answer."""

    bandwidth: PositiveFloat = Field(default=0.1, le=0.5)
    """Spread of the weights about a ``value``, in standard deviations of the shocked move as it
    is forecast today."""

    search: bool = True
    """Whether a trained model may be drawn under moved noise where the shock is rare."""

    seed: NonNegativeInt = 0
    """Of the paths."""

    as_of: str | None = None
    """Last date of the history that paths continue; the last row where not given."""

    comparators: tuple[str, ...] = ("fhs-gjr",)
    """Baselines under the same shock, fitted on the rows up to ``as_of``."""
