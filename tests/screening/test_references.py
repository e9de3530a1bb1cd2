import pandas as pd
import pytest
import torch

from fingan.data.returns import ReturnTable
from fingan.screening.candidates import candidates_of
from fingan.screening.references import agreement, sorts
from fingan.screening.specification import Figure, ScreenSpec

ASSETS = ("CALM", "RISING", "WILD")


def history(n_rows):
    random = torch.Generator().manual_seed(0)
    spread = torch.tensor([0.001, 0.01, 0.05])
    values = spread * torch.randn(n_rows, 3, generator=random)
    values = values - values.mean(0)
    values[:-21, 1] += 0.005
    values[-21:, 2] += 0.2  # the last month does not count
    return ReturnTable(ASSETS, pd.bdate_range("2020-01-01", periods=n_rows), values.double())


def test_sorts_pick_what_they_are_named_after():
    candidates = candidates_of(ScreenSpec(), ASSETS)
    past = sorts(history(252), candidates, 1)
    assert past.picks("momentum") == [1]
    assert past.picks("low-volatility") == [0]
    assert past.picked(1) == ["momentum"]


def test_figures_are_means_over_the_picks():
    past = sorts(history(252), candidates_of(ScreenSpec(), ASSETS), 1)
    found = past.figures(torch.tensor([1.0, 2.0, 6.0]))
    assert found == {"random": pytest.approx(3), "momentum": 2, "low-volatility": 1}


def test_a_short_history_has_no_sorts():
    past = sorts(history(200), candidates_of(ScreenSpec(), ASSETS), 1)
    assert past.scores == {}
    assert past.picked(0) == []


def test_agreement_is_a_rank_correlation_with_the_better_on_top():
    losses = torch.tensor([0.1, 0.3, 0.2, 0.4])
    others = {
        "same": torch.tensor([4.0, 2, 3, 1]),
        "against": losses,
        "flat": torch.ones(4),
        "unknown": torch.full((4,), torch.nan),
    }
    found = agreement(Figure(metric="es"), losses, others)
    assert found == {
        "same": pytest.approx(1),
        "against": pytest.approx(-1),
        "flat": None,
        "unknown": None,
    }
