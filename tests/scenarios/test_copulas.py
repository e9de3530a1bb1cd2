import math

import numpy as np
import pytest
import torch
from scipy import stats

from fingan.models.quantile_tables import QuantileTable
from fingan.scenarios.copulas import GaussianCopula, StudentCopula
from fingan.scenarios.samplers import ScenarioRequest

RHO = 0.5
CORRELATION = torch.tensor([[1.0, RHO, 0.0], [RHO, 1.0, 0.0], [0.0, 0.0, 1.0]]).double()
N_BLOCKS = 400


def identity(reach):
    return QuantileTable.of([lambda x: x] * 3, reach=reach, n_cells=16)


def draw(copula):
    shocks = copula.draw(ScenarioRequest(1, 1, 11), 0, N_BLOCKS)
    return shocks[0].double().numpy()


@pytest.fixture(scope="module")
def gaussian():
    return draw(GaussianCopula(CORRELATION, identity(8.0)))


@pytest.fixture(scope="module")
def student():
    return draw(StudentCopula(CORRELATION, 5.0, identity(500.0)))


def joint_exceedances(numbers, one, other, quantile):
    return float(((numbers[:, one] < -quantile) & (numbers[:, other] < -quantile)).mean())


def test_a_gaussian_copula_of_normals_is_the_multivariate_normal(gaussian):
    n = len(gaussian)
    found = np.cov(gaussian.T)
    assert np.abs(found - CORRELATION.numpy()).max() < 4 * math.sqrt(2 / n)
    law = stats.multivariate_normal([0, 0], [[1, RHO], [RHO, 1]])
    quantile = stats.norm.ppf(0.99)
    expected = law.cdf([-quantile, -quantile])
    error = math.sqrt(expected / n)
    assert abs(joint_exceedances(gaussian, 0, 1, quantile) - expected) < 4 * error


def test_margins_of_a_t_copula_of_t_numbers_are_students_t(student):
    for series in student.T:
        assert stats.kstest(series, "t", args=(5.0,)).pvalue > 1e-3
    outermost = stats.t.ppf(0.9999, 5.0)
    expected = len(student) * 1e-4
    for series in student.T:
        assert abs((series > outermost).sum() - expected) < 4 * math.sqrt(expected) + 1


@pytest.mark.parametrize(("other", "rho"), [(1, RHO), (2, 0.0)])
@pytest.mark.parametrize("level", [0.95, 0.99, 0.999])
def test_joint_extremes_of_a_t_copula_are_as_likely_as_the_multivariate_t_says(
    student, other, rho, level
):
    quantile = stats.t.ppf(level, 5.0)
    law = stats.multivariate_t(shape=[[1, rho], [rho, 1]], df=5.0, seed=1)
    expected = law.cdf(np.array([-quantile, -quantile]), maxpts=100_000)
    error = math.sqrt(expected / len(student))
    found = joint_exceedances(student, 0, other, quantile)
    assert abs(found - expected) < 4 * error
    assert found > 2 * (1 - level) ** 2  # even where uncorrelated, more than chance


def test_far_out_the_tail_dependence_is_demarta_and_mcneils():
    nu = 3.0
    numbers = draw(StudentCopula(CORRELATION, nu, identity(5000.0)))
    quantile = stats.t.ppf(0.9995, nu)
    argument = -math.sqrt((nu + 1) * (1 - RHO) / (1 + RHO))
    expected = 2 * stats.t.cdf(argument, nu + 1)
    found = joint_exceedances(numbers, 0, 1, quantile) / 0.0005
    assert found == pytest.approx(expected, abs=4 * math.sqrt(expected / (0.0005 * len(numbers))))


def test_a_path_shares_its_chi_square_among_assets_and_not_among_steps():
    copula = StudentCopula(torch.eye(3).double(), 5.0, identity(500.0))
    steps = copula.draw(ScenarioRequest(2, 1, 3), 0, 200).double().abs().clamp(max=8)
    same_step = torch.corrcoef(steps[0, :, :2].T)[0, 1]
    next_step = torch.corrcoef(torch.stack([steps[0, :, 0], steps[1, :, 0]]))[0, 1]
    assert same_step > 0.1
    assert abs(next_step) < 4 / math.sqrt(steps.shape[1])
