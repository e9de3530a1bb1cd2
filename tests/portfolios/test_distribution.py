"""FinganDistribution, as the installed skfolio and scikit-learn use it."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skfolio import RiskMeasure
from skfolio.optimization import MeanRisk
from skfolio.pre_selection import SelectKExtremes
from skfolio.prior import EmpiricalPrior, SyntheticData
from sklearn.base import clone
from sklearn.pipeline import Pipeline

import fingan
from fingan import FinganDistribution
from fingan.errors import RequestError, UnknownAssetError


@pytest.fixture
def returns(garch_prices: pd.DataFrame) -> pd.DataFrame:
    """Simple returns as skfolio's users hold them."""
    return garch_prices.pct_change().iloc[1:]


def test_it_is_the_prior_of_a_mean_risk_optimisation(returns: pd.DataFrame) -> None:
    own = FinganDistribution("gaussian", horizon=5)
    prior = SyntheticData(distribution_estimator=own, n_samples=1_000)
    inside = MeanRisk(risk_measure=RiskMeasure.CVAR, prior_estimator=prior).fit(returns)

    rows = pd.DataFrame(own.fit(returns).sample(1_000), columns=returns.columns)
    outside = MeanRisk(risk_measure=RiskMeasure.CVAR, prior_estimator=EmpiricalPrior()).fit(rows)
    assert_array_equal(inside.weights_, outside.weights_)
    assert inside.prior_estimator_.return_distribution_.returns.shape == (1_000, 4)


def test_a_clone_has_its_parameters_and_draws_the_same_rows(returns: pd.DataFrame) -> None:
    one = FinganDistribution("gaussian", horizon=3, random_state=5).fit(returns)
    other = clone(one)
    assert not hasattr(other, "sampler_")
    assert other.get_params() == one.get_params()
    assert_array_equal(other.fit(returns).sample(64), one.sample(64))


def test_a_trained_model_survives_cloning(
    garch_prices: pd.DataFrame,
    returns: pd.DataFrame,
    tiny_model: "object",
) -> None:
    model = fingan.load_model(tiny_model.reference, tiny_model.store)  # type: ignore[attr-defined]
    copied = clone(FinganDistribution(model, drift="model", prices=garch_prices)).fit(returns)
    drawn = model.sample(garch_prices, 1, 32, seed=0).terminal()
    assert_array_equal(copied.sample(32), drawn.numpy())


def test_parameters_are_set_through_the_prior(returns: pd.DataFrame) -> None:
    prior = SyntheticData(distribution_estimator=FinganDistribution("gaussian"), n_samples=2_000)
    spread = {}
    for horizon in (1, 16):
        prior.set_params(distribution_estimator__horizon=horizon).fit(returns)
        spread[horizon] = prior.return_distribution_.returns.std(0)
    assert_allclose(spread[16] / spread[1], 4, rtol=0.1)


def test_it_works_after_a_preselection_in_a_pipeline(
    garch_prices: pd.DataFrame, returns: pd.DataFrame
) -> None:
    generator = fingan.baseline("gaussian", garch_prices)
    prior = SyntheticData(
        distribution_estimator=FinganDistribution(generator, prices=garch_prices), n_samples=500
    )
    steps = [("few", SelectKExtremes(k=2)), ("weights", MeanRisk(prior_estimator=prior))]
    pipeline = Pipeline(steps).set_output(transform="pandas").fit(returns)
    assert len(pipeline["weights"].weights_) == 2
    drawn = pipeline["weights"].prior_estimator_.distribution_estimator_
    kept = [list(generator.assets).index(name) for name in drawn.feature_names_in_]
    whole = clone(drawn).fit(returns).sample(500)
    assert_array_equal(drawn.sample(500), whole[:, kept])


def test_columns_come_back_in_the_order_of_x(
    garch_prices: pd.DataFrame, returns: pd.DataFrame
) -> None:
    own = FinganDistribution(fingan.baseline("gaussian", garch_prices))
    turned = clone(own).fit(returns[returns.columns[::-1]]).sample(50)
    assert_allclose(turned[:, ::-1], own.fit(returns).sample(50), rtol=1e-6)


