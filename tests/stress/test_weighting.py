import math

import pytest
import torch

from fingan.stress.conditions import constraints_of, parse_shock
from fingan.stress.weighting import Kernel, sharpness


def kernel(*shocks, scale=1.0, share=0.1):
    constraints = constraints_of([parse_shock(text) for text in shocks], ("A", "B"), 5)
    return Kernel.of(constraints, torch.full((len(shocks),), scale).double(), share)


def test_a_bound_keeps_the_paths_within_and_weighs_them_alike():
    figures = torch.tensor([[-0.3], [-0.1], [0.1]]).double()
    assert kernel("A<=-0.05").log_weights(figures).tolist() == [0, 0, -math.inf]


def test_a_value_weighs_by_a_normal_density_about_it_with_finite_reach():
    figures = torch.tensor([[0.2], [0.3], [0.61]]).double()
    weights = kernel("A=0.2").log_weights(figures)
    assert weights.tolist() == pytest.approx([0, -0.5, -math.inf])


def test_centred_weights_meet_the_values_in_the_mean_though_the_law_is_steep():
    random = torch.Generator().manual_seed(1)
    figures = torch.randn(20_000, 2, generator=random, dtype=torch.float64)
    near = kernel("A=-0.9", "B=0.5", scale=2.0)
    log_weights = near.log_weights(figures)
    kept = log_weights.isfinite()
    before = log_weights[kept].softmax(0) @ figures[kept]
    after = near.centred(figures[kept], log_weights[kept]).softmax(0) @ figures[kept]
    assert (before - torch.tensor([-0.9, 0.5])).abs().max() > 0.01
    assert after.tolist() == pytest.approx([-0.9, 0.5], abs=1e-6)


def test_effective_number_is_the_number_of_equal_weights_and_zero_of_none():
    assert sharpness(torch.full((7,), -40.0)) == pytest.approx(7)
    assert sharpness(torch.tensor([0.0, -math.inf])) == 1
    assert sharpness(torch.full((3,), -math.inf)) == 0
    assert sharpness(torch.empty(0)) == 0
