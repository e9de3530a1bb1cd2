import json
import sys
from types import SimpleNamespace

import pytest

import fingan
from fingan.scenarios.baselines import baseline

SMALL = ("--paths", 200, "--horizon", 3, "--baselines", "historical")


@pytest.fixture
def risk(run, tmp_path, garch_prices, monkeypatch):
    """Run ``fingan risk tiny`` on a price file, with a sampler that needs no training."""
    pipeline = SimpleNamespace(load_model=lambda *_: baseline("gaussian", garch_prices))
    monkeypatch.setitem(sys.modules, "fingan.pipeline", pipeline)
    monkeypatch.setattr(fingan, "pipeline", pipeline, raising=False)
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_risk(*arguments):
        return run("risk", "tiny", "--prices", tmp_path / "prices.csv", *SMALL, *arguments)

    return run_risk


def test_the_tables_show_each_figure_with_its_errors_beside_the_baseline(risk, garch_prices):
    ended = risk("--levels", "0.975,0.999", "--loss-over", "0.02")
    assert ended.code == 0
    lines = ended.out.splitlines()
    last = f"{garch_prices.index[-1]:%Y-%m-%d}"
    assert lines[0] == (
        f"gaussian: a portfolio of 4 assets over 3 steps from {last}, bought and held"
    )
    assert any("± seed" in line and "historical ± seed" in line for line in lines)
    (shortfall,) = [line for line in lines if line.startswith(" ES 97.5 % ")]
    assert "n/a" in shortfall  # a single law has no error of training
    assert " to " in shortfall
    assert any(line.startswith(" P(max. drawdown > 2 %) ") for line in lines)
    assert sum(line.startswith((" ABLE ", " BAKER ", " CHARLIE ", " DOG ")) for line in lines) == 4
    assert any("note: VaR 99.9 %: an extrapolation: 0 paths" in line for line in lines)
    assert any(line.startswith("note: no model_se") for line in lines)
    assert max(len(line) for line in lines if not line.startswith(("note", "±"))) <= 120


def test_json_is_the_record_alone(risk, tmp_path):
    (tmp_path / "weights.csv").write_text("asset,weight\nDOG,1.5\nABLE,-0.5\n")
    ended = risk("--json", "--seed", 3, "--portfolio", tmp_path / "weights.csv")
    record = json.loads(ended.out)
    assert record["portfolio"] == {"DOG": 1.5, "ABLE": -0.5}
    assert (record["request"]["seed"], record["request"]["n_paths"]) == (3, 200)
    assert [one["sampler"] for one in record["results"]] == ["gaussian", "historical"]
    assert record["results"][0]["measures"][0]["measure"] == "value_at_risk"


def test_the_same_seed_gives_the_same_statement_on_any_number_of_threads(risk):
    one, other = (risk("--json", "--threads", threads).out for threads in (1, 2))
    assert one == other
    assert one != risk("--json", "--seed", 1).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--levels", "95"), "must lie between 0 and 1, such as 0.975 for 97.5 %, got '95'"),
        (("--levels", "high"), "must be numbers such as 0.95,0.99, got 'high'"),
        (("--attributed-at", "97.5"), "must lie between 0 and 1"),
        (("--loss-over", "-0.1"), "must be positive, such as 0.05 for 5 %, got '-0.1'"),
        (("--baselines", "fhs"), "--baselines must be among historical, "),
        (("--as-of", "1980-01-01"), "as_of must lie within the prices"),
        (("--drift", "up"), "'up' is not one of 'model', 'neutral'"),
    ],
)
def test_bad_input_is_one_sentence(risk, arguments, said):
    ended = risk(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""


def test_weights_that_do_not_sum_to_1_need_leave(risk, tmp_path):
    (tmp_path / "weights.csv").write_text("asset,weight\nDOG,1\nABLE,1\n")
    ended = risk("--portfolio", tmp_path / "weights.csv")
    assert (ended.code, "weights must sum to 1, got 2" in ended.err) == (2, True)
    allowed = risk("--portfolio", tmp_path / "weights.csv", "--allow-leverage", "--json")
    assert allowed.code == 0


def test_help_has_an_example(run):
    ended = run("risk", "--help")
    assert "Example: fingan risk demo --prices sp500-20" in " ".join(ended.out.split())
