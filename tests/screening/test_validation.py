import json

import pandas as pd
import pytest

from benchmarks.planted_signal import believer, every_row, mean_rule, universe
from fingan.errors import RequestError, UnknownAssetError
from fingan.scenarios.baselines import baseline
from fingan.screening.records import find_validation, save_validation
from fingan.screening.validation import Subject, validate

N_DATES = 40
SUBJECT = Subject("oracle", "sha256:aaaa", "b" * 64)


def validated(market, *, knows, subject=SUBJECT, **arguments):
    fit, rule, design = believer(market, knows=knows), mean_rule(market), every_row(market, 1_024)
    return validate(fit, market.prices, rule, design, subject, **arguments)


@pytest.fixture(scope="module")
def planted():
    return universe(40, N_DATES, 0.15, seed=3)


@pytest.fixture(scope="module")
def found(planted):
    references = {"fhs-gjr": lambda rows: baseline("historical", rows)}
    return validated(planted, knows=True, references=references, n_trials=3)


def answers(validation):
    return {question.asked: question.answer for question in validation.questions()}


def test_a_planted_signal_is_found(found):
    assert found.rank_ic.lower > 0.05
    assert found.rank_ic.upper > 0.1
    assert answers(found)["Does it order outcomes?"] == "yes"
    assert found.increments["random"].lower > 0


def test_a_planted_signal_of_one_row_is_gone_in_the_next_window(found):
    assert found.decay[0].estimate == found.rank_ic.estimate
    assert found.decay[1].lower < 0 < found.decay[1].upper


def test_a_generator_that_believes_in_another_signal_is_not_found(planted):
    validation = validated(planted, knows=False)
    assert answers(validation)["Does it order outcomes?"] == "no"
    assert validation.density is None
    assert validation.reliability.slope_ci[0] < 0.6


def test_the_record_is_json_with_an_error_or_a_reason_for_each_mean(found):
    record = found.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    means = [record["rank_ic"], *record["decay"], *record["references"].values()]
    assert all(mean["se"] is not None or mean["note"] for mean in means)
    assert record["minimum_detectable_ic"]["t2"] == pytest.approx(2 * found.rank_ic.se)
    assert record["design"]["n_dates"] == N_DATES
    assert record["top_minus_bottom"]["n_trials"] == 3
    assert set(record["references"]) == {"fhs-gjr", "random", "momentum", "low-volatility"}


def test_few_dates_answer_nothing_instead_of_inventing():
    few = universe(5, 6, 0.9, seed=2)
    validation = validated(few, knows=True)
    assert validation.rank_ic.se is None
    assert answers(validation)["Does it order outcomes?"] == "cannot tell"
    assert answers(validation)["Is it more than a lucky search?"] == "cannot tell"
    assert json.dumps(validation.record(), allow_nan=False)


def test_dates_that_networks_were_trained_on_are_refused_or_marked(planted):
    seen = Subject("oracle", None, "b" * 64, pd.Timestamp(planted.prices.index[-20]))
    with pytest.raises(RequestError, match="the last date that model 'oracle' was trained on"):
        validated(planted, knows=False, subject=seen)
    marked = validated(planted, knows=False, subject=seen, in_sample=True).record()
    assert marked["design"]["in_sample"] is True
    assert any("in-sample" in note for note in marked["notes"])


def test_a_screen_of_an_asset_that_is_not_there_is_refused(planted):
    fewer = planted.prices.drop(columns="A001")
    rule, design = mean_rule(planted), every_row(planted, 100)
    with pytest.raises(UnknownAssetError, match="'A001' of the screen is not in the prices"):
        validate(believer(planted, knows=True), fewer, rule, design, SUBJECT)


def test_a_record_stands_for_its_screen_and_model_alone(found, tmp_path):
    store = str(tmp_path)
    screen, model = "b" * 64, "sha256:aaaa"
    assert find_validation(store, screen, model).status == "unvalidated"
    save_validation(store, found.record())
    standing = find_validation(store, screen, model)
    assert standing.status == "ok"
    assert standing.record == found.record()
    assert "40 dates" in standing.summary()
    assert find_validation(store, screen, "sha256:cccc").status == "stale"
    assert find_validation(store, "d" * 64, model).status == "stale"
    assert find_validation(store, "d" * 64, "sha256:cccc").status == "unvalidated"


def test_an_in_sample_record_never_stands_as_evidence(planted, tmp_path):
    seen = Subject("oracle", None, "b" * 64, planted.prices.index[-1])
    record = validated(planted, knows=True, subject=seen, in_sample=True).record()
    save_validation(str(tmp_path), record)
    assert find_validation(str(tmp_path), "b" * 64, None).status == "in-sample"


def test_progress_names_the_generator_and_counts_its_dates(planted):
    told = []
    validated(planted, knows=False, progress=lambda *step: told.append(step))
    done = [n_dates for _, n_dates, _ in told]
    assert done == sorted(set(done))
    assert told[-1] == ("oracle", N_DATES, N_DATES)


def test_one_date_alone_is_a_record_without_errors():
    validation = validated(universe(5, 1, 0.9, seed=2), knows=True)
    assert validation.rank_ic.n_dates == 1
    assert validation.rank_ic.se is None
    assert answers(validation)["Is it stable?"] == "cannot tell"
