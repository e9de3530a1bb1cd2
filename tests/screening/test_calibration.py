import math

import pytest
import torch

from fingan.screening.calibration import density_skill, hits, reliability, spread, transform


def uniform(n_dates, n_candidates, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(n_dates, n_candidates, generator=random, dtype=torch.float64)


def test_true_probabilities_have_slope_one():
    stated = uniform(200, 20)
    happened = (uniform(200, 20, 1) < stated).double()
    found = reliability(stated, happened, 4)
    assert found.slope_ci[0] < 1 < found.slope_ci[1]
    assert found.slope_se < 0.05
    assert found.brier == pytest.approx(1 / 6, abs=0.01)  # E p (1 - p) of a uniform p
    assert found.record()["brier_skill"] > 0.2


def test_probabilities_too_sure_of_themselves_have_a_slope_below_one():
    stated = uniform(200, 20)
    happened = (uniform(200, 20, 1) < 0.25 + 0.5 * stated).double()
    found = reliability(stated, happened, 4)
    assert found.slope == pytest.approx(0.5, abs=0.08)
    assert found.slope_ci[1] < 1


def test_error_of_the_slope_knows_that_candidates_of_a_date_move_together():
    stated = uniform(200, 20)
    alone = uniform(200, 20, 1)
    together = uniform(200, 1, 2).expand(-1, 20)
    of_one = stated[:, :1].expand(-1, 20)
    independent = reliability(stated, (alone < stated).double(), 4)
    dependent = reliability(of_one, (together < of_one).double(), 4)
    assert dependent.slope_se > 3 * independent.slope_se


def test_one_probability_everywhere_has_no_slope():
    happened = (uniform(30, 4) < 0.5).double()
    found = reliability(torch.full_like(happened, 0.5), happened, 2)
    assert found.slope is None
    assert "same probability" in found.record()["note"]
    assert reliability(happened, torch.full_like(happened, math.nan), 2) is None


def test_uniform_transforms_are_not_rejected_and_cover_what_they_say():
    found = spread(uniform(300, 10), 4)
    assert found.p_uniform > 0.01
    for level, share in found.coverage.items():
        assert share.estimate == pytest.approx(level, abs=0.03)


def test_too_narrow_forecasts_are_found_out():
    centred = uniform(300, 10) - 0.5
    outside = 0.5 + 0.5 * centred.sign() * (2 * centred.abs()) ** 0.5
    found = spread(outside, 4)
    assert found.dispersion.estimate > 0.2
    assert found.p_uniform < 1e-6


def test_transform_lies_strictly_between_zero_and_one():
    drawn = torch.tensor([[1.0, 1.0, 0.0], [2.0, 1.0, 0.0], [3.0, 1.0, 0.0]])
    found = transform(drawn, torch.tensor([2.5, 1.0, math.nan]))
    assert found[:2].tolist() == pytest.approx([2.5 / 4, 2 / 4])
    assert found[2].isnan()
    assert float(transform(drawn[:, :1], torch.tensor([9.0]))[0]) == pytest.approx(3.5 / 4)


def test_picks_that_know_hit_more_than_the_base_rate():
    outcomes = uniform(80, 10)
    happened = (outcomes > 0.5).double()
    knowing, ignorant = (
        hits(outcomes, happened, 2, 3, 80),
        hits(uniform(80, 10, 9), happened, 2, 3, 80),
    )
    assert knowing.excess.lower > 0.3
    assert ignorant.excess.lower < 0 < ignorant.excess.upper
    assert ignorant.ci[0] < ignorant.base_rate < ignorant.ci[1]


def test_interval_of_the_hit_rate_counts_independent_dates():
    outcomes = uniform(80, 10)
    happened = (outcomes > 0.5).double()
    every, few = (hits(uniform(80, 10, 9), happened, 2, 3, n) for n in (80, 20))
    assert few.ci[1] - few.ci[0] > 1.7 * (every.ci[1] - every.ci[0])


def test_better_density_has_skill_that_diebold_and_mariano_see():
    reference = 1 + uniform(60, 1).squeeze(1)
    found = density_skill(reference - 0.2 - 0.1 * uniform(60, 1, 1).squeeze(1), reference, 2)
    assert found.skill > 0.1
    assert found.dm_t < -3
    assert found.dm_p < 0.01
    assert density_skill(reference, torch.full((60,), math.nan), 2) is None
