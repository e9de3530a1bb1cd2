import json
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from report_records import backtest_record, evaluation_record

from fingan import pipeline
from fingan.assessment import report as reports
from fingan.assessment.report import report
from fingan.assessment.report_draws import report_draws
from fingan.assessment.report_page import report_page
from fingan.assessment.report_span import compared_span
from fingan.assessment.report_subject import Plan, Subject
from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.portfolio import equal_weights
from fingan.scenarios.store import ModelStore
from fingan.training.config import TrainConfig

SECTIONS = [
    "data",
    "model",
    "fidelity",
    "distribution",
    "dynamics",
    "dependence",
    "scenarios",
    "backtest",
    "windows",
    "copies",
    "gates",
    "limits",
    "rerun",
]
PLAN = Plan(baselines=("fhs-gjr",), n_paths=20, n_backtest_paths=100)


@pytest.fixture(scope="module", autouse=True)
def asked():
    """Evaluation and backtest answer with made-up records and note what they were asked."""
    noted = {}

    def evaluate(*given, **more):
        noted["evaluate"] = {"samplers": list(given[0]), **more}
        return SimpleNamespace(record=evaluation_record)

    def backtest(*_given, **more):
        noted["backtest"] = more
        return SimpleNamespace(record=backtest_record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "evaluate", evaluate)
        patch.setattr(reports, "backtest", backtest)
        yield noted


@pytest.fixture(scope="module")
def subject(tiny_model, garch_prices):
    sampler = pipeline.load_model(tiny_model.reference, tiny_model.store)
    card = ModelStore(tiny_model.store).show(tiny_model.reference)["card"]
    held = equal_weights(sampler.assets)
    return Subject(sampler, card, garch_prices, held, commands=["fingan report tiny@1"])


def sections(record):
    return {section["id"]: section for section in record["sections"]}


@pytest.fixture(scope="module")
def span(subject):
    """Half a year of the training period."""
    until = subject.sampler.fitted_until
    return compared_span(subject.prices, until, "2017-06-01", "2017-12-29", in_sample=True)


@pytest.fixture(scope="module")
def in_sample(subject, span):
    return report(subject, span, PLAN)


def test_every_section_stands_in_its_order(in_sample):
    assert [section["id"] for section in in_sample["sections"]] == SECTIONS


def test_sections_hold_figures_and_tables(in_sample):
    found = sections(in_sample)
    figures = {name: [f["id"] for f in section["figures"]] for name, section in found.items()}
    assert figures["distribution"] == ["qq", "qq-month", "tail-losses", "tail-gains"]
    assert figures["dynamics"] == ["acf", "acf-absolute", "leverage"]
    assert len(figures["dependence"]) == 7
    assert figures["scenarios"] == ["fan"]
    assert figures["backtest"] == ["exceedances", "pit"]
    assert figures["windows"] == ["windows-figure"]
    assert all(found[name]["tables"] for name in ("data", "fidelity", "copies", "gates", "rerun"))


def test_each_asset_and_the_portfolio_can_be_chosen(in_sample):
    (qq, *_) = sections(in_sample)["distribution"]["figures"]
    assert [v["name"] for v in qq["views"]] == ["portfolio", "ABLE", "BAKER", "CHARLIE", "DOG"]


def test_the_same_report_twice_is_the_same_json(subject, span, in_sample):
    assert json.dumps(report(subject, span, PLAN)) == json.dumps(in_sample)


def test_the_record_holds_no_number_that_json_lacks(in_sample):
    assert json.loads(json.dumps(in_sample, allow_nan=False)) == json.loads(json.dumps(in_sample))


def test_days_that_training_knew_are_no_test(in_sample):
    assert "this is no test" in in_sample["verdict"]["headline"]
    assert in_sample["span"]["in_sample"]


def test_the_model_and_its_baselines_are_asked_on_the_same_days(subject, asked):
    span = compared_span(subject.prices, subject.sampler.fitted_until)
    report(subject, span, PLAN)
    assert asked["evaluate"]["samplers"] == ["model", "fhs-gjr"]
    assert asked["evaluate"]["first"] == asked["backtest"]["first"] == span.first
    assert asked["backtest"]["design"].baselines == ("fhs-gjr",)


def test_without_days_after_training_the_rest_still_stands(subject, asked):
    asked.clear()
    record = report(subject, None, PLAN)
    found = sections(record)
    absent = [name for name, section in found.items() if section["not_applicable"]]
    assert absent == SECTIONS[2:8]
    assert found["fidelity"]["not_applicable"] == "no day after training"
    assert "not tested" in record["verdict"]["headline"]
    assert asked == {}
    assert report_page(record).count('class="missing"') == 7  # one is for who lacks JavaScript


def test_what_is_too_thin_says_so_and_sinks_nothing(subject, monkeypatch):
    def refuse(*_given, **_more):
        raise RequestError("the span must hold at least 60 days, got 20")

    monkeypatch.setattr(reports, "evaluate", refuse)
    monkeypatch.setattr(reports, "backtest", refuse)
    span = compared_span(subject.prices, subject.sampler.fitted_until)
    found = sections(report(subject, span, PLAN))
    for name in ("fidelity", "backtest"):
        assert found[name]["not_applicable"] == "the span must hold at least 60 days, got 20"
    assert "dynamics" in found


