import math

import pytest
import torch
from scipy.stats import norm

from fingan.risk.estimates import standard_error
from fingan.screening.candidates import CandidatePaths
from fingan.screening.criteria import apart, better, measured
from fingan.screening.specification import Figure

N, MEAN, SPREAD = 40_000, 0.01, 0.05
FIGURES = [
    (Figure(metric="p_gt", hurdle=0.02), norm.sf(0.2)),
    (Figure(metric="es", level=0.95), -MEAN + SPREAD * norm.pdf(norm.ppf(0.95)) / 0.05),
    (Figure(metric="sharpe"), 0.2),
    (Figure(metric="skew"), 0.0),
    (Figure(metric="mean_excess"), MEAN),
    (Figure(metric="p_gt_benchmark"), norm.cdf(0.2)),
    (Figure(metric="omega"), 1 + 0.2 / (norm.pdf(0.2) - 0.2 * norm.sf(0.2))),
    (
        Figure(metric="tail_ratio"),
        (MEAN + SPREAD * norm.ppf(0.95)) / (SPREAD * norm.ppf(0.95) - MEAN),
    ),
    (
        Figure(metric="sortino"),
        0.2 / math.sqrt((1 + 0.2**2) * norm.cdf(-0.2) - 0.2 * norm.pdf(0.2)),
    ),
]


def paths(seed=0, n=N):
    random = torch.Generator().manual_seed(seed)
    net = MEAN + SPREAD * torch.randn(n, 2, generator=random, dtype=torch.float64)
    deep = net.abs()
    return CandidatePaths(net, deep, net - 0.01, net + 0.01, torch.zeros(n).double(), None)


@pytest.mark.parametrize(("figure", "expected"), FIGURES, ids=lambda one: getattr(one, "label", ""))
def test_figures_of_a_normal_law_are_those_of_its_closed_form(figure, expected):
    found = measured(figure, paths())
    errors = standard_error(found.influence)
    assert ((found.value - expected).abs() < 4.5 * errors).all()


@pytest.mark.parametrize("metric", ["omega", "sortino", "calmar", "tail_ratio"])
def test_stated_errors_are_those_of_replication(metric):
    figure = Figure(metric=metric)
    runs = [measured(figure, paths(seed, 1_000)) for seed in range(150)]
    spread = torch.cat([one.value for one in runs]).std()
    stated = torch.stack([standard_error(one.influence) for one in runs]).mean()
    assert float(stated / spread) == pytest.approx(1, abs=0.15)


def test_calmar_is_mean_over_mean_of_the_drawdowns():
    given = paths()
    found = measured(Figure(metric="calmar"), given).value
    torch.testing.assert_close(found, given.net.mean(0) / given.max_drawdown.mean(0))


def test_probabilities_along_the_path_look_at_every_step():
    given = paths()
    touch = measured(Figure(metric="p_touch", x=-0.03), given).value
    torch.testing.assert_close(touch, (given.lowest <= -0.03).double().mean(0))
    target = measured(Figure(metric="p_touch", x=0.03), given).value
    torch.testing.assert_close(target, (given.highest >= 0.03).double().mean(0))
    deep = measured(Figure(metric="p_drawdown_gt", x=0.03), given).value
    torch.testing.assert_close(deep, (given.max_drawdown > 0.03).double().mean(0))


def test_weighted_paths_count_by_their_weight():
    given = paths(n=1_000)
    weights = torch.zeros(1_000).double()
    weights[:100] = 0.01
    some = CandidatePaths(*(one[:100] for one in given_fields(given)), None)
    for metric in ("p_gt", "omega", "sortino", "calmar", "es", "skew"):
        figure = Figure(metric=metric)
        whole = measured(figure, CandidatePaths(*given_fields(given), weights))
        torch.testing.assert_close(whole.value, measured(figure, some).value)


def given_fields(one):
    return one.net, one.max_drawdown, one.lowest, one.highest, one.benchmark


def test_less_is_better_where_it_is_a_loss():
    values = torch.tensor([1.0, 2.0])
    assert better(Figure(metric="es"), values).argmax() == 0
    assert better(Figure(metric="omega"), values).argmax() == 1


def test_a_difference_on_the_same_paths_has_paired_errors():
    given = paths()
    shared = CandidatePaths(
        torch.stack([given.net[:, 0], given.net[:, 0] + 0.001], 1), *given_fields(given)[1:], None
    )
    found = apart(measured(Figure(metric="sharpe"), shared), 1, 0)
    assert float(found.value) == pytest.approx(0.001 / SPREAD, rel=0.02)
    assert float(standard_error(found.influence)) < 2e-4
