"""Weights chosen from scenarios against simpler ones, walked forward through the market.

Weights are decided from the rows up to a day, traded ``lag`` rows later at its price, and held
without trading until the next ones; each trade pays its cost. Weights drift with prices, so that
turnover is what has really to be traded.

Source: DeMiguel, Garlappi & Uppal (2009), Optimal versus naive diversification, for the design and
for 1/N as the reference; Lopez de Prado (2016), Building diversified portfolios that outperform
out of sample, for hierarchical risk parity.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import pandas as pd
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from fingan.config import Config
from fingan.data.returns import end_of
from fingan.errors import PriceDataError, RequestError
from fingan.portfolios.objectives import BASIS_POINT, OptimizeRequest
from fingan.portfolios.optimisation import solve
from fingan.portfolios.performance import Performance, Track, performances
from fingan.scenarios.baselines import baseline
from fingan.scenarios.drift_policy import with_drift
from fingan.scenarios.samplers import Sampler

Strategy = Literal["model", "fhs-gjr", "empirical", "vine", "min-variance", "hrp", "1/N"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
REFERENCE: Strategy = "1/N"
FEWEST_HISTORY = 250  # rows before the first decision
VINE_ROWS = 2_000  # scenarios of the vine prior

Fit = Callable[[pd.DataFrame], Sampler]
AssetWeights = Float[Tensor, " n_assets"]
Rows = Float[Tensor, "n_rows n_assets"]


class WalkForwardRequest(Config):
    """When weights are chosen, and against what."""

    first: str | None = None
    """First day on which weights are decided; the first after the model's training if not given."""
    last: str | None = None
    """Last day of the returns; the last row if not given."""
    every: Annotated[int, Field(ge=1)] = 21
    """Rows between two decisions."""
    lag: Annotated[int, Field(ge=0)] = 1
    """Rows between a decision and its trade."""
    refit: Annotated[int, Field(ge=1)] = 252
    """Rows until generators are fitted again."""
    window: Annotated[int, Field(ge=100)] = 1_000
    """Rows that empirical, vine, min-variance and hrp look back on."""
    n_paths: Annotated[int, Field(ge=200)] = 2_000
    """Scenarios of a decision."""
    strategies: tuple[Strategy, ...] = STRATEGIES
    """Rivals; 1/N, the reference, always runs."""
    n_samples: Annotated[int, Field(ge=100)] = 2_000
    """Of the bootstrap behind the intervals."""
    periods_per_year: Annotated[int, Field(ge=1)] = 252
    """Rows of a year."""


@dataclass(frozen=True)
class Comparison:
    """How the strategies did on the same days, net of costs."""

    model: str
    optimize: OptimizeRequest
    request: WalkForwardRequest
    first: str
    last: str
    n_days: int
    n_decisions: int
    performances: tuple[Performance, ...]
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "model": self.model,
            "reference": REFERENCE,
            "optimize": self.optimize.model_dump(mode="json"),
            "request": self.request.model_dump(mode="json"),
            "span": {"first": self.first, "last": self.last, "n_days": self.n_days},
            "n_decisions": self.n_decisions,
            "strategies": [one.record() for one in self.performances],
            "notes": list(self.notes),
        }


