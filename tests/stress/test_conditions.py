import pytest
import torch

from fingan.errors import RequestError, UnknownAssetError
from fingan.stress.conditions import Shock, constraints_of, figures_of, parse_shock

ASSETS = ("AAPL", "JPM", "XOM")


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("AAPL=-0.10", "value", (-0.10,)),
        ("AAPL = -10%", "value", (-0.10,)),
        ("JPM<=-0.05", "at_most", (-0.05,)),
        ("JPM>=5%", "at_least", (0.05,)),
        ("XOM=-0.1..-0.05", "between", (-0.1, -0.05)),
    ],
)
def test_a_shock_is_read_as_it_is_typed(text, kind, values):
    shock = parse_shock(text, 5)
    assert (shock.kind, shock.values, shock.over) == (kind, pytest.approx(values), 5)


@pytest.mark.parametrize("text", ["AAPL", "AAPL=", "AAPL<-0.1", "AAPL<=-0.1..0", "=0.1"])
def test_what_is_no_shock_is_refused_as_it_was_typed(text):
    with pytest.raises(RequestError, match=f"got '{text}'"):
        parse_shock(text)


def test_a_range_must_rise():
    with pytest.raises(RequestError, match="must rise"):
        parse_shock("AAPL=0.1..-0.1")


def test_an_asset_that_the_model_lacks_is_named():
    with pytest.raises(UnknownAssetError, match="'APPL' is not in the model; it has AAPL"):
        constraints_of([parse_shock("APPL=-0.1")], ASSETS, 10)


@pytest.mark.parametrize(
    ("shocks", "words"),
    [
        ([], "at least one shock"),
        ([parse_shock("AAPL=-0.1", 11)], "within the horizon of 10 steps, got 11"),
        ([parse_shock("AAPL=-1.5")], "above -1, got -1.5"),
        ([parse_shock("AAPL=-0.1", 5), parse_shock("AAPL<=-0.2", 5)], "given once"),
    ],
)
def test_shocks_that_cannot_be_are_refused(shocks, words):
    with pytest.raises(RequestError, match=words):
        constraints_of(shocks, ASSETS, 10)


def test_a_cumulative_figure_compounds_over_its_steps_alone():
    log_returns = torch.randn(7, 10, 3, generator=torch.Generator().manual_seed(0)) / 10
    figures = figures_of(log_returns, constraints_of([parse_shock("JPM=0", 4)], ASSETS, 10))
    simple = log_returns[:, :4, 1].double().exp().prod(1) - 1
    torch.testing.assert_close(figures[:, 0], simple, rtol=1e-6, atol=1e-7)


def test_a_shock_per_step_is_one_constraint_for_each_step():
    shock = Shock(asset="XOM", values=(-0.05, 0.02), per_step=True)
    constraints = constraints_of([shock], ASSETS, 10)
    assert [one.label for one in constraints] == ["XOM = -5 % over 1 step", "XOM = 2 % in step 2"]
    log_returns = torch.randn(7, 10, 3, generator=torch.Generator().manual_seed(0)) / 10
    steps = log_returns[:, :2, 2].double().expm1()
    torch.testing.assert_close(figures_of(log_returns, constraints), steps)


def test_a_level_moves_by_the_change_itself():
    constraints = constraints_of([parse_shock("AAPL=-2", 2)], ASSETS, 2, is_level=True)
    changes = torch.full((1, 2, 3), -1.0)
    assert figures_of(changes, constraints, is_level=True).item() == -2
