"""What a portfolio may lose over a horizon: the model's answer beside the baselines'.

Returns are simple and over the whole horizon, the portfolio bought and held; losses, VaR and ES
are positive for money lost, as fractions of the initial value. Drawdowns are taken along each
path. Each figure carries its Monte Carlo error and, of an ensemble, what another training would
move it by.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from fingan.config import Config
from fingan.data.returns import end_of
from fingan.errors import RequestError, UnknownAssetError
from fingan.portfolios.figures import Figure, PortfolioPaths
from fingan.portfolios.positions import Attribution, attribution
from fingan.risk.estimates import Estimate
from fingan.risk.portfolio import Portfolio, equal_weights
from fingan.scenarios.baselines import BaselineName, baseline
from fingan.scenarios.drift_policy import DriftPolicy, with_drift
from fingan.scenarios.samplers import MAX_SEED, Sampler
from fingan.scenarios.scenario_set import ScenarioSet

Level = Annotated[float, Field(gt=0, lt=1)]
Fraction = Annotated[float, Field(gt=0)]
ONE_LAW = "no model_se: a single fitted law, not an ensemble of trainings"


class RiskRequest(Config):
    """Which figures of which paths."""

    horizon: Annotated[int, Field(ge=1)] = 10
    """Steps over which a loss is counted."""
    levels: Annotated[tuple[Level, ...], Field(min_length=1)] = (0.95, 0.975, 0.99)
    """Confidence levels of VaR and ES."""
    loss_over: tuple[Fraction, ...] = (0.05, 0.10)
    """Losses, and drawdowns, whose probability is asked for."""
    attributed_at: Level = 0.975
    """Level of the ES that is divided among the positions."""
    n_paths: Annotated[int, Field(ge=100)] = 10_000
    """Scenarios."""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    """Same seed, same figures."""
    as_of: str | None = None
    """Last date of the history that the scenarios continue; the last row if not given."""
    drift: DriftPolicy = "model"
    """What is assumed of expected returns, of the model and of the baselines alike."""
    baselines: tuple[BaselineName, ...] = ("fhs-gjr", "historical")
    """Classical generators that answer the same question, fitted on the rows up to ``as_of``."""


@dataclass(frozen=True)
class PortfolioRisk:
    """What one sampler says."""

    sampler: str
    fitted_until: str
    figures: tuple[Figure, ...]
    attribution: Attribution
    notes: tuple[str, ...]

    def figure(
        self, measure: str, *, level: float | None = None, over: float | None = None
    ) -> Estimate:
        """The estimate of a measure.

        Raises:
            KeyError: If it was not asked for.
        """
        for one in self.figures:
            if (one.measure, one.level, one.over) == (measure, level, over):
                return one.estimate
        raise KeyError(measure)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sampler": self.sampler,
            "fitted_until": self.fitted_until,
            "measures": [figure.record() for figure in self.figures],
            "contributions": self.attribution.record(),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class RiskStatement:
    """The model's answer and those of the baselines, to the same question."""

    request: RiskRequest
    as_of: str
    portfolio: Portfolio
    model_digest: str | None
    model: PortfolioRisk
    baselines: tuple[PortfolioRisk, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        held = zip(self.portfolio.assets, self.portfolio.weights.tolist(), strict=True)
        return {
            "model": self.model.sampler,
            "model_digest": self.model_digest,
            "request": self.request.model_dump(mode="json"),
            "as_of": self.as_of,
            "portfolio": {asset: weight for asset, weight in held if weight != 0},
            "results": [one.record() for one in (self.model, *self.baselines)],
        }


def risk_statement(
    sampler: Sampler,
    prices: pd.DataFrame,
    portfolio: Portfolio | None = None,
    request: RiskRequest | None = None,
    baselines: Sequence[Sampler] | None = None,
    *,
    n_threads: int = 1,
) -> RiskStatement:
    """Draw scenarios of the market and measure what the portfolio loses on them.

    Args:
        sampler: The model.
        prices: History from ``read_prices``; rows after ``as_of`` change nothing.
        portfolio: Equal weights of the model's assets if not given.
        request: Default ``RiskRequest()``.
        baselines: Fitted already; if not given, those that the request names are fitted on the
            rows up to ``as_of``, some seconds of work.
        n_threads: Blocks of paths drawn at once; changes no figure.

    Raises:
        UnknownAssetError: If the prices or the model lack an asset.
        RequestError: If horizon, paths or date are out of range, or the model is one of levels.
    """
    request = request or RiskRequest()
    portfolio = portfolio or equal_weights(sampler.assets)
    if sampler.kind == "level":
        raise RequestError("a portfolio needs prices or returns, but the model is one of levels")
    _check_held(portfolio, sampler)
    drawn = _scenarios(sampler, prices, request, n_threads)
    if baselines is None:
        known = _known(prices, sampler.assets, drawn.metadata["as_of"])
        baselines = [baseline(name, known) for name in request.baselines]
    others = (
        portfolio_risk(_scenarios(one, prices, request, n_threads), portfolio, request)
        for one in baselines
    )
    return RiskStatement(
        request=request,
        as_of=drawn.metadata["as_of"],
        portfolio=portfolio,
        model_digest=drawn.metadata["model_digest"],
        model=portfolio_risk(drawn, portfolio, request),
        baselines=tuple(others),
    )


def portfolio_risk(
    scenarios: ScenarioSet, portfolio: Portfolio, request: RiskRequest
) -> PortfolioRisk:
    """The figures of a portfolio on a set of scenarios, weighted or not."""
    weights = portfolio.weights_of(scenarios.assets)
    paths, held = PortfolioPaths.of(scenarios, weights), weights != 0
    return PortfolioRisk(
        sampler=str(scenarios.metadata["model"]),
        fitted_until=str(scenarios.metadata["fitted_until"])[:10],
        figures=tuple(paths.figures(request.levels, request.loss_over)),
        attribution=attribution(
            [asset for asset, is_held in zip(scenarios.assets, held, strict=True) if is_held],
            scenarios.terminal()[:, held],
            weights[held],
            request.attributed_at,
            paths.weights,
            paths.members,
        ),
        notes=tuple(_notes(scenarios.metadata, portfolio)),
    )


def _check_held(portfolio: Portfolio, sampler: Sampler) -> None:
    for asset in portfolio.held:
        if asset not in sampler.assets:
            held = ", ".join(sampler.assets[:8]) + (" ..." if len(sampler.assets) > 8 else "")
            raise UnknownAssetError(
                f"asset '{asset}' of the portfolio is not in model '{sampler.reference}'; it has"
                f" {held}"
            )


def _scenarios(
    sampler: Sampler, prices: pd.DataFrame, request: RiskRequest, n_threads: int
) -> ScenarioSet:
    if request.drift != "model":
        sampler = with_drift(sampler, request.drift)
    return sampler.sample(
        prices,
        request.horizon,
        request.n_paths,
        seed=request.seed,
        as_of=request.as_of,
        n_threads=n_threads,
    )


def _known(prices: pd.DataFrame, assets: Sequence[str], as_of: str) -> pd.DataFrame:
    """What a baseline may be fitted on."""
    rows = prices.loc[: end_of(as_of), list(assets)]
    rows.attrs = dict(prices.attrs)
    return rows


def _notes(metadata: Mapping[str, Any], portfolio: Portfolio) -> Iterator[str]:
    if metadata.get("n_generators", 1) < 2:
        yield ONE_LAW
    if end_of(metadata["as_of"]) < pd.Timestamp(metadata["fitted_until"]):
        yield "fitted on rows after as_of: no forecast, and better than it could have been"
    stale = [name for name in metadata["not_observed_on_as_of"] if name in portfolio.held]
    if stale:
        yield f"without a price on as_of, continued from an earlier one: {', '.join(stale)}"
