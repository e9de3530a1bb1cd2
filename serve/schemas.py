"""The wire: what each endpoint is asked, with the library's own words and defaults."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from fingan.assessment.var_backtest import LEVELS, OPPONENTS
from fingan.config import Config
from fingan.data.returns import end_of
from fingan.portfolios.objectives import OptimizeRequest
from fingan.risk.views import View
from fingan.scenarios.baselines import BASELINES, BaselineName
from fingan.scenarios.formats import Format
from fingan.scenarios.header import Layout, Values
from fingan.scenarios.samplers import MAX_SEED
from fingan.screening.specification import ScreenSpec
from fingan.stress.conditions import Shock
from fingan.stress.request import MAX_POOL

Positive = Annotated[int, Field(gt=0)]
Level = Annotated[float, Field(ge=1e-6, le=1 - 1e-6)]  # beyond, no cube has a path
Fraction = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Paths = Annotated[int, Field(ge=100)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Weights = dict[Name, float]


def _is_day(text: str) -> str:
    """A day or moment as it was written; prices say whether they hold it.

    Raises:
        ValueError: If it is none.
    """
    try:
        end_of(text)
    except ValueError:
        raise ValueError(f"must be a date such as 2020-03-16, got '{text[:40]}'") from None
    return text


def _once(names: tuple[BaselineName, ...]) -> tuple[BaselineName, ...]:
    """Each name once, in the order given."""
    return tuple(dict.fromkeys(names))


Day = Annotated[str, AfterValidator(_is_day)]
Baselines = Annotated[tuple[BaselineName, ...], AfterValidator(_once)]
DriftPolicy = Literal["model", "neutral", "shrunk", "equilibrium"]


class HistoryColumns(Config):
    """Prices by column, as ``read_prices`` would have read them from a file."""

    dates: Annotated[tuple[str, ...], Field(min_length=1)]
    """ISO dates or times, rising."""
    prices: dict[Name, tuple[float | None, ...]]
    """One number a date for each asset; null before an asset began and after it ended."""
    kind: Literal["price", "simple_return", "log_return", "level"] = "price"
    """What the numbers are."""


class Question(Config):
    """What every question names: who answers, from which history on."""

    model: Name
    """``name`` for the newest version, ``name@version``, or a baseline such as ``fhs-gjr``."""
    history: HistoryColumns | None = None
    """Prices to continue; the model's own history tail if neither this nor ``prices`` is given."""
    prices: Name | None = None
    """A price source that the service knows by name: ``GET /v1/prices``."""

    @model_validator(mode="after")
    def _one_history(self) -> Self:
        if self.history is not None and self.prices is not None:
            raise ValueError("'history' must not be given beside 'prices'; send one of them")
        return self

    @model_validator(mode="after")
    def _one_step(self) -> Self:
        horizon = getattr(self, "horizon", 1)
        if self.model == "vine" and horizon != 1:
            raise ValueError(f"'horizon' must be 1 for the baseline 'vine', got {horizon}")
        return self


class OfTrained(Question):
    """A question about what a model has learnt; baselines have no such thing."""

    @model_validator(mode="after")
    def _trained(self) -> Self:
        if self.model in BASELINES:
            raise ValueError(f"'model' must be a trained one here, got the baseline '{self.model}'")
        return self


class Dated(Question):
    """A question about the state of the market on a day."""

    as_of: Day | None = None
    """Last date of the history to use; its last row if not given."""
    seed: Seed = 0
    """Path i depends on it and on i, not on the number of paths."""


class Condition(Config):
    """What shall happen on every scenario."""

    shocks: tuple[Shock | str, ...] = Field(min_length=1)
    """As objects, or as they are typed: ``AAPL=-0.10``, ``JPM<=-5%``, ``KO=-0.10..-0.05``."""
    min_ess: Positive = 200
    """Effective number of paths below which there is no answer."""


class ScenarioQuery(Dated):
    """``POST /v1/scenarios``."""

    horizon: Positive = 20
    """Steps of each path."""
    n_paths: Positive = 1_000
    """Paths."""
    assets: tuple[Name, ...] | None = None
    """Those of the cube, in this order; all of the model if not given."""
    values: Values = "simple_return"
    """What the numbers are."""
    layout: Layout = "wide"
    """How rows and columns are laid out."""
    condition: Condition | None = None
    """Weighted paths under a shock; the weights are a column."""
    drift_policy: DriftPolicy = "model"
    """Whose expected returns."""