def test_an_array_without_names_serves_as_well(returns: pd.DataFrame) -> None:
    assert FinganDistribution("gaussian").fit(returns.to_numpy()).sample(7).shape == (7, 4)


def test_rows_after_the_last_of_x_change_nothing(
    garch_prices: pd.DataFrame, returns: pd.DataFrame
) -> None:
    generator = fingan.baseline("fhs-ewma", garch_prices.iloc[:400])
    changed = garch_prices.copy()
    changed.iloc[501:] *= 3
    own = FinganDistribution(generator, prices=garch_prices)
    same = clone(own).set_params(prices=changed).fit(returns.iloc[:500])
    assert_array_equal(same.sample(32), own.fit(returns.iloc[:500]).sample(32))


def test_a_random_state_moves_on(returns: pd.DataFrame) -> None:
    own = FinganDistribution("gaussian", random_state=np.random.RandomState(1)).fit(returns)
    assert not np.array_equal(own.sample(10), own.sample(10))


def test_neutral_drift_takes_the_mean_away(returns: pd.DataFrame) -> None:
    drifting = returns + 0.01
    own = FinganDistribution("gaussian").fit(drifting)
    assert abs(own.sample(20_000).mean()) < 0.001
    assert own.set_params(drift="model").fit(drifting).sample(20_000).mean() > 0.008


def test_conditioning_bites_and_moves_what_is_correlated(returns: pd.DataFrame) -> None:
    own = FinganDistribution("gaussian").fit(returns)
    spread = own.sample(5_000).std(0)
    value = -1.5 * spread[0]
    drawn = own.sample(2_000, conditioning={"ABLE": value})
    assert_allclose(drawn[:, 0].mean(), value, atol=0.1 * spread[0])
    assert 0 < drawn[:, 0].std() < 0.2 * spread[0]
    # a normal law: the others' mean by regression
    covariance = np.cov(own.sample(50_000).T)
    expected = covariance[1:, 0] / covariance[0, 0] * drawn[:, 0].mean()
    assert_allclose(drawn[:, 1:].mean(0), expected, atol=0.1 * spread[1:].max())

    between = own.sample(500, conditioning={"BAKER": (0.0, float(spread[1]))})
    assert between[:, 1].min() >= 0
    assert between[:, 1].max() <= spread[1]


def test_a_condition_that_hardly_a_scenario_meets_is_refused(returns: pd.DataFrame) -> None:
    own = FinganDistribution("gaussian").fit(returns)
    with pytest.raises(RequestError, match="at least 200 effective scenarios of 100,000, got 0"):
        own.sample(100, conditioning={"ABLE": -0.9})
    with pytest.raises(UnknownAssetError, match="'EASY' of the conditioning"):
        own.sample(100, conditioning={"EASY": -0.1})


def test_what_cannot_be_returns_is_refused(returns: pd.DataFrame) -> None:
    broken = returns.copy()
    broken.iloc[3, 1] = np.nan
    with pytest.raises(RequestError, match="got nan for 'BAKER' in row 3"):
        FinganDistribution().fit(broken)


def test_an_asset_that_the_generator_lacks_is_named(
    garch_prices: pd.DataFrame, returns: pd.DataFrame
) -> None:
    few = garch_prices[["ABLE", "BAKER"]]
    few.attrs = dict(garch_prices.attrs)
    with pytest.raises(UnknownAssetError, match="'CHARLIE' of X is not in 'gaussian'"):
        FinganDistribution(fingan.baseline("gaussian", few)).fit(returns)


def test_a_function_is_fitted_on_the_rows_of_x(returns: pd.DataFrame) -> None:
    seen = []

    def fit(prices: pd.DataFrame) -> fingan.Sampler:
        seen.append(prices)
        return fingan.baseline("gaussian", prices)

    drawn = FinganDistribution(fit).fit(returns.iloc[:300]).sample(16)
    assert len(seen) == 1
    assert seen[0].index[-1] == returns.index[299]
    assert torch.from_numpy(drawn).isfinite().all()
