import json

import pandas as pd
import pytest
from controls import garch_market, replaying, truth

from fingan.assessment.evaluation import METRICS
from fingan.assessment.fidelity import evaluate, fit_baselines
from fingan.errors import RequestError, UnknownAssetError

N_FITTED, N_SPAN = 620, 200
SOON = pd.Timestamp("2010-09-15")  # after some of the days of the span


@pytest.fixture(scope="module")
def market():
    return garch_market(N_FITTED + N_SPAN, 3, seed=3)


@pytest.fixture(scope="module")
def past(market):
    rows = market.iloc[:N_FITTED]
    rows.attrs = dict(market.attrs)
    return rows


@pytest.fixture(scope="module")
def samplers(past):
    return {
        "model": truth(past).renamed("model@1"),
        "wrong": truth(past, 2.0).renamed("wrong"),
        "one": truth(past).renamed("vine"),
        "replay": replaying(past).renamed("replay"),
        "fhs-gjr": truth(past).renamed("fhs-gjr"),
    }


@pytest.fixture(scope="module")
def record(samplers, market):
    return evaluate(samplers, market, n_paths=64, seed=5).record()


def values(record, sampler):
    (row,) = [row for row in record["rows"] if row["sampler"] == sampler]
    return row["values"]


def test_the_record_is_json_and_names_every_metric_in_every_row(record, samplers):
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert [row["sampler"] for row in record["rows"]] == list(samplers)
    names = [metric.name for metric in METRICS]
    assert all(list(row["values"]) == names for row in record["rows"])
    assert (record["kind"], record["model"], record["seed"]) == ("evaluation", "model@1", 5)


def test_every_value_is_a_number_or_a_reason(record):
    for row in record["rows"]:
        for name, value in row["values"].items():
            assert (value["estimate"] is None) == (value["note"] is not None), name


def test_the_span_begins_on_the_day_after_the_last_fitted_one(record, market):
    assert record["span"] == {
        "first": f"{market.index[N_FITTED]:%Y-%m-%d}",
        "last": f"{market.index[-1]:%Y-%m-%d}",
        "n_days": N_SPAN,
    }
    assert record["in_sample"] is False


def test_scores_stand_beside_the_reference_with_errors(record):
    ours, wrong, theirs = (
        values(record, name)["energy_score_10"] for name in ("model", "wrong", "fhs-gjr")
    )
    assert theirs["difference"] == 0
    assert ours == theirs  # the same law, days and seeds
    assert wrong["difference"] > 0
    assert wrong["t"] > 2
    assert 0 < ours["standard_error"] < ours["estimate"]


def test_a_sampler_of_one_step_has_the_scores_of_one_step(record):
    found = values(record, "one")
    assert found["crps_assets_1"]["estimate"] == pytest.approx(
        values(record, "model")["crps_assets_1"]["estimate"], rel=0.1
    )
    for name in ("crps_assets_5", "energy_score_10", "emd_20", "copied_share"):
        assert found[name]["note"] == "one step only"


def test_a_replay_shows_in_the_copy_statistics(record):
    assert values(record, "replay")["copied_share"]["estimate"] > 0.9
    assert values(record, "model")["copied_share"]["estimate"] == 0
    assert values(record, "replay")["neighbour_ratio"]["estimate"] < 0.2


def test_thin_data_have_a_reason_and_no_floor(record):
    reason = values(record, "model")["acf_absolute"]["note"]
    assert reason == "not applicable: 500 days are needed, got 200"
    assert "acf_absolute" not in record["floor"]["values"]
    assert "acf_absolute" not in record["real_against_real"]["values"]


def test_a_true_model_lies_about_the_floor_and_a_wrong_one_beyond_it(record):
    band = record["floor"]["values"]["emd_1"]
    assert band["p10"] <= band["mean"] <= band["p90"]
    assert values(record, "model")["emd_1"]["estimate"] < band["mean"] + 4 * band["std"]
    assert values(record, "wrong")["emd_1"]["estimate"] > band["mean"] + 4 * band["std"]
    assert record["real_against_real"]["values"]["emd_1"] > 0


def test_the_same_seed_gives_the_same_record(samplers, market):
    few = {name: samplers[name] for name in ("model", "fhs-gjr")}
    first, again = (evaluate(few, market, last=SOON, n_paths=16).record() for _ in range(2))
    assert first == again


def test_days_that_a_sampler_was_fitted_on_are_refused(samplers, market):
    with pytest.raises(RequestError, match=r"must begin after .* the last day that 'model@1'"):
        evaluate(samplers, market, first=market.index[N_FITTED - 1])


def test_in_sample_each_row_says_so(samplers, market):
    few = {name: samplers[name] for name in ("model", "fhs-gjr")}
    record = evaluate(
        few, market, first=market.index[500], last=market.index[600], n_paths=16, in_sample=True
    ).record()
    assert record["in_sample"] is True
    assert all(row["in_sample"] for row in record["rows"])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"last": "2010-06-30"}, "the span must hold at least 60 days of returns, got 31"),
        (
            {"reference": "garch-t"},
            "reference must be one of the samplers, model, .* got 'garch-t'",
        ),
        ({"first": "soon"}, "from must be a date such as 2020-03-16, got 'soon'"),
        (
            {"first": "2008-01-10", "in_sample": True},
            "at least 60 days must lie before the span",
        ),
    ],
)
def test_a_request_that_makes_no_sense_is_one_sentence(samplers, market, settings, sentence):
    with pytest.raises(RequestError, match=sentence):
        evaluate(samplers, market, **settings)


def test_prices_without_an_asset_are_refused(samplers, market):
    with pytest.raises(UnknownAssetError, match=r"asset 'A02' of .* is not in the prices"):
        evaluate(samplers, market[["A00", "A01"]])


def test_baselines_know_the_rows_that_the_sampler_knew(samplers, market, past):
    fitted, skipped = fit_baselines(["historical"], market, samplers["model"])
    assert skipped == []
    assert fitted["historical"].fitted_until == past.index[-1]
    assert fitted["historical"].assets == tuple(market.columns)


def test_a_baseline_that_cannot_be_fitted_is_left_out_with_a_reason(market):
    young = truth(market.iloc[:80])
    fitted, skipped = fit_baselines(["historical"], market, young)
    assert fitted == {}
    assert skipped[0].startswith("historical: not applicable: at least 100 days")


def test_an_unknown_baseline_is_refused(samplers, market):
    with pytest.raises(RequestError, match="baseline must be one of historical"):
        fit_baselines(["arch"], market, samplers["model"])


def test_days_after_the_span_change_nothing(samplers, market):
    few = {name: samplers[name] for name in ("model", "fhs-gjr")}
    changed = market.copy()
    changed.loc[market.index > SOON] *= 2
    first, again = (
        evaluate(few, prices, last=SOON, n_paths=16).record() for prices in (market, changed)
    )
    assert first == again
