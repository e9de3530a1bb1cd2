import pytest
import torch
from scipy import stats

from fingan.models.tails import MAX_H, fit_tails, normal_scores, tail_mean

SCALE, FALL, RISE = torch.tensor([[0.8, 1.0, 0.9], [0.2, 0.0, 0.05], [0.1, 0.0, 0.24]]).double()


def mapped(values, scale, fall, rise):
    """The map of the module's first lines, written down once more."""
    h = torch.where(values < 0, fall, rise)
    return scale * values * (h * values.square() / 2).exp() - tail_mean(scale, fall, rise)


def heavy_tailed(n_days=20_000):
    """Returns of a t distribution with 5 degrees of freedom, of unit variance."""
    drawn = stats.t(5).rvs((n_days, 2), random_state=3) * (3 / 5) ** 0.5
    return torch.from_numpy(drawn)


def test_the_mean_in_closed_form_is_that_of_the_integral():
    grid = torch.linspace(-40, 40, 400_001, dtype=torch.float64).unsqueeze(1)
    density = torch.exp(-grid.square() / 2) / (2 * torch.pi) ** 0.5
    mean = torch.trapezoid(mapped(grid, SCALE, FALL, RISE) * density, dx=80 / 400_000, dim=0)
    torch.testing.assert_close(mean, torch.zeros(3).double(), atol=1e-8, rtol=0)


def test_the_mean_in_closed_form_is_that_of_monte_carlo():
    random = torch.Generator().manual_seed(0)
    values = mapped(torch.randn(500_000, 3, generator=random).double(), SCALE, FALL, RISE)
    assert (values.mean(0).abs() < 4 * values.std(0) / 500_000**0.5).all()


def test_equal_tails_have_no_mean():
    assert torch.equal(tail_mean(SCALE, FALL, FALL), torch.zeros(3).double())


def test_quantiles_of_mapped_gaussians_lie_near_those_of_the_data():
    data = heavy_tailed()
    levels = torch.tensor([0.002, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.998]).double()
    normals = torch.special.ndtri(levels).unsqueeze(1)
    torch.testing.assert_close(
        mapped(normals, *fit_tails(data)), data.quantile(levels, dim=0), atol=0.06, rtol=0.08
    )


def test_gaussian_data_get_no_tail():
    data = torch.randn(50_000, 2, generator=torch.Generator().manual_seed(1))
    scale, *weights = fit_tails(data)
    torch.testing.assert_close(scale, torch.ones(2).double(), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.stack(weights), torch.zeros(2, 2).double(), atol=0.03, rtol=0)


def test_the_heavier_side_gets_the_heavier_tail():
    data = heavy_tailed()
    skewed = torch.where(data < 0, data, data.sign() * data.abs().pow(0.5))
    _, fall, rise = fit_tails(skewed)
    assert (fall > rise).all()
    assert (fall <= MAX_H).all()


def test_the_fit_ignores_what_is_not_observed():
    data = heavy_tailed(2000)
    gappy = torch.cat([data, torch.full((500, 2), torch.nan).double()])
    torch.testing.assert_close(fit_tails(gappy), fit_tails(data))


def test_the_tail_weight_stays_where_the_fourth_moment_is_finite():
    cauchy = torch.from_numpy(stats.cauchy.rvs(size=(5000, 1), random_state=1))
    _, fall, rise = fit_tails(cauchy)
    assert fall == rise == MAX_H


def test_normal_scores_have_the_normal_quantiles_of_the_ranks():
    scores = normal_scores(torch.tensor([[3.0], [-1.0], [torch.nan], [10.0]]))
    expected = torch.tensor([1 / 2, 1 / 6, 5 / 6]).double()
    torch.testing.assert_close(torch.special.ndtr(scores[[0, 1, 3], 0]), expected)
    assert scores[2].isnan().all()


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_normal_scores_do_not_depend_on_the_marginal(scale):
    data = heavy_tailed(300)
    torch.testing.assert_close(normal_scores(scale * data.exp()), normal_scores(data))
