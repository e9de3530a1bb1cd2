import json

import pytest

from fingan.cli.app import main
from fingan.config import load_config
from fingan.screening.records import find_validation
from fingan.screening.specification import ScreenSpec

SPEC = """
horizon = 5
n_scenarios = 512
top_k = 2
references = ["block-bootstrap", "historical"]

[[criteria]]
metric = "es"
op = "<="
value = 0.2
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory, garch_prices):
    folder = tmp_path_factory.mktemp("screen")
    garch_prices.to_csv(folder / "prices.csv")
    (folder / "screen.toml").write_text(SPEC)
    return folder


@pytest.fixture
def screened(place, tiny_model, capsys):
    def run(*words):
        options = ["--prices", str(place / "prices.csv"), "--store", tiny_model.store]
        code = main(["screen", "tiny", *options, *words])
        return code, capsys.readouterr()

    return run


def test_json_is_one_object_and_each_run_is_a_trial(screened, place):
    first = json.loads(screened("--spec", str(place / "screen.toml"), "--json")[1].out)
    second = json.loads(screened("--spec", str(place / "screen.toml"), "--json")[1].out)
    other = json.loads(
        screened("--spec", str(place / "screen.toml"), "--set", "top_k=1", "--json")[1].out
    )
    assert first["results"] == second["results"]
    assert first["validation"]["status"] == "unvalidated"
    before = first["trials"]
    assert second["trials"]["of_this_definition"] == before["of_this_definition"] + 1
    assert other["trials"]["of_all"] == before["of_all"] + 2
    assert other["trials"]["of_this_definition"] < second["trials"]["of_this_definition"]


def test_tables_say_what_a_reader_must_know(screened, place):
    code, out = screened("--spec", str(place / "screen.toml"), "--set", "criterion=article")
    assert code == 0
    for text in ("unvalidated", "ABLE", "verdict", "block-bootstrap", "what they do next"):
        assert text in out.out
    assert out.out.rstrip().endswith("no evidence before an out-of-sample record.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", 'universe.assets=["ABEL"]'), "asset 'ABEL' of the screen is not in the model"),
        (("--set", "rank_by.metric=alpha"), "'rank_by.metric' must be 'p_gt'"),
        (("--as-of", "2050-01-01"), "as_of must lie within the prices"),
        (("--set", "drift_policy=views"), "must be given together"),
        (("--validate", "--every", "week"), "--every must be month or a number of rows"),
        (("--validate", "--first", "2017-06-01"), "the last date that model"),
        (("--spec", "nowhere.toml"), "nowhere.toml: no such file"),
    ],
)
def test_bad_input_ends_in_one_sentence(screened, words, message):
    code, out = screened(*words)
    assert code == 2
    assert message in out.err
    assert not out.out


def test_a_validation_is_shown_with_every_later_run(screened, place, tiny_model):
    spec = place / "screen.toml"
    words = ("--spec", str(spec), "--set", "benchmark=DOG")
    walk = ("--validate", "--every", "3", "--date-paths", "200", "--refit", "500")
    code, out = screened(*words, *walk, "--last", "2018-01-15")
    assert code == 0
    assert "rank IC" in out.out
    later = json.loads(screened(*words, "--json")[1].out)
    assert later["validation"]["status"] == "ok"
    assert later["validation"]["n_dates"] > 0
    digest = load_config(ScreenSpec, spec, ["benchmark=DOG"]).digest()
    assert find_validation(tiny_model.store, digest, later["model_digest"]).status == "ok"
    changed = json.loads(screened(*words, "--set", "top_k=1", "--json")[1].out)
    assert changed["validation"]["status"] == "stale"
