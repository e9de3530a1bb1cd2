import json
from dataclasses import replace

import pytest
import torch

from fingan.errors import RequestError
from fingan.pipeline import load_model
from fingan.scenarios.baselines import baseline
from fingan.screening.records import Standing
from fingan.screening.screen import run_screen
from fingan.screening.specification import ScreenSpec
from fingan.screening.trials import Trials


def variant(spec, **changes):
    return ScreenSpec.model_validate(spec.model_dump(mode="json") | changes)


def test_every_candidate_has_a_place_and_every_figure_an_error_or_a_reason(found, spec):
    record = found.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert [row["rank"] for row in record["results"]] == list(range(1, 11))
    assert record["n_tests"] == 10 * len(spec.criteria)
    for row in record["results"]:
        for figure in (row["score"], *row["criteria"], *row["distribution"].values()):
            assert figure["mc_se"] is not None or figure["note"]
        assert {"block-bootstrap", "historical", "random"} <= set(row["criteria"][0]["reference"])


def test_a_run_says_what_it_is_not(found):
    record = found.record()
    assert record["validation"]["status"] == "unvalidated"
    assert "not advice" in record["not_advice"]
    assert any("shape alone" in text for text in record["warnings"])
    assert any("no model error" in text for text in record["warnings"])


def test_the_same_screen_gives_the_same_run(found, gaussian, garch_prices, spec):
    again = run_screen(
        gaussian, garch_prices, spec, references=[baseline("historical", garch_prices)]
    )
    assert again.run == found.run
    scores = [one.place.score for one in found.results]
    assert [one.place.score for one in again.results] == scores
    other = run_screen(gaussian, garch_prices, variant(spec, seed=4), references=[gaussian])
    assert other.run != found.run


def test_later_rows_change_nothing(gaussian, garch_prices, spec):
    changed = garch_prices.copy()
    changed.attrs = dict(garch_prices.attrs)
    changed.iloc[-100:] *= 3
    early = variant(spec, as_of=f"{garch_prices.index[-150]:%Y-%m-%d}")
    first, second = (run_screen(gaussian, rows, early) for rows in (garch_prices, changed))
    assert first.record()["results"] == second.record()["results"]
    assert any("fitted on rows after as_of" in text for text in first.warnings)


def test_neutral_leaves_every_long_candidate_its_costs(gaussian, garch_prices, spec):
    single = variant(spec, universe={"assets": ["ABLE", "DOG"]}, directions=["long"])
    found = run_screen(gaussian, garch_prices, single, references=[gaussian])
    for one in found.results:
        assert one.distribution["mean"].estimate == pytest.approx(-0.002, abs=1e-6)


def test_the_models_own_drift_is_warned_of(gaussian, garch_prices, spec):
    raw = run_screen(
        gaussian, garch_prices, variant(spec, drift_policy="model"), references=[gaussian]
    )
    assert any("noise of the means" in text for text in raw.warnings)


def test_a_generator_is_no_discovery_beside_itself(gaussian, garch_prices, spec):
    found = run_screen(gaussian, garch_prices, spec, references=[gaussian])
    assert not found.listed
    assert all(one.criteria[0].p >= 0.49 for one in found.results)
    assert any("the order is nearly that of gaussian" in text for text in found.warnings)


def test_views_move_the_mean_they_name(gaussian, garch_prices, spec):
    asked = variant(
        spec,
        drift_policy="views",
        views=["mean ABLE=0.02"],
        universe={"assets": ["ABLE", "DOG"]},
        directions=["long"],
    )
    found = run_screen(gaussian, garch_prices, asked, references=[gaussian])
    means = {one.candidate.name: one.distribution["mean"] for one in found.results}
    assert means["ABLE"].estimate == pytest.approx(0.018, abs=1e-3)
    assert 0 < means["DOG"].estimate < means["ABLE"].estimate
    assert means["ABLE"].ess < 2_048


def test_an_ensemble_has_a_model_error(tiny_model, garch_prices, spec):
    model = load_model(tiny_model.reference, tiny_model.store)
    found = run_screen(model, garch_prices, spec, references=[baseline("historical", garch_prices)])
    assert all(one.place.score.model_se is not None for one in found.results)
    assert any("an ensemble of 2 knows its model error badly" in text for text in found.warnings)
    assert found.model_digest == model.digest


def test_the_articles_rule_stands_beside_where_it_is_asked_for(gaussian, garch_prices, spec):
    asked = variant(spec, criterion="article", n_scenarios=512)
    found = run_screen(gaussian, garch_prices, asked, references=[gaussian])
    (rule,) = found.article.values()
    assert rule.mean_of_selected.estimate > 0.002
    assert abs(rule.mean_after.estimate) < 5 * rule.mean_after.mc_se
    assert found.record()["article"]["gaussian"]["threshold"] == 0.002


def test_evidence_and_trials_go_with_the_record(found):
    record = replace(found, validation=Standing("stale", None), trials=Trials(2, 9)).record()
    assert record["trials"] == {"of_this_definition": 2, "of_all": 9}
    assert record["validation"]["status"] == "stale"


def test_errors_under_neutral_are_no_smaller_than_the_scatter_over_seeds(
    gaussian, garch_prices, spec
):
    small = variant(spec, universe={"assets": ["ABLE"]}, directions=["long"], n_scenarios=512)
    runs = [
        run_screen(gaussian, garch_prices, variant(small, seed=seed), references=[gaussian])
        for seed in range(25)
    ]
    for number in range(2):
        figures = [one.results[0].criteria[number].estimate for one in runs]
        spread = torch.tensor([one.estimate for one in figures]).std()
        stated = torch.tensor([one.mc_se for one in figures]).square().mean().sqrt()
        assert spread < 1.35 * stated  # of 25 seeds: two and a half standard errors


def test_levels_have_no_portfolios(garch_prices, spec):
    levels = garch_prices.copy()
    levels.attrs = {**garch_prices.attrs, "kind": "level"}
    with pytest.raises(RequestError, match="the model is one of levels"):
        run_screen(baseline("gaussian", levels), levels, spec)


def test_what_is_better_than_every_reference_is_listed(gaussian, garch_prices, spec):
    wilder = garch_prices**1.5  # log-returns half as large again
    wilder.attrs = dict(garch_prices.attrs)
    limit = {"metric": "es", "op": "<=", "value": 0.2}
    asked = variant(spec, criteria=[limit], directions=["long"])
    found = run_screen(gaussian, garch_prices, asked, references=[baseline("gaussian", wilder)])
    assert {one.candidate.name for one in found.listed} >= {"ABLE", "BAKER", "half"}
    assert all(one.criteria[0].q < 0.01 for one in found.listed)
    mixed = run_screen(
        gaussian, garch_prices, asked, references=[gaussian, baseline("gaussian", wilder)]
    )
    assert not mixed.listed  # the best reference counts
