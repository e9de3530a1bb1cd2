import json
import sys
from types import SimpleNamespace

import pytest

import fingan
from fingan.scenarios.baselines import baseline

N_KNOWN = 600  # rows that the model is fitted on


@pytest.fixture
def optimize(run, tmp_path, garch_prices, monkeypatch):
    """Run ``fingan optimize tiny`` on a price file, with a sampler that needs no training."""
    pipeline = SimpleNamespace(
        load_model=lambda *_: baseline("gaussian", garch_prices.iloc[:N_KNOWN]),
        refit=lambda _, past: baseline("gaussian", past),
    )
    monkeypatch.setitem(sys.modules, "fingan.pipeline", pipeline)
    monkeypatch.setattr(fingan, "pipeline", pipeline, raising=False)
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_optimize(*arguments):
        prices = ("--prices", tmp_path / "prices.csv")
        return run("optimize", "tiny", *prices, "--paths", 300, *arguments)

    return run_optimize


def weights_of(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "asset,weight"
    return {asset: float(weight) for asset, weight in (line.split(",") for line in lines[1:])}


def test_the_weights_are_written_and_can_be_the_previous_ones(optimize, tmp_path):
    out = tmp_path / "weights.csv"
    ended = optimize("--max-weight", 0.4, "--out", out)
    assert ended.code == 0
    weights = weights_of(out)
    assert sum(weights.values()) == pytest.approx(1)
    assert max(weights.values()) <= 0.4 + 1e-4
    assert "note: bought from cash" in ended.out

    again = optimize("--max-weight", 0.4, "--previous", out)
    assert again.code == 0
    assert any(line.startswith(" previous weights ") for line in again.out.splitlines())
    assert "turnover 0.0 %" in again.out


def test_the_table_shows_the_objective_on_other_paths_and_drawdowns_along_each(optimize):
    lines = optimize().out.splitlines()
    assert lines[0].startswith("gaussian: min-cvar over 21 steps from")
    for start in (" optimum ", " on its own paths ", " equal weights ", " max drawdown "):
        assert any(line.startswith(start) for line in lines), start
    assert lines[-1].startswith("model-implied, not advice")


def test_a_ratio_is_not_shown_in_percent(optimize):
    given = ("--objective", "max-sharpe", "--drift", "model", "--rate", -0.001)
    record = json.loads(optimize(*given, "--json").out)
    (shown,) = [line for line in optimize(*given).out.splitlines() if line.startswith(" optimum ")]
    assert f"{record['objective']['estimate']:.3f}" in shown


def test_json_is_the_record_alone(optimize):
    ended = optimize(
        "--objective", "risk-budgeting", "--risk-budget", "DOG=0.1", "--group", "pair=ABLE,BAKER",
        "--constraint", "pair <= 0.45", "--seed", 3, "--json",
    )  # fmt: skip
    record = json.loads(ended.out)
    assert record["request"]["risk_budget"] == {"DOG": 0.1}
    assert (record["request"]["seed"], record["request"]["n_paths"]) == (3, 300)
    weights = {entry["asset"]: entry["estimate"] for entry in record["weights"]}
    assert weights["DOG"] == min(weights.values())
    assert weights["ABLE"] + weights["BAKER"] <= 0.45 + 1e-4


def test_the_comparison_shows_each_strategy_and_its_difference(optimize):
    ended = optimize("--compare", "--horizon", 60, "--strategies", "model,hrp", "--max-weight", 0.5)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    for name in (" model ", " hrp "):
        figures, differences = [line for line in lines if line.startswith(name)]
        assert sum(map(differences.count, ("better", "worse", "undecided"))) == 4
        assert sum(map(figures.count, ("better", "worse", "undecided"))) == 0
    assert sum(line.startswith(" 1/N ") for line in lines) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--objective", "max-cdar"), "must not be a measure of a path, got 'max-cdar'"),
        (("--objective", "min-risk"), "objective must be one of min-cvar, mean-cvar"),
        (("--objective", "max-sharpe"), "only sampling noise would be ranked"),
        (("--drift", "up"), "--drift must be one of model, neutral, shrunk, equilibrium, got 'up'"),
        (("--max-weight", 0.2), "max_weight must be at least 0.25 for 4 weights"),
        (("--constraint", "ABEL >= 0.1"), "'ABEL' is missing"),
        (("--constraint", "ABLE >= 0.9", "--max-weight", 0.5), "the solver finds none"),
        (("--group", "pair"), "--group must be NAME=VALUE, got 'pair'"),
        (("--risk-budget", "ABLE=some"), "must be numbers such as AAPL=0.2, got ABLE=some"),
        (("--risk-aversion", 0), "--risk-aversion must be greater than 0, got 0.0"),
        (("--previous", "none.csv"), "none.csv: there is no such file"),
        (("--as-of", "2030-01-01"), "as_of must lie within the prices"),
        (("--compare", "--from", "2016-06-01"), "first must lie after the model's training"),
        (("--compare", "--strategies", "magic"), "--strategies must be some of model, fhs-gjr"),
        (("--compare", "--out", "w.csv"), "--out must not be given with --compare"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(optimize, arguments, said):
    ended = optimize(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert ended.out == ""
