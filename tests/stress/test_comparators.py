import pytest
import torch

from fingan.stress.comparators import gaussian_moves
from fingan.stress.conditions import constraints_of, figures_of, parse_shock

MEAN = torch.tensor([0.001, -0.002, 0.0005]).double()
ROOT = torch.tensor([[0.02, 0, 0], [0.01, 0.015, 0], [-0.005, 0.01, 0.02]]).double()
HORIZON = 6


@pytest.fixture(scope="module")
def days():
    random = torch.Generator().manual_seed(3)
    normals = torch.randn(200_000, HORIZON, 3, generator=random, dtype=torch.float64)
    return MEAN + normals @ ROOT.T


@pytest.mark.parametrize(
    "shocks",
    [
        ("A=-0.05", 3, ()),
        ("A<=-0.04", 3, ()),
        ("A=-0.03..0.01", 4, ("C>=0.02", 6)),
        ("A=0.02", 2, ("B<=-0.01", 5)),
    ],
)
def test_the_gaussian_closed_form_is_what_gaussian_paths_say(days, shocks):
    first, over, second = shocks
    asked = [parse_shock(first, over)] + ([parse_shock(*second)] if second else [])
    constraints = constraints_of(asked, "ABC", HORIZON)
    figures = figures_of(days, constraints)
    hit = torch.ones(len(days), dtype=torch.bool)
    for place, one in enumerate(constraints):
        width = 0.002 if one.is_value else 0.0
        hit &= (figures[:, place] >= one.low - width) & (figures[:, place] <= one.high + width)
    moves = days[hit].sum(1).expm1()
    error = moves.std(0) / len(moves) ** 0.5
    exact = gaussian_moves(MEAN, ROOT @ ROOT.T, constraints, HORIZON)
    assert hit.sum() > 1000
    assert bool(((exact - moves.mean(0)).abs() < 4 * error + 2e-4).all())
