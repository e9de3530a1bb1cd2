import pytest
import torch

from fingan.errors import RequestError, UnknownAssetError
from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioSet
from fingan.screening.candidates import candidate_paths, candidate_returns, candidates_of
from fingan.screening.specification import ScreenSpec

ASSETS = ("A", "B", "C")


def screen(**universe):
    return ScreenSpec.model_validate(
        {
            "universe": universe,
            "directions": ["long", "short"],
            "costs_bps": {"default": 10, "assets": {"B": 30}},
        }
    )


def scenarios(log_returns):
    header = ScenarioHeader(ASSETS, (1.0,) * 3, log_returns.shape[1], len(log_returns))
    return ScenarioSet(header, log_returns)


@pytest.fixture
def drawn():
    random = torch.Generator().manual_seed(1)
    return scenarios(0.02 * torch.randn(50, 6, 3, generator=random))


def test_every_asset_is_a_candidate_if_none_is_named():
    assert [one.label for one in candidates_of(screen(), ASSETS)] == [
        "A", "A short", "B", "B short", "C", "C short",
    ]  # fmt: skip


def test_a_pair_and_a_portfolio_earn_what_their_legs_earn_less_the_costs_of_each(drawn):
    spec = screen(pairs=[["A", "B"]], portfolios={"mix": {"A": 0.5, "C": -0.25}})
    pair, _, mix, _ = candidate_returns(drawn, candidates_of(spec, ASSETS), spec).T
    a, b, c = drawn.terminal().T
    torch.testing.assert_close(pair, a - b - 2 * (10 + 30) * 1e-4)
    torch.testing.assert_close(mix, 0.5 * a - 0.25 * c - 2 * 10 * 1e-4 * 0.75)


def test_short_and_long_lose_both_costs_together(drawn):
    spec = screen(assets=["B"])
    long, short = candidate_returns(drawn, candidates_of(spec, ASSETS), spec).T
    torch.testing.assert_close(long + short, torch.full_like(long, -4 * 30e-4))


def test_whole_paths_end_in_the_terminal_returns(drawn):
    spec = screen(pairs=[["A", "C"]])
    candidates = candidates_of(spec, ASSETS)
    paths = candidate_paths(drawn, candidates, spec)
    torch.testing.assert_close(paths.net, candidate_returns(drawn, candidates, spec))
    assert (paths.lowest <= paths.net).all()
    assert (paths.highest >= paths.net).all()
    assert (paths.max_drawdown >= -paths.lowest - 1e-12).all()


def test_drawdown_counts_from_the_value_before_buying():
    falling = torch.tensor([[[-0.1, 0, 0], [0.3, 0, 0], [-0.2, 0, 0]]])
    spec = ScreenSpec.model_validate({"universe": {"assets": ["A"]}, "costs_bps": {"default": 0}})
    paths = candidate_paths(scenarios(falling), candidates_of(spec, ASSETS), spec)
    assert float(paths.max_drawdown) == pytest.approx(1 - 2.718281828**-0.2, abs=1e-6)
    assert float(paths.lowest) == pytest.approx(2.718281828**-0.1 - 1, abs=1e-6)


def test_the_benchmark_is_an_asset_or_equal_weights(drawn):
    own = screen().model_copy(update={"benchmark": "B"})
    for spec, expected in ((own, drawn.terminal()[:, 1]), (screen(), drawn.terminal().mean(1))):
        paths = candidate_paths(drawn, candidates_of(spec, ASSETS), spec)
        torch.testing.assert_close(paths.benchmark, expected)


@pytest.mark.parametrize(
    "spec",
    [
        {"universe": {"assets": ["AA"]}},
        {"universe": {"pairs": [["A", "AA"]]}},
        {"universe": {"portfolios": {"p": {"AA": 1}}}},
        {"benchmark": "AA"},
        {"costs_bps": {"assets": {"AA": 1}}},
    ],
)
def test_an_asset_that_is_not_the_models_is_named_as_typed(spec):
    with pytest.raises(UnknownAssetError, match=r"'AA' of the screen is not in the model"):
        candidates_of(ScreenSpec.model_validate(spec), ASSETS)


@pytest.mark.parametrize(
    ("universe", "message"),
    [
        ({"assets": ["A", "A"]}, "each candidate must stand once, got 'A' again"),
        ({"pairs": [["A", "A"]]}, "a pair must be of two assets, got 'A' twice"),
        ({"portfolios": {"p": {"A": 0}}}, "candidate 'p' must hold something"),
    ],
)
def test_candidates_that_make_no_sense_are_refused(universe, message):
    with pytest.raises(RequestError, match=message):
        candidates_of(screen(**universe), ASSETS)
