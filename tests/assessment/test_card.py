import json
from dataclasses import replace

import pytest
from training_runs import make_run

from fingan.assessment.card import Provenance, model_card
from fingan.assessment.gates import GATES_VERSION
from fingan.scenarios.samplers import TrainedSampler
from fingan.scenarios.store import ModelStore


@pytest.fixture(scope="module")
def trained(garch_prices, tmp_path_factory):
    """A run of a few steps, and its last report."""
    run = make_run(garch_prices, tmp_path_factory.mktemp("store"), steps=10, every=10)
    *_, progress = run
    return run, progress


@pytest.fixture
def card(trained, garch_prices):
    run, progress = trained

    def make():
        provenance = Provenance(garch_prices, "garch", "digest", 1.5, 1)
        return model_card(TrainedSampler(run.model(progress)), progress, provenance)

    return make


def test_a_published_card_tells_version_gates_and_claims(tiny_model):
    card = ModelStore(tiny_model.store).resolve(tiny_model.reference).card
    assert card["card_version"] == 3
    assert card["gates"]["version"] == GATES_VERSION
    names = {gate["name"] for gate in card["gates"]["results"]}
    sides = [set(card["gates"][side]) for side in ("passed", "failed", "not_applicable")]
    assert set.union(*sides) == names
    assert sum(map(len, sides)) == len(names)
    assert card["limits"]
    assert any(
        "financial" in claim or "profitable" in claim for claim in card["must_not_be_claimed"]
    )


def test_a_history_too_short_for_a_gate_is_not_applicable(card):
    gates = card()["gates"]
    assert {"coverage", "spread_of_assets"} <= set(gates["not_applicable"])
    assert {"distinct_paths", "one_mode", "copies"} <= set(gates["passed"])


def test_a_model_that_passes_is_trained_and_nothing_else_is_offered(card):
    made = card()
    assert made["gates"]["failed"] == []
    assert (made["status"], made["offer"]) == ("trained", None)


def test_a_model_that_fails_a_gate_is_a_candidate_beside_a_baseline(card, trained, monkeypatch):
    _, progress = trained
    monkeypatch.setattr(progress.state, "best_scores", {})
    made = card()
    assert made["gates"]["failed"] == ["training_health"]
    assert (made["status"], made["offer"]) == ("candidate", "fhs-gjr")


def test_the_card_names_a_generator_that_was_left_out(garch_prices, tmp_path):
    run = make_run(garch_prices, tmp_path, steps=10, every=10, ensemble=2)
    *_, progress = run
    (first,) = progress.state.finished
    progress.state.finished = [replace(first, best_scores={})]
    model = run.model(progress)
    assert len(model.generators) == model.shape.n_generators == 1
    provenance = Provenance(garch_prices, "garch", "digest", 1.5, 1)
    made = model_card(TrainedSampler(model), progress, provenance)
    assert made["selection"]["left_out"] == [1]
    assert [one["published"] for one in made["selection"]["generators"]] == [False, True]
    assert "training_health" in made["gates"]["passed"]
    assert made["training"]["n_generators"] == 2


def test_the_card_is_json(card):
    made = card()
    assert json.loads(json.dumps(made, allow_nan=False)) == made
