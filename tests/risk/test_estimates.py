import json
import math

import pytest
import torch

from fingan.risk import influences
from fingan.risk.estimates import (
    Estimate,
    Measured,
    as_estimate,
    difference,
    effective_size,
    errors,
    estimated,
    estimated_each,
    few_beyond,
    ratio,
    standard_error,
)


def normals(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_error_of_a_mean_is_the_textbooks():
    values = normals(500)
    found = estimated(influences.mean, values)
    assert found.mc_se == pytest.approx(float(values.std(correction=0)) / math.sqrt(500))
    assert found.lower == pytest.approx(found.estimate - 1.96 * found.mc_se, abs=1e-5)
    assert (found.n, found.ess, found.model_se) == (500, None, None)


def test_equal_weights_are_no_weights():
    values, equal = normals(300), torch.full((300,), 1 / 300, dtype=torch.float64)
    one, other = estimated(influences.mean, values), estimated(influences.mean, values, equal)
    assert other.mc_se == pytest.approx(one.mc_se)
    assert other.ess == pytest.approx(300)


def test_the_effective_size_counts_the_paths_that_weigh():
    assert effective_size(torch.tensor([0.5, 0.5, 0.0, 0.0])) == pytest.approx(2)


def test_the_error_of_a_weighted_figure_is_its_scatter_over_seeds():
    """Paths of N(0, 1) weighted to N(0.5, 1): what self-normalised importance sampling errs by."""
    means, promised = [], []
    for seed in range(400):
        values = normals(1_000, seed=seed)
        weights = (0.5 * values).softmax(0)
        found = estimated(influences.mean, values, weights)
        means.append(found.estimate)
        promised.append(found.mc_se)
    scatter = torch.tensor(means).std()
    assert float(torch.tensor(means).mean()) == pytest.approx(0.5, abs=0.01)
    assert float(torch.tensor(promised).mean() / scatter) == pytest.approx(1, abs=0.1)


def test_the_error_of_training_is_the_spread_of_generators_that_differ():
    members = torch.arange(200_000) % 5
    apart = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0], dtype=torch.float64)
    found = estimated(influences.mean, normals(200_000) + apart[members], members=members)
    assert found.model_se == pytest.approx(math.sqrt(2.5 / 5), rel=0.02)
    assert found.mc_se == pytest.approx(1 / math.sqrt(200_000), rel=0.02)  # within generators


def test_the_error_of_training_holds_nothing_of_monte_carlo():
    """Of like generators its square is 0 in the mean, though their means scatter."""
    squares = []
    for seed in range(300):
        members = torch.arange(500) % 5
        found = estimated(influences.mean, normals(500, seed=seed), members=members)
        squares.append(found.model_se > 0)
    assert 0.2 < sum(squares) / 300 < 0.6  # chi-squared of 4 exceeds its mean in 41 %


def test_raw_errors_of_training_are_a_standard_error_of_the_ensemble():
    """Generators drawn anew: their mean scatters by what each run promises."""
    random, means, variances = torch.Generator().manual_seed(9), [], []
    members = torch.arange(2_000) % 4
    for seed in range(300):
        apart = 0.2 * torch.randn(4, dtype=torch.float64, generator=random)
        influence = normals(2_000, seed=seed) + apart[members]
        mean = influence.mean()
        mc, model = errors((influence - mean).unsqueeze(1), None, members)
        means.append(mean)
        variances.append(mc.square() + model.square())
    scatter = torch.stack(means).var()
    assert float(torch.stack(variances).mean() / scatter) == pytest.approx(1, abs=0.2)


def test_too_few_paths_of_a_generator_tell_nothing_of_training():
    found = estimated(influences.mean, normals(50), members=torch.arange(50) % 2)
    assert found.model_se is None
    assert found.mc_se > 0


def test_differences_on_the_same_paths_are_paired():
    one = normals(2_000)
    two = one + 0.1 * normals(2_000, seed=1)
    gap = difference(influences.mean(one), influences.mean(two))
    assert as_estimate(gap).mc_se == pytest.approx(0.1 / math.sqrt(2_000), rel=0.05)


def test_a_ratio_of_proportional_figures_has_no_error():
    values = normals(100) + 5
    found = as_estimate(ratio(influences.mean(3 * values), influences.mean(values)))
    assert found.estimate == pytest.approx(3)
    assert found.mc_se == pytest.approx(0, abs=1e-12)


def test_each_figure_has_its_own_errors():
    values = torch.stack([normals(400), 2 * normals(400, seed=1)], 1)
    found = estimated_each(influences.mean, values)
    assert [one.mc_se for one in found] == standard_error(values - values.mean(0)).tolist()
    with pytest.raises(ValueError, match="too many values"):
        estimated(influences.mean, values)


def test_a_record_is_json_even_where_nothing_is_known():
    unknown = estimated(influences.skewness, torch.ones(40, dtype=torch.float64))
    record = json.loads(json.dumps(unknown.record(), allow_nan=False))
    assert record["estimate"] is record["mc_se"] is record["ci"] is None
    assert record["note"] == "the paths do not determine it"


def test_a_value_without_an_error_says_so():
    found = as_estimate(Measured(torch.tensor(1.0), torch.full((9,), math.nan).double()))
    assert (found.estimate, found.mc_se, found.lower) == (1.0, None, None)
    assert found.note == "the paths do not determine its error"


def test_a_negative_factor_turns_the_interval_round():
    found = Estimate(1.0, 0.1, 0.8, 1.3, 0.2, 10).scaled(-2)
    assert (found.estimate, found.mc_se, found.lower, found.upper) == (-2.0, 0.2, -2.6, -1.6)


@pytest.mark.parametrize(
    ("level", "n_paths", "said"),
    [(0.99, 5_000, None), (0.99, 4_999, "50 are wanted"), (0.995, 10**6, "one loss in 200")],
)
def test_a_far_quantile_is_called_an_extrapolation(level, n_paths, said):
    note = few_beyond(level, n_paths)
    assert note is None if said is None else said in note
