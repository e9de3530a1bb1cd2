"""Scenarios as the distribution that skfolio optimises on.

    model = fingan.load_model("equities@3")
    prior = SyntheticData(FinganDistribution(model, horizon=21, prices=prices), n_samples=10_000)
    MeanRisk(risk_measure=RiskMeasure.CVAR, prior_estimator=prior).fit(returns)

A row that it draws is one path's simple return over the whole horizon: rows are alternatives to
each other, not days that follow each other, so that measures of a path (CDaR, drawdown, ulcer
index) mean nothing on them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self, cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from torch import Tensor

from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.estimates import effective_size
from fingan.scenarios.baselines import baseline
from fingan.scenarios.drift_policy import DriftPolicy, with_drift
from fingan.scenarios.samplers import MAX_SEED, Sampler

POOL_SIZE = 100_000  # scenarios among which those that meet a condition are looked for
MIN_ESS = 200  # of them, below which a conditional distribution is refused
BANDWIDTH = 0.1  # of the kernel around a value, in standard deviations of the asset
START = 100.0  # price before the first return

Fit = Callable[[pd.DataFrame], Sampler]
Condition = float | tuple[float, float]
Returns = Float[Tensor, "n_paths n_assets"]


class FinganDistribution(BaseEstimator):  # type: ignore[misc]
    """A generator of scenarios behind scikit-learn's ``fit`` and ``sample``.

    Args:
        generator: A sampler, such as a trained model, which is taken as it is; or the name of a
            baseline, or a function from prices to a sampler, which is fitted on the rows of X.
        horizon: Steps that one row spans.
        drift: What is assumed of expected returns.
        rate: Simple return per step that the neutral drift gives every asset.
        prices: History that the generator continues, from the last date of X; what lies after it
            is not looked at. None for the prices that follow from X; needed where X has no dates,
            or not all assets of the generator.
        random_state: A whole number for the same rows each time; or as scikit-learn takes it.

    Attributes:
        sampler_: The generator after ``fit``.
        prices_: The history that its scenarios continue.
        feature_names_in_: Names of the columns.
        n_features_in_: Their number.
    """

    def __init__(
        self,
        generator: Sampler | Fit | str = "fhs-gjr",
        *,
        horizon: int = 1,
        drift: DriftPolicy = "neutral",
        rate: float = 0.0,
        prices: pd.DataFrame | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.generator = generator
        self.horizon = horizon
        self.drift = drift
        self.rate = rate
        self.prices = prices
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Fit the generator, or take it as it is, and stand at the last row.

        Args:
            X: Simple returns per step, rows in order of time, one column per asset.
            y: Not used.

        Raises:
            RequestError: If a return is missing or cannot be one.
            UnknownAssetError: If the generator and the columns have not the same assets.
        """
        returns = _table(X, self.generator)
        self.n_features_in_ = returns.shape[1]
        self.feature_names_in_ = np.array([str(name) for name in returns.columns], dtype=object)
        self.prices_ = _prices(returns) if self.prices is None else _until(self.prices, returns)
        sampler = self._sampler(self.prices_)
        unknown = [name for name in self.feature_names_in_ if name not in sampler.assets]
        if unknown:
            held = ", ".join(sampler.assets[:8]) + (" ..." if len(sampler.assets) > 8 else "")
            raise UnknownAssetError(
                f"asset '{unknown[0]}' of X is not in '{sampler.reference}'; it has {held}"
            )
        self.sampler_ = with_drift(sampler, self.drift, rate=self.rate)
        return self

    def sample(
        self, n_samples: int = 1000, conditioning: Mapping[str, Condition] | None = None
    ) -> Float[np.ndarray, "n_samples n_assets"]:
        """Simple returns over the horizon, one scenario a row, columns as those of X.

        Args:
            n_samples: Rows.
            conditioning: By asset its return over the horizon: a value, met to within a tenth of
                its standard deviation, or a lower and an upper end. Rows are then taken from a
                pool in proportion to how well they meet it, and may repeat.

        Raises:
            RequestError: If fewer than 200 effective scenarios of the pool meet the condition.
        """
        if not conditioning:
            return self._terminal(n_samples).numpy()
        pool = self._terminal(max(POOL_SIZE, n_samples))
        names = list(self.feature_names_in_)
        weights = _weights(pool, names, conditioning)
        ess = effective_size(weights) if weights.sum() > 0 else 0.0
        if ess < MIN_ESS:
            raise RequestError(
                f"conditioning must be met by at least {MIN_ESS} effective scenarios of"
                f" {len(pool):,}, got {ess:.0f}; widen it, or take fingan stress, which searches"
            )
        places = (torch.arange(n_samples, dtype=torch.float64) + 0.5) / n_samples
        rows = torch.searchsorted(weights.cumsum(0) / weights.sum(), places)
        return pool[rows.clamp(max=len(pool) - 1)].numpy()

    def _sampler(self, prices: pd.DataFrame) -> Sampler:
        match self.generator:
            case str(name):
                return baseline(name, prices)
            case generator if hasattr(generator, "sample"):
                return cast(Sampler, generator)
            case generator if callable(generator):
                return generator(prices)
        raise RequestError(
            "generator must be a sampler, the name of a baseline or a function from prices to a"
            f" sampler, got {self.generator!r}"
        )

    def _terminal(self, n_samples: int) -> Returns:
        seed = self.random_state
        if not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
            seed = int(check_random_state(seed).randint(2**31 - 1))
        drawn = self.sampler_.sample(self.prices_, self.horizon, n_samples, seed=seed)
        columns = [drawn.assets.index(name) for name in self.feature_names_in_]
        return drawn.terminal()[:, columns]


