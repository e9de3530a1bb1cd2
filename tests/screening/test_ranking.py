import pytest
import torch

from fingan.risk.influences import mean
from fingan.screening.ranking import ranked
from fingan.screening.specification import Figure

FIGURE, LOSS = Figure(metric="mean_excess"), Figure(metric="es")


def scores(*means, n=4_000, seed=0, common=0.0):
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, len(means), generator=random, dtype=torch.float64)
    together = common * torch.randn(n, 1, generator=random, dtype=torch.float64)
    return mean(torch.tensor(means, dtype=torch.float64) + 0.1 * noise + together)


def test_best_is_first_and_a_loss_turns_the_order():
    found = ranked(FIGURE, scores(0.1, 0.5, 0.3), 1, None, None, seed=0)
    assert [place.candidate for place in found] == [1, 2, 0]
    found = ranked(LOSS, scores(0.1, 0.5, 0.3), 1, None, None, seed=0)
    assert [place.candidate for place in found] == [0, 2, 1]


def test_what_cannot_be_told_apart_is_tied():
    first, second, third = ranked(FIGURE, scores(0.5, 0.5, 0.1), 1, None, None, seed=0)
    assert first.is_tied_with_next
    assert not second.is_tied_with_next
    assert third.is_tied_with_next is None
    assert third.ahead_of_next is None


def test_common_random_numbers_tell_apart_what_moves_together():
    (place, _) = ranked(FIGURE, scores(0.02, 0.0, common=1.0), 1, None, None, seed=0)
    assert not place.is_tied_with_next
    assert place.score.mc_se > 4 * place.ahead_of_next.mc_se


def test_probability_of_leading_is_even_between_equals_and_sure_for_the_better():
    found = {p.candidate: p for p in ranked(FIGURE, scores(0.5, 0.1, 0.1), 1, None, None, seed=0)}
    assert found[0].p_top_k == 1
    level = scores(0.1, 0.1)
    level.value[:] = 0.1
    even = ranked(FIGURE, level, 1, None, None, seed=0)
    assert even[0].p_top_k == pytest.approx(0.5, abs=0.06)
    both = ranked(FIGURE, scores(0.5, 0.1), 2, None, None, seed=0)
    assert [place.p_top_k for place in both] == [1, 1]


def test_generators_that_disagree_make_leading_unsure():
    members = torch.arange(4_000) % 5
    opinion = torch.tensor([0.3, -0.3, 0.25, -0.2, 0.1]).double()[members].unsqueeze(1)
    random = torch.Generator().manual_seed(0)
    own = 0.1 * torch.randn(4_000, 2, generator=random, dtype=torch.float64)
    disputed = mean(own + torch.cat([opinion, torch.zeros_like(opinion)], 1))
    (first, _) = ranked(FIGURE, disputed, 1, None, members, seed=0)
    assert 0.5 < first.p_top_k < 0.9
    assert first.is_tied_with_next
    assert ranked(FIGURE, disputed, 1, None, None, seed=0)[0].p_top_k > 0.99


def test_what_has_no_figure_is_last():
    found = scores(0.1, 0.2)
    found.value[1] = torch.nan
    places = ranked(FIGURE, found, 1, None, None, seed=0)
    assert [place.candidate for place in places] == [0, 1]
    assert places[1].p_top_k is None