class Held(Config):
    """A portfolio."""

    portfolio: Weights | None = None
    """Weight by asset, summing to 1; equal weights if not given."""
    allow_leverage: bool = False
    """Whether weights need not sum to 1."""


class SummaryQuery(Dated, Held):
    """``POST /v1/scenarios/summary``."""

    horizon: Positive = 20
    """Steps of each path."""
    n_paths: Paths = 10_000
    """Paths."""
    assets: tuple[Name, ...] | None = Field(default=None, max_length=50)
    """Those summarised beside the portfolio; the model's first 20 if not given."""
    quantiles: tuple[Level, ...] = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    """Levels of the fan and of drawdowns."""
    n_shown: Annotated[int, Field(ge=0, le=200)] = 40
    """Single paths that come with it, the first ones."""
    condition: Condition | None = None
    """Weighted paths under a shock."""
    drift_policy: DriftPolicy = "model"
    """Whose expected returns."""


class ExplainQuery(Dated, Held):
    """``POST /v1/explain``: one path, its nearest real windows, factors and states."""

    path: Annotated[int, Field(ge=0)]
    """Its number."""
    horizon: Positive = 20
    """Steps of the path."""


class RiskQuery(Dated, Held):
    """``POST /v1/risk``."""

    horizon: Positive = 10
    """Steps over which a loss is counted."""
    n_paths: Paths = 10_000
    """Scenarios."""
    levels: tuple[Level, ...] = Field(default=LEVELS, min_length=1, max_length=10)
    """Confidence levels."""
    loss_over: tuple[Fraction, ...] = Field(default=(0.05, 0.10), max_length=10)
    """Losses and drawdowns whose probability is asked for."""
    attributed_at: Level = 0.975
    """Level of the ES that positions share."""
    measures: tuple[Name, ...] | None = None
    """Names of the measures to return; all if not given."""
    drift_policy: DriftPolicy = "model"
    """Whose expected returns, of the baselines too."""
    baselines: Baselines = ("fhs-gjr", "historical")
    """Classical generators on the same request."""


class StressQuery(Dated, Held):
    """``POST /v1/stress``: a shock, a crisis once more, or a view."""

    shocks: tuple[Shock | str, ...] = ()
    """All of them happen; as objects or as ``AAPL=-0.10``."""
    over: Positive | None = None
    """First steps over which typed shocks are cumulative; the whole horizon if not given."""
    replay: str | None = None
    """A named window (``GET /v1/limits`` lists them) or ``2008-09-12..2008-10-10``."""
    views: tuple[View | str, ...] = ()
    """Figures that shall hold over the horizon; as objects or as ``mean AAPL=-0.05``."""
    horizon: Positive = 20
    """Steps of a path."""
    n_paths: int = Field(default=100_000, ge=1_000, le=MAX_POOL)
    """Paths drawn at most."""
    min_ess: Positive = 200
    """Effective number of paths below which there is no answer."""
    search: bool = True
    """Whether rare shocks are drawn under moved noise."""
    comparators: Baselines = ("fhs-gjr",)
    """Baselines under the same shock."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name in ("shocks", "replay", "views") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                "a stress must be one of 'shocks', 'replay' and 'views', got"
                f" {' and '.join(given) or 'none'}"
            )
        return self


class ReverseQuery(Dated, Held):
    """``POST /v1/stress/reverse``: the ways to lose so much."""

    loss: Annotated[float, Field(gt=0, lt=10)]
    """Share of the value, 0.15 for 15 %."""
    horizon: Positive = 20
    """Steps of a path."""
    n_paths: int = Field(default=100_000, ge=1_000, le=MAX_POOL)
    """Paths drawn at most."""
    min_ess: Positive = 200
    """Effective number of paths below which there is no answer."""
    max_modes: Annotated[int, Field(ge=1, le=8)] = 4
    """Distinct ways at most."""
    n_parts: Annotated[int, Field(ge=1, le=8)] = 3
    """Parts of a cloud of losses that is one."""
    search: bool = True
    """Whether rare losses are drawn under moved noise."""
    comparators: Baselines = ("fhs-gjr",)
    """Baselines' probability of the same loss."""


