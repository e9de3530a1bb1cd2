import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from arch import arch_model
from arch.univariate import SkewStudent, StudentsT
from scipy import stats

from fingan.data.returns import log_returns
from fingan.errors import PriceDataError
from fingan.models.quantile_tables import QuantileTable
from fingan.scenarios.baselines import baseline
from fingan.scenarios.filtered import standardised
from fingan.scenarios.garch import GarchMargin, fit_margin
from fingan.scenarios.samplers import ScenarioRequest
from fingan.volatility.correlation import normal_scores
from fingan.volatility.filter import MAX_PERSISTENCE

KINDS = ("garch-t", "gjr-skew-t")
MARGIN = GarchMargin(0.0, 0.05, 0.05, 0.0, 0.9, 1.0, 5.0, 0.0)


@pytest.fixture(scope="module")
def laws(garch_prices):
    return {kind: baseline(kind, garch_prices).law for kind in KINDS}


def oracle(series, kind):
    order, law = (1, "skewt") if kind == "gjr-skew-t" else (0, "t")
    return arch_model(series, mean="Constant", p=1, o=order, q=1, dist=law, rescale=False)


@pytest.mark.parametrize("kind", KINDS)
def test_margins_are_those_that_arch_fits(garch_prices, kind):
    values = log_returns(garch_prices).values
    series = (values[:, 2] - values[:, 2].mean()) / values[:, 2].std()
    margin = fit_margin(series, "CHARLIE", kind)
    found = oracle(series.numpy(), kind).fit(disp="off").params
    assert margin.mean == found["mu"]
    assert margin.omega == found["omega"]
    assert margin.alpha == found["alpha[1]"]
    assert margin.beta == found["beta[1]"]
    assert margin.gamma == found.get("gamma[1]", 0.0)
    assert margin.degrees_of_freedom == found["nu" if kind == "garch-t" else "eta"]
    assert margin.skew == found.get("lambda", 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_todays_variance_is_the_one_that_arch_filters(garch_prices, laws, kind):
    law = laws[kind]
    values = log_returns(garch_prices).values
    ours = law.volatility.variances(law.scaler.transform(values))[-1].sqrt() * law.scaler.std
    for asset in range(4):
        scale = float(values[:, asset].std())
        fitted = oracle(values[:, asset].numpy() / scale, kind).fit(disp="off")
        theirs = scale * math.sqrt(fitted.forecast(horizon=1).variance.iloc[0, 0])
        assert float(ours[asset]) == pytest.approx(theirs, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_variance_goes_on_as_in_archs_own_simulation(garch_prices, laws, kind):
    law, horizon, n_paths = laws[kind], 10, 20 * 512
    table = log_returns(garch_prices)
    draw = law.continuations(table)(len(table.dates) - 1, ScenarioRequest(horizon, n_paths, 5))
    squares = law.scaler.transform(draw(0, 20).double()).square()[..., 0].numpy()
    centred = law.scaler.transform(table.values)[:, 0].numpy()
    model = oracle(centred, kind)
    model.distribution = type(model.distribution)(seed=3)
    fitted = model.fit(disp="off")
    simulated = fitted.forecast(horizon=horizon, method="simulation", simulations=4000)
    theirs = simulated.simulations.residual_variances[-1]
    error = np.hypot(squares.std(0) / math.sqrt(n_paths), theirs.std(0) / math.sqrt(len(theirs)))
    assert (np.abs(squares.mean(0) - theirs.mean(0)) < 4 * error).all()


@pytest.mark.parametrize("kind", KINDS)
def test_innovations_have_the_fitted_law(garch_prices, laws, kind):
    values = log_returns(garch_prices).values
    shocks = laws[kind].innovations.draw(ScenarioRequest(1, 1, 7), 0, 60)[0].double().numpy()
    for asset, series in enumerate(shocks.T):
        scaled = (values[:, asset] - values[:, asset].mean()) / values[:, asset].std()
        margin = fit_margin(scaled, "asset", kind)
        if kind == "garch-t":
            law, shape = StudentsT(), [margin.degrees_of_freedom]
        else:
            law, shape = SkewStudent(), [margin.degrees_of_freedom, margin.skew]
        levels = np.asarray(law.cdf(series, np.array(shape)))
        assert stats.kstest(levels, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_innovations_are_joined_as_the_residuals_are(garch_prices, laws, kind):
    law = laws[kind]
    shocks = law.innovations.draw(ScenarioRequest(1, 1, 8), 0, 60)[0]
    residuals = standardised(law.scaler.transform(log_returns(garch_prices).values), law.volatility)
    drawn, happened = (
        torch.corrcoef(normal_scores(values.double()).T) for values in (shocks, residuals)
    )
    assert (drawn - happened).abs().max() < 0.05


@pytest.mark.parametrize("degrees_of_freedom", [2.1, 3.0, 8.0, 300.0])
@pytest.mark.parametrize("skew", [-0.6, 0.0, 0.3])
def test_the_table_meets_archs_quantiles_far_into_the_tails(degrees_of_freedom, skew):
    margin = replace(MARGIN, degrees_of_freedom=degrees_of_freedom, skew=skew)
    normal = np.linspace(-6.5, 6.5, 4001)
    exact = margin.of_normal(normal)
    table = QuantileTable.of([margin.of_normal])
    read = table(torch.from_numpy(normal).float().unsqueeze(1)).squeeze(1).numpy()
    np.testing.assert_allclose(read, exact, rtol=1e-4, atol=1e-5)
    law = StudentsT() if skew == 0 else SkewStudent()
    shape = np.array([degrees_of_freedom] + ([skew] if skew else []))
    near = np.abs(normal) < 4.5  # where a probability near 1 has digits left
    theirs = law.ppf(stats.norm.cdf(normal[near]), shape)
    np.testing.assert_allclose(exact[near], theirs, rtol=1e-7, atol=1e-9)
    below = normal < 0
    np.testing.assert_allclose(exact[below], law.ppf(stats.norm.cdf(normal[below]), shape))


@pytest.mark.parametrize("kind", KINDS)
def test_persistence_stays_below_one_even_where_variance_never_returns(kind):
    random = np.random.default_rng(3)
    wild = np.exp(0.1 * random.standard_normal(1000).cumsum()) * random.standard_normal(1000)
    margin = fit_margin(torch.from_numpy(wild / wild.std()), "WILD", kind)
    persistence = margin.alpha + margin.gamma / 2 + margin.beta
    assert 0.9 < persistence < MAX_PERSISTENCE + 1e-9
    assert margin.omega > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_gappy_asset_is_fitted_on_its_observed_days(garch_prices, kind):
    series = log_returns(garch_prices).values[:, 1] * 100
    gappy = series.clone()
    gappy[:120] = torch.nan
    gappy[400:410] = torch.nan
    observed = torch.cat([series[120:400], series[410:]])
    assert fit_margin(gappy, "BAKER", kind) == fit_margin(observed, "BAKER", kind)
    prices = garch_prices.copy()
    prices.iloc[:120, 1] = float("nan")
    whole, part = (baseline(kind, table).law for table in (garch_prices, prices))
    others = [0, 2, 3]
    torch.testing.assert_close(part.volatility.beta[others], whole.volatility.beta[others])
    assert part.volatility.beta[1] != whole.volatility.beta[1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_asset_with_too_few_returns_is_refused_by_name(garch_prices, kind):
    prices = garch_prices.copy()
    prices.iloc[:-61, 3] = float("nan")
    with pytest.raises(PriceDataError, match=r"'DOG' must have at least 100 returns .* got 60"):
        baseline(kind, prices)
