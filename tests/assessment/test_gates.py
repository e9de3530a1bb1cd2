import pandas as pd
import pytest
from controls import (
    constant,
    flattened,
    garch_market,
    known,
    one_mode,
    replaying,
    shuffled,
    thin_tailed,
    truth,
)

from fingan.assessment.evidence import Periods
from fingan.assessment.gate import AMONG_HISTORIES, HISTORY_LEVEL, LEVEL, OF_FORECASTS, Gate
from fingan.assessment.gates import GATES_VERSION, GateReport, run_gates
from fingan.assessment.validation import Validation

N_DAYS, N_TRAINING, EMBARGO = 1_800, 1_350, 32
ALL = {
    "training_health",
    "distinct_paths",
    "one_mode",
    "spread_of_assets",
    "spread_of_directions",
    "clustering",
    "tails",
    "coverage",
    "copies",
    "score",
}


UNSCORED = Validation({}, "", 0, "not asked for here")


def periods_of(market: pd.DataFrame) -> Periods:
    return Periods(market, market.index[N_TRAINING], market.index[N_TRAINING + EMBARGO])


@pytest.fixture(scope="module")
def market():
    return garch_market(N_DAYS, 4, seed=0)


@pytest.fixture(scope="module")
def failed(market):
    """Names of the gates that a sampler fails, the score left out."""

    def run(sampler):
        return set(run_gates(sampler, periods_of(market), validation=UNSCORED).failed)

    return run


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]
)
def test_a_true_model_passes_every_gate(seed):
    market = garch_market(N_DAYS, 4, seed)
    record = run_gates(truth(market), periods_of(market), seed=seed).record()
    assert set(record["passed"]) == ALL
    assert record["failed"] == record["not_applicable"] == []


@pytest.mark.slow
@pytest.mark.parametrize("n_assets", [1, 10])
def test_true_models_pass_over_many_seeds(n_assets):
    failures = []
    for seed in range(100, 110):
        market = garch_market(N_DAYS, n_assets, seed)
        failures += run_gates(truth(market), periods_of(market), seed=seed).failed
    assert failures == []  # ten times 1 % at most, by Bonferroni


def test_a_constant_generator_fails_for_its_paths_and_its_spread(failed, market):
    assert {"distinct_paths", "one_mode", "spread_of_assets", "coverage"} <= failed(
        constant(market)
    )


def test_a_generator_of_one_mode_fails_for_it(failed, market):
    assert {"distinct_paths", "one_mode"} <= failed(one_mode(market))


def test_two_opposite_modes_are_found_by_their_likeness(failed, market):
    single = one_mode(market, jitter=0.1)

    def blocks(start):
        paths = single.blocks(start)
        paths[::2] *= -1  # the mean path is nought
        return paths

    assert "distinct_paths" in failed(known(market, blocks))


def test_shuffled_days_fail_for_clustering_and_not_as_copies(failed, market):
    found = failed(shuffled(periods_of(market).training))
    assert "clustering" in found
    assert not found & {"copies", "distinct_paths", "one_mode"}


@pytest.mark.parametrize("scale", [1.5, 0.6])
def test_a_wrong_volatility_fails_for_its_spread_and_coverage(failed, market, scale):
    found = failed(truth(market, scale))
    assert {"spread_of_assets", "spread_of_directions"} <= found
    assert not found & {"clustering", "tails", "copies", "one_mode"}


def test_a_lost_direction_fails_although_every_asset_is_wide_enough(failed, market):
    found = failed(flattened(market))
    assert "spread_of_directions" in found
    assert "spread_of_assets" not in found


def test_thin_tails_fail(failed, market):
    assert "tails" in failed(thin_tailed(market))


def test_a_replay_of_training_days_fails_for_copying(failed, market):
    found = failed(replaying(periods_of(market).training))
    assert "copies" in found
    assert not found & {"one_mode", "spread_of_directions"}


def test_a_model_much_worse_than_the_reference_fails_for_its_score(market):
    assert "score" in run_gates(truth(market, 4.0), periods_of(market)).failed


def test_histories_that_explode_fail_for_their_tails(failed, market):
    def blocks(start):
        paths = truth(market).blocks(start)
        paths[:, 1_000:] = float("inf")
        return paths

    assert "tails" in failed(known(market, blocks))


def test_a_training_without_a_healthy_check_fails(market):
    report = run_gates(truth(market), periods_of(market), healthy=False, validation=UNSCORED)
    assert report.failed == ["training_health"]


def test_without_enough_days_a_gate_says_why_it_is_not_applicable():
    market = garch_market(400, 4, seed=5)
    short = Periods(market, market.index[330], market.index[350])
    record = run_gates(truth(market), short, validation=UNSCORED).record()
    silent = {gate["name"]: gate for gate in record["results"] if gate["passed"] is None}
    assert set(silent) == {
        "spread_of_assets",
        "spread_of_directions",
        "clustering",
        "tails",
        "coverage",
        "score",
    }
    assert all(gate["value"] is None and gate["note"] for gate in silent.values())
    assert set(record["not_applicable"]) == set(silent)
    assert record["failed"] == []


def test_one_asset_has_no_directions():
    market = garch_market(N_DAYS, 1, seed=6)
    record = run_gates(truth(market), periods_of(market), validation=UNSCORED).record()
    assert record["not_applicable"] == ["spread_of_directions", "score"]
    assert record["failed"] == []


def test_the_record_tells_version_level_and_every_question(market):
    record = run_gates(truth(market), periods_of(market), validation=UNSCORED).record()
    assert record["version"] == GATES_VERSION
    levels = LEVEL * len(OF_FORECASTS) + HISTORY_LEVEL * len(AMONG_HISTORIES)
    assert record["family_level"] == pytest.approx(levels)
    assert LEVEL > 0
    assert all(gate["question"].endswith("?") and gate["threshold"] for gate in record["results"])


@pytest.mark.parametrize(
    ("reference_passed", "speaks"), [(True, True), (False, False), (None, True)]
)
def test_the_reference_is_only_better_where_it_passes_what_the_model_fails(
    reference_passed, speaks
):
    passed = Gate("copies", "", "", None, passed=True)
    failed = Gate("tails", "", "", None, passed=False, reference_passed=reference_passed)
    assert GateReport([passed, failed]).speaks_for_reference is speaks
    assert GateReport([passed]).speaks_for_reference is False