def _table(returns: Any, generator: Any) -> pd.DataFrame:
    """Returns with names and dates."""
    if not isinstance(returns, pd.DataFrame):
        values = np.asarray(returns, dtype=float)
        named = list(getattr(generator, "assets", range(values.shape[1])))
        if len(named) != values.shape[1]:
            raise UnknownAssetError(
                f"X must have a column for each of {len(named)} assets of the generator, got"
                f" {values.shape[1]}; give a table with their names"
            )
        returns = pd.DataFrame(values, columns=[str(name) for name in named])
    if not isinstance(returns.index, pd.DatetimeIndex):
        dates = pd.bdate_range("2000-01-03", periods=len(returns), name="date")
        returns = returns.set_axis(dates)
    wrong = ~(returns > -1) | np.isinf(returns)
    if wrong.any(axis=None):
        row, column = np.argwhere(wrong.to_numpy())[0]
        raise RequestError(
            f"X must hold simple returns above -1, got {returns.iat[row, column]} for"
            f" '{returns.columns[column]}' in row {row}"
        )
    return returns


def _prices(returns: pd.DataFrame) -> pd.DataFrame:
    """Prices whose returns these are, one row more."""
    step = pd.Series(returns.index).diff().median() if len(returns) > 1 else pd.Timedelta(days=1)
    values = START * (1 + returns).cumprod()
    first = pd.DataFrame(START, index=[returns.index[0] - step], columns=returns.columns)
    table = pd.concat([first, values]).rename(columns=str)
    table.attrs = {"kind": "price", "source": "X"}
    return table


def _until(prices: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    """The given prices up to the last row of X."""
    table = prices.loc[: returns.index[-1]]
    if table.empty:
        raise RequestError(
            f"prices must begin before the last row of X, {returns.index[-1]:%Y-%m-%d}, got"
            f" {prices.index[0]:%Y-%m-%d}"
        )
    table.attrs = dict(prices.attrs)
    return table


def _weights(
    pool: Returns, names: list[str], conditioning: Mapping[str, Condition]
) -> Float[Tensor, " n_paths"]:
    """How well each scenario meets the condition."""
    weights = torch.ones(len(pool), dtype=torch.float64)
    for name, asked in conditioning.items():
        if name not in names:
            raise UnknownAssetError(
                f"asset '{name}' of the conditioning is not in X; it has {', '.join(names[:8])}"
            )
        values = pool[:, names.index(name)]
        if isinstance(asked, tuple | list):
            low, high = asked
            weights *= ((values >= low) & (values <= high)).double()
        else:
            weights *= (-0.5 * ((values - asked) / (BANDWIDTH * values.std())) ** 2).exp()
    return weights