def test_levels_of_odd_names_make_a_page_without_a_portfolio(subject, tmp_path, tiny_settings):
    names = ["<script>alert(1)</script>", "A&B", '"C"', "D"]
    prices = subject.prices.iloc[:500].set_axis(names, axis=1)
    prices.attrs = {"kind": "level", "source": "<b>file</b>"}
    record = _reported(prices, tiny_settings, tmp_path)
    (qq, *_) = sections(record)["distribution"]["figures"]
    assert [view["name"] for view in qq["views"]] == names
    page = report_page(record)
    assert "<script>alert" not in page
    assert "<b>file" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_one_asset_makes_a_page_without_correlation(subject, tmp_path, tiny_settings):
    prices = subject.prices[["ABLE"]].iloc[:500]
    prices.attrs = dict(subject.prices.attrs)
    found = sections(_reported(prices, tiny_settings, tmp_path))
    assert found["dependence"]["not_applicable"] == "the model has one asset"
    (qq, *_) = found["distribution"]["figures"]
    assert [view["name"] for view in qq["views"]] == ["ABLE"]
    assert found["windows"]["not_applicable"] is None


def test_an_asset_that_was_not_always_observed_is_left_out_of_curves(subject, span):
    prices = subject.prices.copy()
    prices.loc["2017-08-01":"2017-09-01", "BAKER"] = float("nan")
    thin = Subject(subject.sampler, subject.card, prices, subject.portfolio)
    found = sections(report(thin, span, PLAN))
    names = [view["name"] for view in found["dynamics"]["figures"][0]["views"]]
    assert names == ["ABLE", "CHARLIE", "DOG"]
    assert "BAKER" in [view["name"] for view in found["distribution"]["figures"][0]["views"]]


def test_an_audit_is_shown_with_its_intervals(subject):
    runs = {"longest": 2, "longest_real": 2, "longest_allowed": 4, "share_copied": 0.0}
    copies = {
        "n_paths": 512,
        "n_days": 90,
        "is_copy": False,
        "runs": runs,
        "scale_free_runs": runs,
        "nearest_neighbours": {"median_ratio": 1.02, "share_closer": 0.011},
    }
    figures = {"auc": 0.71, "auc_low": 0.64, "auc_high": 0.78}
    rates = {"tpr_at_1pct_fpr": None, "low": None, "high": None}
    audit = {
        "kind": "privacy",
        "model": "tiny@1",
        "copies": copies,
        "membership": {
            "attacks": {"likelihood": figures | rates},
            "n_members": 40,
            "n_held_out": 41,
            "window": 10,
        },
        "verdict": "leak: members are told from held-out windows by likelihood",
        "notes": ["an audit that finds nothing is no proof"],
    }
    audited = Subject(subject.sampler, subject.card, subject.prices, subject.portfolio, audit=audit)
    record = report(audited, None, PLAN)
    (_, table) = sections(record)["copies"]["tables"]
    assert table["rows"] == [["likelihood", "0.710", "0.640 to 0.780", None, None]]
    failed = [entry["text"] for entry in record["verdict"]["lists"]["Failed"]]
    assert any(text.startswith("Privacy audit: leak") for text in failed)


def test_an_unknown_baseline_is_refused(subject):
    span = compared_span(subject.prices, subject.sampler.fitted_until)
    with pytest.raises(RequestError, match="baseline must be one of"):
        report(subject, span, Plan(baselines=("arima",)))


def test_prices_that_lack_an_asset_are_refused(subject):
    lacking = subject.prices[["ABLE", "BAKER"]]
    thin = Subject(subject.sampler, subject.card, lacking, subject.portfolio)
    with pytest.raises(UnknownAssetError, match="CHARLIE"):
        report(thin, None, PLAN)


def test_stressed_days_are_known_beforehand(subject):
    prices, sampler = subject.prices, subject.sampler
    first, last = prices.index[500], prices.index[700]
    samplers = {"model": sampler}
    whole = report_draws(samplers, prices, first, last, seed=1)
    assert whole.is_stressed.double().mean() == pytest.approx(0.2, abs=0.01)
    later = prices.copy()
    later.loc[last, "ABLE"] *= 1.5
    changed = report_draws(samplers, later, first, last, seed=1)
    assert torch.equal(changed.is_stressed, whole.is_stressed)
    assert torch.equal(changed.steps["model"], whole.steps["model"])
    assert not torch.equal(changed.real, whole.real)


def _reported(prices: pd.DataFrame, tiny_settings, store):
    """Train a poor model of some prices and report on it in-sample."""
    config = TrainConfig.model_validate({**tiny_settings, "steps": 20})
    run = pipeline.train(prices, config, name="other", store=str(store))
    assert len(list(run)) > 0
    sampler = pipeline.load_model("other", str(store))
    span = compared_span(prices, sampler.fitted_until, "2016-06-01", in_sample=True)
    return report(Subject(sampler, run.card, prices, equal_weights(sampler.assets)), span, PLAN)
