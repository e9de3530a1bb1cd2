import pytest
import torch

from fingan.anomalies.surprise import Surprise


@pytest.fixture
def pareto():
    random = torch.Generator().manual_seed(1)
    uniform = torch.rand(20_000, 1, generator=random, dtype=torch.float64)
    return uniform ** (-1 / 4)  # P(X > x) = x^-4


def test_the_surprise_of_a_pareto_law_is_its_tail_also_beyond_the_sample(pareto):
    law = Surprise.fit(pareto)
    far = torch.tensor([[2.0], [10.0], [40.0]], dtype=torch.float64)
    torch.testing.assert_close(law.of(far), 4 * far.log(), rtol=0.1, atol=0)


def test_surprise_never_falls_where_the_feature_rises(pareto):
    grid = torch.linspace(0, 50, 5_000, dtype=torch.float64).unsqueeze(1)
    assert bool((Surprise.fit(pareto).of(grid).diff(dim=0) >= -1e-12).all())


def test_a_feature_that_takes_few_values_has_the_surprise_of_its_frequency():
    runs = torch.cat([torch.zeros(900, 1), torch.ones(100, 1)]).double()
    law = Surprise.fit(runs)
    seldom = float(law.of(torch.ones(1, 1, dtype=torch.float64)))
    assert seldom == pytest.approx(-torch.tensor(0.1).log().item(), rel=0.02)
    assert float(law.of(torch.full((1, 1), 5.0, dtype=torch.float64))) > seldom + 5
