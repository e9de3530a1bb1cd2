import json
import sys
from types import SimpleNamespace

import pytest

import fingan
from fingan.cli.backtest_tables import print_backtest
from fingan.errors import ModelNotFoundError
from fingan.scenarios.baselines import baseline

SPAN = ("--from", "2016-06-01", "--to", "2016-08-31")
SMALL = ("--paths", 100, "--window", 150, "--levels", "0.9,0.95", "--baselines", "historical")


@pytest.fixture
def backtest(run, tmp_path, garch_prices, monkeypatch):
    """Run ``fingan backtest tiny`` on a price file, with a sampler that needs no training."""
    past = garch_prices[:"2016-05-31"]

    def load_model(reference, store):
        if reference != "tiny":
            raise ModelNotFoundError(f"model '{reference}' is not in store '{store}'")
        return baseline("historical", past)

    pipeline = SimpleNamespace(load_model=load_model)
    monkeypatch.setitem(sys.modules, "fingan.pipeline", pipeline)
    monkeypatch.setattr(fingan, "pipeline", pipeline, raising=False)
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_backtest(*arguments, model="tiny"):
        return run("backtest", model, "--prices", tmp_path / "prices.csv", *SMALL, *arguments)

    return run_backtest


def test_the_tables_show_every_forecaster_at_every_level(backtest):
    ended = backtest(*SPAN)
    assert ended.code == 0
    assert "days forecast: 132 of 132" in ended.err
    lines = ended.out.splitlines()
    assert lines[0].endswith("of a portfolio of 4 assets, 2016-06-01 to 2016-08-31, 66 days")
    assert [line.strip() for line in lines if line.strip() in ("90 %", "95 %")] == [
        "90 %",
        "95 %",
    ] * 2
    assert sum(line.startswith(" model ") for line in lines) == 4
    assert sum(line.startswith(" historical ") for line in lines) == 4
    assert "note: no portfolio was given: equal weights" in lines
    assert max(map(len, lines)) <= 160


def test_json_is_the_record_alone(backtest):
    ended = backtest(*SPAN, "--json", "--seed", 3)
    record = json.loads(ended.out)
    assert (record["kind"], record["seed"], record["n_paths"]) == ("backtest", 3, 100)
    assert [row["sampler"] for row in record["rows"]] == ["model"] * 2 + ["historical"] * 2


def test_a_portfolio_file_gives_the_weights(backtest, tmp_path):
    path = tmp_path / "weights.csv"
    path.write_text("asset,weight\nDOG,0.75\nABLE,0.25\n")
    record = json.loads(backtest(*SPAN, "--portfolio", path, "--json").out)
    assert record["portfolio"] == {"assets": ["DOG", "ABLE"], "weights": [0.75, 0.25]}
    path.write_text("asset,weight\nDOG,2\n")
    assert backtest(*SPAN, "--portfolio", path).code == 2
    record = json.loads(backtest(*SPAN, "--portfolio", path, "--allow-leverage", "--json").out)
    assert record["portfolio"]["weights"] == [2]


def test_without_a_first_day_it_begins_after_training_and_without_baselines_alone(backtest):
    ended = backtest("--to", "2016-08-31", "--baselines", "none", "--json")
    record = json.loads(ended.out)
    assert record["span"]["first"] == "2016-06-01"
    assert list(record["series"]) == ["model"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "2016-01-04"), "'historical' was trained on rows up to 2016-05-31"),
        (("--from", "soon"), "must be a date such as"),
        ((*SPAN, "--levels", "high"), "must be numbers such as 0.95,0.99"),
        ((*SPAN, "--levels", "95"), "levels must lie between 0.5 and 1, got 95"),
        ((*SPAN, "--baselines", "magic"), "baseline must be one of"),
        ((*SPAN, "--window", "5000"), "the baselines need 5000 rows before the first day"),
        (("--from", "2016-08-20", "--to", "2016-08-31"), "needs at least 30 rows, got 8"),
        ((*SPAN, "--portfolio", "absent.csv"), "absent.csv: there is no such file"),
    ],
)
def test_bad_input_is_one_sentence(backtest, arguments, says):
    ended = backtest(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1


def test_an_unknown_model_is_bad_input(backtest):
    ended = backtest(*SPAN, model="dice")
    assert ended == (2, "", "error: model 'dice' is not in store 'models'\n")


def test_a_failed_test_is_marked_and_a_missing_figure_is_said_to_be_so(capsys):
    passed = {"p": 0.4, "adjusted_p": 1.0, "failed": False, "statistic": 0.7}
    failed = {"p": 0.0001, "adjusted_p": 0.0015, "failed": True, "statistic": 15.1}
    absent = {"p": None, "adjusted_p": None, "failed": False, "statistic": None}
    tests = ("christoffersen_independence", "conditional_coverage", "dq", "acerbi_szekely_z2")
    row = {
        "sampler": "model",
        "level": 0.99,
        "violations": 14,
        "expected": 2.5,
        "tests": {"kupiec": failed, **dict.fromkeys(tests, passed), "dq": absent},
        "power_2x": 0.24,
        "traffic_light": "red",
        "fz0": None,
        "fz0_se": None,
        "dm_t": None,
        "dm_p": None,
        "in_mcs": None,
    }
    print_backtest(
        {
            "model": "tiny@1",
            "portfolio": {"assets": ["ABLE"], "weights": [1.0]},
            "horizon": 1,
            "reference": "fhs-gjr",
            "span": {"first": "2016-01-04", "last": "2016-12-30", "n_days": 250},
            "n_paths": 100,
            "seed": 0,
            "refit": 63,
            "window": 1500,
            "rows": [row],
            "pit": {"model": {"counts": [], "p": None}},
            "notes": [],
        }
    )
    out = capsys.readouterr().out
    coverage, score = (line for line in out.splitlines() if line.startswith(" model "))
    assert coverage.split()[1:5] == ["14", "2.5", "<.001*", "24"]
    assert coverage.split()[-1] == "red"
    assert coverage.count("n/a") == 1
    assert score.split() == ["model", "n/a", "n/a", "n/a", "n/a", "n/a"]
    assert "at all levels: model 1" in out