def walk_forward(
    sampler: Sampler,
    prices: pd.DataFrame,
    optimize: OptimizeRequest,
    request: WalkForwardRequest,
    fit: Fit | None = None,
    *,
    in_sample: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Comparison:
    """Choose weights day after day with each strategy, and compare what they earned.

    Args:
        sampler: The model, trained before the first decision.
        prices: Table from ``read_prices``; every asset of the model priced on every row used.
        optimize: Objective and limits of the strategies that optimise; its horizon, paths and
            date are replaced by those of ``request``.
        request: When, and against what.
        fit: The model fitted anew on the rows given; None to take it as it is.
        in_sample: Allow decisions on days that the model was trained on.
        progress: Is told how many decisions are done, of how many.

    Raises:
        RequestError: If the span is empty, or within the training period.
        PriceDataError: If a price of the span is missing.
    """
    walk = _Walk.over(sampler, prices, optimize, request, fit)
    is_seen = walk.decisions[0] <= prices.index.searchsorted(sampler.fitted_until) - 1
    if is_seen and not in_sample:
        raise RequestError(
            f"first must lie after the model's training, which ended"
            f" {sampler.fitted_until:%Y-%m-%d}, got {prices.index[walk.decisions[0]]:%Y-%m-%d};"
            " take a later day, or allow in-sample"
        )
    tracks = walk.tracks(progress)
    days = prices.index[walk.decisions[0] + request.lag + 1 : walk.end]
    return Comparison(
        model=sampler.reference,
        optimize=walk.optimize,
        request=request,
        first=f"{days[0]:%Y-%m-%d}",
        last=f"{days[-1]:%Y-%m-%d}",
        n_days=len(days),
        n_decisions=len(walk.decisions),
        performances=performances(
            tracks,
            REFERENCE,
            optimize.level,
            periods_per_year=request.periods_per_year,
            n_samples=request.n_samples,
            seed=optimize.seed,
        ),
        notes=("in-sample: the model was trained on days of the span",) if is_seen else (),
    )


@dataclass
class _Walk:
    """The course of one comparison."""

    sampler: Sampler
    prices: pd.DataFrame
    returns: Rows
    """Simple returns; row t is the move into row t of the prices, the first one NaN."""
    optimize: OptimizeRequest
    request: WalkForwardRequest
    fit: Fit | None
    decisions: range
    end: int
    """One past the last row."""
    vine: Rows | None = None
    """Days drawn from the vine that was fitted last."""

    @classmethod
    def over(
        cls,
        sampler: Sampler,
        prices: pd.DataFrame,
        optimize: OptimizeRequest,
        request: WalkForwardRequest,
        fit: Fit | None,
    ) -> "_Walk":
        """Check the span and lay out the decisions."""
        if sampler.kind != "price":
            raise RequestError(f"walk-forward needs prices, got a model of kind '{sampler.kind}'")
        first, end = _span(prices, request, sampler.fitted_until)
        optimize = optimize.model_copy(
            update={"horizon": request.every, "n_paths": request.n_paths, "as_of": None}
        )
        table = prices[list(sampler.assets)]
        missing = table.iloc[max(first - request.window, 0) : end].isna()
        if missing.any(axis=None):
            asset = missing.columns[missing.any()][0]
            raise PriceDataError(
                f"'{asset}' must have a price on every row of the comparison, but has none on"
                f" {missing.index[missing[asset]][0]:%Y-%m-%d}; begin later, or leave it out"
            )
        returns = torch.from_numpy(table.pct_change(fill_method=None).to_numpy(copy=True))
        decisions = range(first, end - request.lag - 1, request.every)
        return cls(sampler, prices, returns, optimize, request, fit, decisions, end)

    def tracks(self, progress: Callable[[int, int], None]) -> dict[str, Track]:
        """What each strategy earned."""
        names = [*(n for n in self.request.strategies if n != REFERENCE), REFERENCE]
        books = {name: _Book(len(self.sampler.assets)) for name in names}
        generators: dict[str, Sampler] = {}
        due = self.decisions[0]
        for number, row in enumerate(self.decisions):
            if row >= due:
                generators, due = self._fitted(row, names), row + self.request.refit
            start = row + self.request.lag + 1
            stop = min(start + self.request.every, self.end)
            for name, book in books.items():
                wanted = self._weights(name, row, generators, book.weights)
                book.trade(wanted, self.optimize.costs_bps * BASIS_POINT)
                book.hold(self.returns[start:stop])
            progress(number + 1, len(self.decisions))
        return {name: book.track() for name, book in books.items()}

    def _fitted(self, row: int, names: list[Strategy]) -> dict[str, Sampler]:
        """The generators, from the rows up to a day."""
        past = self._past(row)
        found: dict[str, Sampler] = {}
        if "model" in names:
            found["model"] = self.sampler if self.fit is None else self.fit(past)
        if "vine" in names:
            self.vine = _vine_rows(self._window(row), self.optimize.seed)
        if "fhs-gjr" in names:
            found["fhs-gjr"] = baseline("fhs-gjr", past[list(self.sampler.assets)])
        return found

    def _window(self, row: int) -> Rows:
        return self.returns[max(row + 1 - self.request.window, 1) : row + 1]

    def _past(self, row: int) -> pd.DataFrame:
        past = self.prices.iloc[: row + 1]
        past.attrs = dict(self.prices.attrs)
        return past

    def _weights(
        self, name: Strategy, row: int, generators: dict[str, Sampler], held: AssetWeights
    ) -> AssetWeights:
        """What a strategy wants to hold, from the rows up to a day."""
        window = self._window(row)
        previous = dict(zip(self.sampler.assets, held.tolist(), strict=True))
        a_day = 1 / self.request.every  # of a trade's cost, where rows are days
        match name:
            case "1/N":
                return torch.full_like(held, 1 / len(held))
            case "model" | "fhs-gjr":
                drawn = with_drift(generators[name], self.optimize.drift, rate=self.optimize.rate)
                scenarios = drawn.sample(
                    self._past(row),
                    self.optimize.horizon,
                    self.optimize.n_paths,
                    seed=self.optimize.seed,  # the same noise each time: less to trade
                )
                columns = [scenarios.assets.index(asset) for asset in self.sampler.assets]
                return solve(scenarios.terminal()[:, columns], self.optimize, previous)
            case "empirical":
                return solve(window, self.optimize, previous, cost_share=a_day)
            case "vine":
                assert self.vine is not None, "fitted with the generators"
                return solve(self.vine, self.optimize, previous, cost_share=a_day)
            case "min-variance":
                least = self.optimize.model_copy(update={"objective": "min-variance"})
                return solve(window, least, previous, cost_share=a_day, prior=_shrunk_prior())
            case "hrp":
                return _hierarchical(window, self.optimize)


class _Book:
    """The account of one strategy."""

    def __init__(self, n_assets: int) -> None:
        self.weights = torch.zeros(n_assets, dtype=torch.float64)
        self.turnover, self.cost = 0.0, 0.0
        self._owed = 0.0
        self._returns: list[Tensor] = []

    def trade(self, wanted: AssetWeights, cost: float) -> None:
        """Change to other weights; the first purchase is paid for too."""
        traded = float((wanted - self.weights).abs().sum())
        self.turnover += traded
        self._owed = traded * cost
        self.cost += self._owed
        self.weights = wanted

    def hold(self, returns: Rows) -> None:
        """Let the weights drift with the market; the cost is paid before the first day."""
        wealth = (1 + returns).cumprod(0) @ self.weights + (1 - self.weights.sum())
        before = torch.cat([wealth.new_ones(1), wealth[:-1]])
        moves = wealth / before - 1
        moves[0] = (1 - self._owed) * (1 + moves[0]) - 1
        self._returns.append(moves)
        self.weights = self.weights * (1 + returns).prod(0) / wealth[-1]

    def track(self) -> Track:
        """What it earned day by day."""
        return Track(torch.cat(self._returns), self.turnover, self.cost)


def _span(
    prices: pd.DataFrame, request: WalkForwardRequest, trained: pd.Timestamp
) -> tuple[int, int]:
    """Row of the first decision, and one past the last row."""
    index = pd.DatetimeIndex(prices.index).as_unit("ns")
    end = len(index)
    if request.last is not None:
        end = int(index.searchsorted(end_of(request.last), side="right"))
    if request.first is None:
        first = int(index.searchsorted(trained))
    else:
        first = int(index.searchsorted(pd.Timestamp(request.first)))
    if first < FEWEST_HISTORY or first + request.lag + request.every >= end:
        raise RequestError(
            f"first must lie after {FEWEST_HISTORY} rows and at least"
            f" {request.lag + request.every + 1} before the last, got row {first:,} of {end:,};"
            " take other days, or a model trained until earlier"
        )
    return first, end


def _vine_rows(window: Rows, seed: int) -> Rows:
    """Days drawn from skfolio's vine copula, as its ``SyntheticData`` prior draws them."""
    from skfolio.distribution import VineCopula

    vine = VineCopula(log_transform=True, max_depth=2, random_state=seed % (1 << 32))
    return torch.from_numpy(vine.fit(window.numpy()).sample(VINE_ROWS)).double()


def _shrunk_prior() -> Any:
    from skfolio.moments import LedoitWolf
    from skfolio.prior import EmpiricalPrior

    return EmpiricalPrior(covariance_estimator=LedoitWolf())


def _hierarchical(window: Rows, optimize: OptimizeRequest) -> AssetWeights:
    from skfolio.optimization import HierarchicalRiskParity

    estimator = HierarchicalRiskParity(max_weights=optimize.max_weight)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="skfolio")
        return torch.from_numpy(estimator.fit(window.numpy()).weights_.copy()).double()
