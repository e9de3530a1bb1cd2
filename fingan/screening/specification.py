"""What a screen asks: of which candidates, over which horizon, under whose expected returns."""

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from fingan.config import Config

Metric = Literal[
    "p_gt",
    "p_gt_benchmark",
    "mean_excess",
    "es",
    "omega",
    "sharpe",
    "sortino",
    "calmar",
    "p_drawdown_gt",
    "p_touch",
    "tail_ratio",
    "skew",
]
Direction = Literal["long", "short"]
ReferenceName = Literal["block-bootstrap", "fhs-gjr", "garch-t", "historical", "gaussian"]
Asset = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]

EQUAL = "equal"  # the benchmark of equal weights
PARAMETERS: dict[Metric, dict[str, float]] = {  # what a metric takes, and what it is if not given
    "p_gt": {"hurdle": 0.0},
    "es": {"level": 0.975},
    "omega": {"hurdle": 0.0},
    "sortino": {"hurdle": 0.0},
    "p_drawdown_gt": {"x": 0.10},
    "p_touch": {"x": -0.10},
}
OF_THE_RUN = ("as_of", "seed", "n_scenarios", "criterion", "article_threshold")  # no other screen


class Figure(Config):
    """A functional of a candidate's paths."""

    metric: Metric
    """Its name."""
    hurdle: float | None = None
    """Net simple return over the horizon that counts as enough: of p_gt, omega, sortino."""
    level: Share | None = None
    """Confidence level of es."""
    x: float | None = None
    """Of p_drawdown_gt the drawdown, of p_touch the return: below 0 a stop, above 0 a target."""

    @model_validator(mode="after")
    def _has_its_parameters(self) -> Self:
        allowed = PARAMETERS.get(self.metric, {})
        for name in ("hurdle", "level", "x"):
            if getattr(self, name) is not None and name not in allowed:
                takes = f"takes {', '.join(allowed)}" if allowed else "takes none"
                raise ValueError(f"{self.metric} has no parameter '{name}'; it {takes}")
        if self.metric == "p_drawdown_gt" and self.parameter("x") <= 0:
            raise ValueError(f"x of p_drawdown_gt must be above 0, got {self.x:g}")
        if self.metric == "p_touch" and self.parameter("x") == 0:
            raise ValueError("x of p_touch must not be 0: every path begins there")
        return self

    def parameter(self, name: str) -> float:
        """The value given, or the metric's default."""
        given: float | None = getattr(self, name)
        return PARAMETERS[self.metric][name] if given is None else given

    @property
    def less_is_better(self) -> bool:
        """Whether a ranking puts the smallest first."""
        is_stop = self.metric == "p_touch" and self.parameter("x") < 0
        return is_stop or self.metric in ("es", "p_drawdown_gt")

    @property
    def label(self) -> str:
        """Its name with its parameters, as people read it."""
        match self.metric:
            case "p_gt" | "omega" | "sortino":
                return f"{self.metric}({self.parameter('hurdle'):g})"
            case "es":
                return f"es({self.parameter('level'):g})"
            case "p_drawdown_gt" | "p_touch":
                return f"{self.metric}({self.parameter('x'):g})"
        return self.metric


class Criterion(Figure):
    """What a candidate must reach beyond the errors of its figure."""

    op: Literal[">=", "<="]
    """On which side of the value."""
    value: float
    """The threshold."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Of the one-sided bound that must clear it."""


class Universe(Config):
    """What is compared."""

    assets: tuple[Asset, ...] | None = None
    """Single assets; every asset of the model if not given, unless pairs or portfolios are."""
    pairs: tuple[tuple[Asset, Asset], ...] = ()
    """The first bought, the second sold, one unit each."""
    portfolios: dict[Asset, dict[Asset, float]] = Field(default_factory=dict)
    """Weights by asset, bought and held; what they lack to 1 is cash."""


class Costs(Config):
    """Costs of a trade in basis points of what is traded; a candidate is bought and sold again."""

    default: NonNegativeFloat = 10.0
    """Of an asset that is not named."""
    assets: dict[Asset, NonNegativeFloat] = Field(default_factory=dict)
    """Of single assets."""


class Multiplicity(Config):
    """How many of the discoveries may be false."""

    method: Literal["bh", "by"] = "by"
    """Benjamini-Hochberg, or Benjamini-Yekutieli under any dependence."""
    q: Share = 0.10
    """Expected share of false discoveries."""


class ScreenSpec(Config):
    """A screen: candidates, scenarios, criteria, ranking."""

    horizon: PositiveInt = 21
    """Steps over which a candidate is held."""
    n_scenarios: Annotated[int, Field(ge=500)] = 20_000
    """Joint paths: the same ones for each candidate."""
    seed: NonNegativeInt = 0
    """Same seed, same result."""
    as_of: str | None = None
    """Last date of the history that is known; the last row if not given."""
    universe: Universe = Universe()
    """What is compared."""
    directions: Annotated[tuple[Direction, ...], Field(min_length=1)] = ("long",)
    """Each candidate bought, or sold, or both."""
    benchmark: str = EQUAL
    """An asset, or "equal": equal weights of the model's assets."""
    drift_policy: Literal["neutral", "shrunk", "equilibrium", "views", "model"] = "neutral"
    """Whose expected returns; under neutral a screen claims shape alone."""
    rate: float = 0.0
    """Simple return of a step that neutral gives every asset."""
    views: tuple[str, ...] = ()
    """Of drift policy views, each as "mean AAPL=0.05": over the horizon."""
    costs_bps: Costs = Costs()
    """Costs."""
    criterion: Literal["verdicts", "article"] = "verdicts"
    """"article" shows beside the screen what picking samples by their mean selects."""
    article_threshold: float = 0.002
    """Mean log-return of a step above which the article's rule takes a sample."""
    criteria: tuple[Criterion, ...] = (
        Criterion(metric="es", op="<=", value=0.15),
        Criterion(metric="p_drawdown_gt", op="<=", value=0.20),
    )
    """All of them must hold."""
    rank_by: Figure = Figure(metric="es")
    """What candidates are ordered by; under neutral a figure of shape."""
    top_k: PositiveInt = 5
    """How many lead."""
    multiplicity: Multiplicity = Multiplicity()
    """How many of the discoveries may be false."""
    references: Annotated[tuple[ReferenceName, ...], Field(min_length=1)] = (
        "block-bootstrap",
        "fhs-gjr",
    )
    """Generators without skill in ranking; random picks and two sorts always stand beside."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.drift_policy == "views") != bool(self.views):
            raise ValueError("views and drift_policy 'views' must be given together")
        for name in ("directions", "references"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise ValueError(f"{name} must differ, got {', '.join(given)}")
        return self

    def digest(self) -> str:
        """Of the definition: what an out-of-sample record is of, whatever date, seed and size."""
        document = self.model_dump(mode="json", exclude=set(OF_THE_RUN))
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
