"""Every question at the desk itself: limits, versions, bytes, what is kept, many at once."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import fingan
from fingan.portfolios.risk_statement import RiskRequest, risk_statement
from fingan.portfolios.scenario_summary import SummaryRequest, scenario_summary
from fingan.risk.portfolio import portfolio_of
from fingan.scenarios.samplers import TrainedSampler
from fingan.scenarios.store import ModelStore
from serve.answers import ANSWERS
from serve.backend import Asked, Part
from serve.desk import Desk
from serve.problems import Problem
from serve.settings import Limits, ServiceSettings

CUBE = {"model": "tiny", "horizon": 3, "n_paths": 700, "seed": 5}
RISK = {"model": "tiny", "horizon": 2, "n_paths": 300, "baselines": []}
FORMATS = ("arrow", "parquet", "csv")


def ask(document, known=None):
    return Asked(json.dumps(document).encode(), known=known)


def whole(desk, document, part):
    """All chunks of a cube."""
    asked = ask(document)
    begun = desk.begin(asked, part)
    rest = [] if begun.is_whole else list(desk.rest(asked, part, begun.pinned, 1))
    return [begun.chunk, *rest]


def columns(prices, kind="price"):
    return {
        "dates": [f"{date:%Y-%m-%d}" for date in prices.index],
        "prices": {name: prices[name].tolist() for name in prices},
        "kind": kind,
    }


def refused(desk, kind, document):
    with pytest.raises(Problem) as problem:
        desk.answer(kind, ask(document))
    return problem.value


def test_risk_and_summary_are_the_library_s_records(desk, store):
    sampler = fingan.load_model("tiny", str(store))
    weights = {"ABLE": 0.5, "DOG": 0.5}
    held, prices = portfolio_of(weights, sampler.assets), sampler.history()
    asked = {"model": "tiny", "portfolio": weights, "horizon": 3, "n_paths": 400, "seed": 2}

    risk = risk_statement(
        sampler, prices, held, RiskRequest(horizon=3, n_paths=400, seed=2, baselines=()), []
    )
    found = json.loads(desk.answer("risk", ask(asked | {"baselines": []})).body)
    assert found == json.loads(json.dumps(risk.record()))

    request = SummaryRequest(horizon=3, n_paths=400, seed=2, n_shown=1)
    summary = scenario_summary(sampler, prices, held, request)
    found = json.loads(desk.answer("summary", ask(asked | {"n_shown": 1})).body)
    assert found == json.loads(json.dumps(summary.record()))


@pytest.mark.parametrize(
    ("form", "layout"),
    [
        ("arrow", "wide"),
        ("arrow", "tensor"),
        ("parquet", "long"),
        ("parquet", "wide"),
        ("csv", "wide"),
    ],
)
def test_a_cube_in_chunks_is_the_file_that_the_library_saves(desk, store, tmp_path, form, layout):
    saved = tmp_path / f"cube.{form}"
    scenarios = fingan.load_model("tiny", str(store)).sample(None, 3, 700, seed=5)
    scenarios.save(saved, layout=layout)
    chunks = whole(desk, CUBE | {"layout": layout}, Part(form))
    assert len(chunks) > 1
    assert b"".join(chunks) == saved.read_bytes()


@pytest.mark.parametrize("form", FORMATS)
def test_another_desk_goes_on_from_any_chunk(desk, store, form):
    asked, part = CUBE | {"n_paths": 34_000, "horizon": 4}, Part(form)
    chunks = whole(desk, asked, part)
    assert len(chunks) > 2
    other = Desk(ServiceSettings(store=str(store)))
    try:
        pinned = other.begin(ask(asked), part).pinned
        assert pinned == desk.begin(ask(asked), part).pinned
        assert list(other.rest(ask(asked), part, pinned, 2)) == chunks[2:]
    finally:
        other.close()


def test_a_cube_goes_on_with_the_version_it_was_begun_with_or_not_at_all(store, tmp_path):
    own = tmp_path / "store"
    shutil.copytree(store / "tiny" / "1", own / "tiny" / "1")
    desk = Desk(ServiceSettings(store=str(own), poll_seconds=60))
    try:
        begun = desk.begin(ask(CUBE), Part("arrow"))

        def copy(draft):
            for path in (store / "tiny" / "2").iterdir():
                if path.name != "manifest.json":
                    shutil.copy(path, draft)

        ModelStore(own).publish("tiny", copy)
        desk.shelf.look()
        assert begun.pinned[0] == "tiny@1"
        assert desk.begin(ask(CUBE), Part("arrow")).pinned[0] == "tiny@2"
        first = b"".join(whole(desk, CUBE | {"model": "tiny@1"}, Part("arrow")))
        rest = desk.rest(ask(CUBE), Part("arrow"), begun.pinned, 1)
        assert begun.chunk + b"".join(rest) == first

        shutil.rmtree(own / "tiny" / "1")
        desk.shelf.look()
        shutil.copytree(own / "tiny" / "2", own / "tiny" / "1")
        with pytest.raises(Problem) as gone:
            next(desk.rest(ask(CUBE), Part("arrow"), begun.pinned, 1))
        assert gone.value.status in (404, 503)
        with pytest.raises(Problem) as other:
            next(desk.rest(ask(CUBE), Part("arrow"), ("tiny@2", begun.pinned[1]), 1))
        assert (other.value.status, other.value.code) == (503, "version-gone")
    finally:
        desk.close()


def test_many_at_once_get_what_each_gets_alone(desk, garch_prices):
    history = columns(garch_prices.iloc[:750])
    asked = [
        CUBE | {"seed": seed, "n_paths": n_paths} | extra
        for seed, n_paths in ((1, 100), (2, 700))
        for extra in ({}, {"history": history}, {"model": "tiny@1"}, {"horizon": 2})
    ]
    alone = [b"".join(whole(desk, one, Part("arrow"))) for one in asked]
    again = asked * 2
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda one: b"".join(whole(desk, one, Part("arrow"))), again))
    assert found == alone * 2
    assert len(set(alone)) == len(alone)


def test_the_same_numbers_as_prices_and_as_returns_are_two_histories(desk, garch_prices):
    moves = garch_prices.pct_change().iloc[1:400].abs() + 1e-4  # positive, so that they may be both
    asked = {"model": "historical", "horizon": 1, "n_paths": 2}
    tags = [
        desk.begin(ask(asked | {"history": columns(moves, kind)}), Part("csv"))
        for kind in ("price", "simple_return", "log_return")
    ]
    assert len({one.head["ETag"] for one in tags}) == 3
    assert len({one.chunk for one in tags}) == 3


@pytest.mark.parametrize(
    ("kind", "more", "detail"),
    [
        ("risk", {"n_paths": 10**8}, "n_paths must be at most"),
        ("risk", {"n_paths": 10_000, "horizon": 25_201}, "horizon must be at most"),
        ("risk", {"n_paths": 10**7, "horizon": 101}, "paths x steps x assets must be at most"),
        ("explain", {"path": 10**12}, "path must be at most"),
        ("screen", {"n_scenarios": 10**6, "horizon": 25_000}, "must be at most"),
    ],
)
def test_what_is_over_the_limits_is_refused_before_the_model_is_looked_for(
    desk, kind, more, detail
):
    problem = refused(desk, kind, {"model": "nobody"} | more)
    assert (problem.status, problem.code) == (422, "too-large")
    assert detail in problem.detail


def test_limits_of_what_is_held_and_of_json_are_those_of_the_operator(store):
    limits = Limits(max_held_values=8_000, max_json_values=5_000)
    desk = Desk(ServiceSettings(store=str(store), limits=limits))
    try:
        assert refused(desk, "risk", RISK | {"n_paths": 1_001}).code == "too-large"
        assert desk.answer("risk", ask(RISK | {"n_paths": 1_000})).body
        condition = {"shocks": ["ABLE<=-0.01"], "min_ess": 1}
        for more, part in (
            ({"n_paths": 3_000, "condition": condition}, Part("arrow")),
            ({"n_paths": 417}, Part("json")),
        ):
            with pytest.raises(Problem) as problem:
                desk.begin(ask(CUBE | more), part)
            assert problem.value.code == "too-large"
        page = desk.begin(ask(CUBE), Part("json", 100, 416))
        assert page.is_whole
    finally:
        desk.close()


def test_a_horizon_so_long_that_one_block_is_too_large_is_refused(store):
    limits = Limits(max_block_values=512 * 2 * 50)
    desk = Desk(ServiceSettings(store=str(store), limits=limits))
    long = {"horizon": 51, "n_paths": 100}
    try:
        assert "shorter horizon" in refused(desk, "risk", RISK | long).detail
        with pytest.raises(Problem) as problem:
            desk.begin(ask({"model": "historical", "assets": ["AAPL"]} | long), Part("arrow"))
        assert (problem.value.status, problem.value.code) == (422, "too-large")
        assert desk.begin(ask(CUBE | long), Part("arrow")).is_whole  # of a trained model, one path
    finally:
        desk.close()


@pytest.mark.parametrize("name", ["historical", "fhs-gjr"])
def test_a_baseline_knows_no_row_after_the_day_it_is_asked_from(desk, garch_prices, name):
    later = garch_prices.iloc[:900].copy()
    later.iloc[600:] **= 1.5  # other days, after the one that is asked for
    day = f"{garch_prices.index[500]:%Y-%m-%d}"
    asked = {"model": name, "horizon": 3, "n_paths": 4, "as_of": day}
    whole_table, changed = (
        desk.begin(ask(asked | {"history": columns(table)}), Part("csv"))
        for table in (garch_prices.iloc[:900], later)
    )
    assert whole_table.chunk == changed.chunk
    now = desk.begin(ask(asked | {"history": columns(later), "as_of": None}), Part("csv"))
    assert now.chunk != changed.chunk


def test_an_answer_that_is_known_or_kept_is_not_computed(desk, monkeypatch):
    calls = []
    how = ANSWERS["risk"]

    def counted(query, subject):
        calls.append(query.seed)
        return how.reply(query, subject)

    monkeypatch.setitem(ANSWERS, "risk", replace(how, reply=counted))
    first = desk.answer("risk", ask(RISK | {"seed": 77}))
    assert desk.answer("risk", ask(RISK | {"seed": 77})) == first
    tag = first.head["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        answer = desk.answer("risk", ask(RISK | {"seed": 77}, known))
        assert (answer.is_known, answer.body) == (True, b"")
    assert calls == [77]
    assert not desk.answer("risk", ask(RISK | {"seed": 78}, tag)).is_known
    assert calls == [77, 78]


def test_a_screen_counts_its_runs_and_is_never_taken_for_known(desk):
    asked = {"model": "tiny", "n_scenarios": 500, "horizon": 2, "references": ["historical"]}
    runs = [json.loads(desk.answer("screen", ask(asked)).body)["trials"] for _ in range(2)]
    assert runs[1]["of_this_definition"] == runs[0]["of_this_definition"] + 1
    assert "ETag" not in desk.answer("screen", ask(asked)).head


@pytest.mark.parametrize(
    ("kind", "more"), [("summary", {}), ("risk", {"baselines": []}), ("optimize", {})]
)
def test_a_history_that_leads_beyond_the_numbers_is_refused_in_words(
    desk, garch_prices, kind, more
):
    steep = garch_prices.iloc[:100] * 0 + 9.0
    steep.iloc[::4] = -9.0
    asked = {"model": "historical", "history": columns(steep, "log_return")}
    problem = refused(desk, kind, asked | {"n_paths": 200, "horizon": 120} | more)
    assert (problem.status, problem.code) == (422, "not-finite")


@pytest.mark.parametrize("policy", ["shrunk", "equilibrium"])
def test_prices_that_stand_still_are_refused_in_words(desk, garch_prices, policy):
    still = columns(garch_prices.iloc[:400].assign(ABLE=100.0))
    asked = RISK | {"model": "historical", "history": still, "drift_policy": policy}
    assert "'ABLE' stands still" in refused(desk, "risk", asked).detail


def test_a_desk_whose_store_is_gone_is_ready_as_long_as_it_has_a_model(store, tmp_path):
    own = tmp_path / "store"
    shutil.copytree(store, own)
    desk = Desk(ServiceSettings(store=str(own), poll_seconds=60))
    try:
        own.rename(tmp_path / "away")
        own.write_text("no directory")
        desk.shelf.look()
        assert not desk.readiness().is_ready
        assert refused(desk, "risk", RISK).status == 503
        own.unlink()
        (tmp_path / "away").rename(own)
        desk.shelf.look()
        assert desk.answer("risk", ask(RISK)).body
        own.rename(tmp_path / "away")
        own.write_text("no directory")
        desk.shelf.look()
        assert desk.readiness().is_ready
        assert desk.answer("risk", ask(RISK | {"seed": 9})).body
        assert desk.answer("models", ask({})).body
    finally:
        desk.close()


def test_a_baseline_that_is_named_again_and_again_is_asked_once(desk):
    often = json.loads(desk.answer("risk", ask(RISK | {"baselines": ["historical"] * 50})).body)
    assert [one["sampler"] for one in often["results"]] == ["tiny@2", "historical"]


def test_a_warm_desk_has_fitted_the_reference_before_it_is_asked(store, monkeypatch):
    fitted = []
    monkeypatch.setattr("serve.subjects.baseline", lambda name, _: fitted.append(name))
    warm = Desk(ServiceSettings(store=str(store)))
    warm.warm()
    warm.close()
    assert fitted == ["fhs-gjr"]


def test_a_desk_that_takes_a_dead_one_s_place_has_models_ready_and_fits_nothing(store, monkeypatch):
    monkeypatch.setattr("serve.subjects.baseline", lambda *_: pytest.fail("fitted"))
    warm = Desk(ServiceSettings(store=str(store)))
    assert warm.shelf.n_loaded == 0
    warm.warm(reference=False)
    try:
        assert warm.shelf.n_loaded == len(warm.shelf.names) > 0
        monkeypatch.setattr(TrainedSampler, "prepared", lambda *_: pytest.fail("read again"))
        assert warm.begin(ask({"model": warm.shelf.names[0], "n_paths": 3}), Part("arrow")).chunk
    finally:
        warm.close()
