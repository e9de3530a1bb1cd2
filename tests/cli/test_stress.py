import json
import sys
from types import SimpleNamespace

import pytest

import fingan
from fingan.scenarios.baselines import baseline
from fingan.scenarios.scenario_set import ScenarioSet

FEW = ("--paths", 4_000, "--horizon", 5)


@pytest.fixture
def stress(run, tmp_path, garch_prices, monkeypatch):
    """Run ``fingan stress tiny`` on a price file, with a sampler that needs no training."""
    pipeline = SimpleNamespace(load_model=lambda *_: baseline("gaussian", garch_prices))
    monkeypatch.setitem(sys.modules, "fingan.pipeline", pipeline)
    monkeypatch.setattr(fingan, "pipeline", pipeline, raising=False)
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_stress(*arguments):
        return run("stress", "tiny", "--prices", tmp_path / "prices.csv", *arguments)

    return run_stress


def test_a_shock_shows_what_goes_with_it_beside_comparators(stress):
    ended = stress("--shock", "ABLE<=-0.02", *FEW, "--comparators", "historical")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("gaussian: ABLE <= -2 % over 5 steps; 5 steps from ")
    (portfolio,) = [line for line in lines if line.startswith(" portfolio ") and "n/a" in line]
    assert portfolio.count("±") >= 1
    assert any(line.startswith(" BAKER ") for line in lines)
    assert any(line.startswith("moved most surely beside it: ") for line in lines)
    assert any("probability" in line and "in the model" in line for line in lines)
    assert max(map(len, lines)) <= 120


def test_a_window_is_replayed_on_the_portfolio(stress, tmp_path, garch_prices):
    (tmp_path / "weights.csv").write_text("asset,weight\nDOG,1\n")
    first, last = garch_prices.index[[300, 310]].strftime("%Y-%m-%d")
    ended = stress(
        "--replay", f"{first}..{last}", "--portfolio", tmp_path / "weights.csv", "--json"
    )
    record = json.loads(ended.out)
    ends = garch_prices["DOG"].iloc[[300, 310]]
    assert record["portfolio_return"] == pytest.approx(ends.iloc[1] / ends.iloc[0] - 1)
    shown = stress("--replay", f"{first}..{last}").out
    assert "what happened" in shown
    assert "in-sample" in shown
    assert "95 % interval" in shown


def test_a_view_moves_what_moves_with_it(stress):
    ended = stress("--view", "mean ABLE=-0.02", "--view", "volatility DOG>=0.03", *FEW)
    assert ended.code == 0
    assert "view: mean ABLE = -0.02; it comes to -0.0" in ended.out
    assert "relative entropy" in ended.out
    assert " BAKER, mean " in ended.out


def test_the_ways_to_lose_are_shown_with_their_drivers(stress):
    ended = stress("--reverse", "--loss", "0.02", *FEW, "--comparators", "historical")
    assert ended.code == 0
    assert "ways to lose at least 2 % in 5 steps" in ended.out
    assert " historical " in ended.out
    assert " windows of history " in ended.out
    assert "adds to the loss" in ended.out
    assert "part 3 is most like: " in ended.out
    assert "one cloud" in ended.out


def test_weighted_paths_are_written_where_that_is_asked(stress, tmp_path):
    out = tmp_path / "losing.parquet"
    ended = stress("--reverse", "--loss", "0.02", *FEW, "--comparators", "none", "--out", out)
    paths = ScenarioSet.load(out)
    assert "weighted paths" in ended.err
    assert float(paths.weights.sum()) == pytest.approx(1)
    assert paths.metadata["condition"]["loss"] == 0.02


def test_json_is_the_record_alone_and_the_same_for_the_same_seed(stress):
    arguments = ("--reverse", "--loss", "0.02", *FEW, "--comparators", "none", "--json")
    one, same = (stress(*arguments, "--threads", threads).out for threads in (1, 2))
    assert one == same
    assert one != stress(*arguments, "--seed", 1).out
    record = json.loads(one)
    assert record["request"]["horizon"] == 5
    assert record["modes"][0]["share"]["mc_se"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "must be one of --shock, --replay, --view and --reverse, got none"),
        (("--reverse", "--loss", "0.1", "--view", "mean ABLE=0"), "got --view and --reverse"),
        (("--reverse",), "must have a positive --loss, such as 0.15 for 15 % of the value"),
        (("--reverse", "--loss", "-0.1"), "got -0.1"),
        (("--reverse", "--loss", "15"), "must lie below what is invested, 100 % of the value"),
        (("--shock", "ABLE=-0.1", "--loss", "0.1"), "--loss must stand with --reverse"),
        (("--replay", "2020-covid", "--as-of", "2016-01-04"), "--as-of must stand with --shock"),
        (("--replay", "1929"), "must be two dates such as 2008-09-12..2008-10-10 or one of"),
        (("--replay", "2020-covid"), "runs from 2020-02-19 to 2020-03-23; the data, from 2015"),
        (("--shock", "APPLE=-0.1"), "asset 'APPLE' is not in the model; it has ABLE, BAKER"),
        (("--shock", "ABLE"), "a shock must be as AAPL=-0.10"),
        (("--shock", "ABLE=-0.9", "--paths", "2000"), "at least 200 effective paths must meet"),
        (("--shock", "ABLE=-0.1", "--comparators", "fhs"), "--comparators must be among hist"),
        (("--view", "median ABLE=0"), "a view must be as 'mean AAPL=0.05'"),
        (("--view", "mean ABLE=9", "--paths", "2000"), "views must hold together"),
        (
            ("--view", "mean ABLE=0.01", "--view", "mean ABLE=0.02", "--paths", "2000"),
            "views must hold together on the scenarios, got 'mean ABLE = 0.01' and",
        ),
        (("--reverse", "--loss", "0.02", "--as-of", "1980-01-01"), "as_of must lie within"),
    ],
)
def test_bad_input_is_one_sentence(stress, arguments, said):
    ended = stress(*arguments)
    assert said in ended.err
    assert ended.code == 2
    assert ended.out == ""


def test_named_windows_are_listed_without_a_model(run):
    ended = run("stress", "--list-windows")
    assert ended.code == 0
    assert "2008-lehman" in ended.out


def test_help_has_an_example_of_each_kind(run):
    text = " ".join(run("stress", "--help").out.split())
    for kind in ("--shock AAPL=-0.10", "--replay 2020-covid", "--view", "--reverse --loss 0.15"):
        assert kind in text