class ScreenQuery(ScreenSpec, Question):
    """``POST /v1/screens``: the screen's specification and who answers."""


class OptimizeQuery(OptimizeRequest, Question):
    """``POST /v1/optimize``: objective, constraints and who answers."""

    n_paths: Annotated[int, Field(ge=200, le=50_000)] = 10_000
    """Scenarios; a solver's time grows faster than they do, and it cannot be broken off."""
    universe: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Assets that may be held; all of the model if not given."""
    previous: Weights | None = None
    """Weights now; cash if not given."""


class AnomalyQuery(OfTrained):
    """``POST /v1/anomalies``: windows that do not look like the market learnt."""

    window: Positive = 5
    """Rows of a window."""
    fdr: Level = 0.1
    """Share of false alarms tolerated."""
    budget: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Windows listed, flagged or not."""
    first: Day | None = None
    """First day judged; the second half of the days after training if not given."""
    last: Day | None = None
    """Last day judged."""


class ScenarioJob(ScenarioQuery):
    """A bulk cube, written to a file that the result link serves."""

    format: Format = "parquet"
    """Of the file."""

    @model_validator(mode="after")
    def _written(self) -> Self:
        if self.layout == "tensor" and self.format in ("csv", "csv.gz"):
            raise ValueError(
                "'layout' must not be 'tensor' in CSV, which has no form for it; take 'wide', or"
                " Parquet or Arrow"
            )
        return self


class BacktestJob(Question, Held):
    """Daily VaR and ES against what happened, beside the baselines."""

    first: Day | None = None
    """First day; the first after training if not given."""
    last: Day | None = None
    """Last day."""
    levels: tuple[Level, ...] = Field(default=LEVELS, min_length=1, max_length=10)
    """Confidence levels."""
    horizon: Positive = 1
    """Days over which a loss is counted."""
    baselines: Baselines = OPPONENTS
    """Beside it."""
    n_paths: Paths = 10_000
    """Scenarios a day."""
    refit: Positive = 63
    """Rows until baselines are refitted."""
    window: Annotated[int, Field(ge=100)] = 1_500
    """Rows they are fitted on."""
    seed: Seed = 0
    """Of the paths."""
    in_sample: bool = False
    """Whether days that the model was trained on are allowed."""


class EvaluateJob(OfTrained):
    """Fidelity of the model beside baselines and the sampling floor."""

    first: Day | None = None
    """First day."""
    last: Day | None = None
    """Last day."""
    baselines: Baselines = ("fhs-gjr", "block-bootstrap", "historical")
    """Beside it."""
    n_paths: Paths = 512
    """Paths a day."""
    seed: Seed = 0
    """Of the paths."""
    in_sample: bool = False
    """Whether days that the model was trained on are allowed."""


class ScreenJob(ScreenQuery, OfTrained):
    """The walk-forward record of a screen."""

    first: Day | None = None
    """First decision; the first after training if not given."""
    last: Day | None = None
    """Last day."""
    in_sample: bool = False
    """Whether days that the model was trained on are allowed."""


class ReportJob(OfTrained, Held):
    """The self-contained HTML page of ``fingan report``."""

    first: Day | None = None
    """First day compared."""
    last: Day | None = None
    """Last day compared."""
    n_paths: Paths = 512
    """Paths per day of the evaluation."""
    seed: Seed = 0
    """Of the paths."""
    in_sample: bool = False
    """Whether days that the model was trained on are allowed."""


JobKind = Literal["scenarios", "backtest", "evaluate", "screen-validation", "report"]


class ModelQuery(Config):
    """``GET /v1/models/{ref}`` and its history."""

    model: Name
    """``name`` or ``name@version``."""
    rows: Annotated[int, Field(ge=1, le=10_000)] = 250
    """Last rows of the history."""


class NoQuery(Config):
    """A question without words: the list of models, of prices."""


class JobQuery(Config):
    """``POST /v1/jobs``: long work, by kind."""

    kind: JobKind
    """``scenarios``, ``backtest``, ``evaluate``, ``screen-validation``, ``report``."""
    request: dict[str, Any]
    """What is asked: the body of that kind."""
