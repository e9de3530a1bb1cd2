import math

import pytest
import torch

from fingan.risk import influences
from fingan.risk.estimates import estimated

MEASURES = {
    "mean": influences.mean,
    "volatility": influences.volatility,
    "semi_deviation": influences.semi_deviation,
    "skewness": influences.skewness,
    "excess_kurtosis": influences.excess_kurtosis,
    "value_at_risk": influences.at_level(influences.value_at_risk, 0.95),
    "expected_shortfall": influences.at_level(influences.expected_shortfall, 0.95),
    "quantile": influences.at_level(influences.quantile, 0.5),
    "probability": lambda values, weights: influences.probability(values > 1, weights),
    "lower_partial_moment": lambda values, weights: influences.lower_partial_moment(
        values, 0.0, 2, weights
    ),
}
N_PATHS, REPLICATIONS = 2_011, 200  # no whole number of paths in the tail


def draws(seed):
    """A skewed law with moments of every order: gamma of shape 4."""
    random = torch.Generator().manual_seed(seed)
    uniform = torch.rand(4, N_PATHS, dtype=torch.float64, generator=random)
    return -uniform.log().sum(0) / 2 - 1


@pytest.mark.parametrize("is_weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("name", MEASURES)
def test_the_error_is_the_scatter_over_seeds(name, is_weighted):
    found = []
    for seed in range(REPLICATIONS):
        values = draws(seed)
        weights = 1 / (1 + values.square()) if is_weighted else None
        weights = None if weights is None else weights / weights.sum()
        found.append(estimated(MEASURES[name], values, weights))
    scatter = torch.tensor([one.estimate for one in found])
    promised = torch.tensor([one.mc_se for one in found]).square().mean().sqrt()
    assert float(promised / scatter.std()) == pytest.approx(1, abs=0.2)
    centre = float(scatter.mean())
    covered = sum(one.lower <= centre <= one.upper for one in found) / REPLICATIONS
    assert (0.8 if name == "excess_kurtosis" else 0.88) <= covered <= 0.99


@pytest.mark.parametrize("name", MEASURES)
def test_an_influence_function_is_the_derivative_in_the_weight_of_a_path(name):
    """But of quantiles, whose derivative is that of a smoothed law."""
    if name in ("value_at_risk", "quantile"):
        pytest.skip("a step function of the weights")
    values, size = draws(1), 1e-6
    equal = torch.full((N_PATHS,), 1 / N_PATHS, dtype=torch.float64)
    before = MEASURES[name](values, equal)
    assert float(before.influence.mean()) == pytest.approx(0, abs=1e-9)
    for path in (0, 17, int(values.argmax())):
        moved = (1 - size) * equal
        moved[path] += size
        slope = (MEASURES[name](values, moved).value - before.value) / size
        assert float(slope) == pytest.approx(float(before.influence[path]), rel=1e-3, abs=1e-3)


def test_moments_of_normal_returns_err_as_the_closed_forms_say():
    values = torch.randn(100_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    root = math.sqrt(len(values))
    expected = {
        "mean": 1,
        "volatility": math.sqrt(1 / 2),
        "skewness": math.sqrt(6),
        "excess_kurtosis": math.sqrt(24),
    }
    for name, factor in expected.items():
        found = estimated(MEASURES[name], values)
        assert found.mc_se * root == pytest.approx(factor, rel=0.03)
    assert estimated(influences.semi_deviation, values).estimate == pytest.approx(
        math.sqrt(1 / 2), abs=0.01
    )


@pytest.mark.parametrize("level", [0.95, 0.975, 0.99])
def test_normal_var_and_es_err_as_the_closed_forms_say(level):
    """With a the level and f the density at VaR:

    SE(VaR)^2 = a (1 - a) / (n f^2); SE(ES)^2 = (Var(L | tail) + a (ES - VaR)^2) / (n (1 - a)).
    """
    n_paths = 100_000
    values = torch.randn(n_paths, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    quantile = float(torch.special.ndtri(torch.tensor(level, dtype=torch.float64)))
    density = math.exp(-(quantile**2) / 2) / math.sqrt(2 * math.pi)
    shortfall = density / (1 - level)
    in_tail = 1 + quantile * shortfall - shortfall**2
    of_var = math.sqrt(level * (1 - level) / n_paths) / density
    of_es = math.sqrt((in_tail + level * (shortfall - quantile) ** 2) / (n_paths * (1 - level)))
    found = estimated(influences.at_level(influences.value_at_risk, level), values)
    assert found.estimate == pytest.approx(quantile, abs=4 * of_var)
    assert found.mc_se == pytest.approx(of_var, rel=0.1)
    found = estimated(influences.at_level(influences.expected_shortfall, level), values)
    assert found.estimate == pytest.approx(shortfall, abs=4 * of_es)
    assert found.mc_se == pytest.approx(of_es, rel=0.05)


def test_a_probability_that_was_never_met_is_bounded_above():
    found = estimated(influences.probability, torch.zeros(1_000, dtype=torch.bool))
    assert (found.estimate, found.lower) == (0.0, pytest.approx(0, abs=1e-12))
    assert found.upper == pytest.approx(3.84 / 1_003.84, rel=0.01)


def test_moments_are_those_of_skfolio():
    from skfolio import measures

    returns = draws(3)
    values = returns.numpy()
    assert float(influences.skewness(returns).value) == pytest.approx(measures.skew(values))
    assert float(influences.excess_kurtosis(returns).value) == pytest.approx(
        measures.kurtosis(values) - 3
    )
    unbiased = math.sqrt(N_PATHS / (N_PATHS - 1))  # skfolio divides by one path less
    for ours, theirs in (
        (influences.volatility, measures.standard_deviation),
        (influences.semi_deviation, measures.semi_deviation),
    ):
        assert float(ours(returns).value) * unbiased == pytest.approx(theirs(values))


def test_a_level_outside_0_to_1_is_refused():
    for measure in (influences.value_at_risk, influences.expected_shortfall, influences.quantile):
        with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 95"):
            measure(draws(0), 95.0)


def test_weighted_quantiles_of_columns_are_those_of_each():
    values = torch.stack([draws(0), draws(1), draws(2), draws(3)], 1).reshape(N_PATHS, 2, 2)
    weights = draws(4).softmax(0)
    found = influences.quantile(values, 0.9, weights)
    alone = influences.quantile(values[:, 1, 0], 0.9, weights)
    for part, whole in zip(alone, found, strict=True):
        torch.testing.assert_close(part, whole[..., 1, 0])
