import math

import pytest
import torch

from fingan.models.margins import MAX_SCORE, MAX_SHAPE, fit_margins

RANDOM = torch.Generator().manual_seed(4)


def student(n_days=4000, freedom=5):
    normals = torch.randn(n_days, 2, generator=RANDOM, dtype=torch.float64)
    squares = torch.randn(n_days, 2, freedom, generator=RANDOM, dtype=torch.float64)
    return normals / squares.square().mean(-1).sqrt() / math.sqrt(freedom / (freedom - 2))


DATA = student()
MARGINS = fit_margins(DATA)


def mapped(n_draws=400_000, margins=MARGINS):
    normals = torch.randn(n_draws, 2, generator=torch.Generator().manual_seed(6))
    return margins.table(normals).double()


def test_the_law_has_the_quantiles_of_the_data():
    levels = torch.tensor([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99], dtype=torch.float64)
    ours, theirs = mapped().quantile(levels, dim=0), DATA.quantile(levels, dim=0)
    torch.testing.assert_close(ours, theirs, atol=0.05, rtol=0.08)


def test_the_law_has_mean_zero():
    assert (mapped().mean(0).abs() < 0.01).all()


def test_the_tails_go_past_what_was_seen_and_stay_finite():
    curve = MARGINS.table.values
    assert (curve[:, 0] < DATA.min(0).values).all()
    assert (curve[:, -1] > DATA.max(0).values).all()
    assert curve.isfinite().all()


def test_the_map_rises():
    assert (MARGINS.table.values.diff(dim=1) > 0).all()


def test_the_latest_observations_alone_may_count():
    random = torch.Generator().manual_seed(6)
    drifting = torch.randn(4000, 2, generator=random).double()
    drifting[:2000] *= 3
    drifting[::3, 1] = torch.nan  # an asset's own latest
    of_late = fit_margins(drifting, latest=1200).table(torch.ones(1, 2))
    torch.testing.assert_close(of_late, torch.ones(1, 2), atol=0.12, rtol=0)


def test_no_observation_is_stored():
    """A level of the table is no observation of the body, though some lie near."""
    body = DATA[DATA.abs() < 1].float()
    distance = (MARGINS.table.values.flatten()[:, None] - body[None, :500]).abs()
    assert (distance == 0).sum() == 0


def test_scores_invert_the_map_and_keep_gaps():
    gappy = DATA.clone()
    gappy[5, 0] = torch.nan
    scores = MARGINS.scores(gappy)
    assert scores[5, 0].isnan()
    inside = ~gappy.isnan() & (scores.abs() < MAX_SCORE)
    back = MARGINS.table(scores.nan_to_num().float()).double()
    torch.testing.assert_close(back[inside], gappy[inside], atol=2e-3, rtol=2e-3)
    assert 0.95 < scores.nan_to_num().std() < 1.05


def test_cauchy_data_give_tails_no_heavier_than_the_bound():
    wild = torch.randn(3000, 1, generator=RANDOM) / torch.randn(3000, 1, generator=RANDOM)
    curve = fit_margins(wild.double()).table.values[0].double()
    assert curve.isfinite().all()
    steps = (curve[-1] - curve[-101]) / (curve[-101] - curve[-201])
    assert steps < math.exp(MAX_SHAPE * 6.5)


@pytest.mark.parametrize("n_days", [20, 200])
def test_a_short_history_gives_an_increasing_map(n_days):
    curve = fit_margins(DATA[:n_days]).table.values
    assert curve.isfinite().all()
    assert (curve.diff(dim=1) > 0).all()
