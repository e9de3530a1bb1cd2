import pytest
import torch
from controls import garch_market

from fingan.assessment.evaluation import METRICS, ONE_STEP_ONLY
from fingan.assessment.realism import FACTS, realism
from fingan.data.returns import log_returns

CLASSIFIED = "discriminative_score"


def returns(n_days, seed, n_assets=3):
    return log_returns(garch_market(n_days + 1, n_assets, seed)).values


@pytest.fixture(scope="module")
def real():
    return returns(600, seed=1)


@pytest.fixture
def facts(monkeypatch):
    """The facts that need no classifier: quick ones."""
    quick = tuple(fact for fact in FACTS if fact.name != CLASSIFIED)
    monkeypatch.setattr("fingan.assessment.realism.FACTS", quick)


@pytest.mark.usefixtures("facts")
def test_a_history_does_not_differ_from_itself(real):
    for name, value in realism(real, real.unsqueeze(0)).items():
        if name != "tail_quantile_error":  # a quantile read off against one that was fitted
            assert value.estimate == pytest.approx(0, abs=1e-6), name


@pytest.mark.usefixtures("facts")
def test_a_wrong_volatility_shows_in_the_distribution_and_not_in_the_memory(real):
    alike = torch.stack([returns(600, seed) for seed in range(2, 6)])
    true, wide = realism(real, alike), realism(real, 2 * alike)
    for name in ("emd_1", "emd_20", "dy_1", "eigen_variance_error", "tail_quantile_error"):
        assert wide[name].estimate > 1.5 * true[name].estimate, name
    for name in ("acf_absolute", "leverage", "correlation_error", "hill_error"):
        assert wide[name].estimate == pytest.approx(true[name].estimate, rel=1e-6), name


@pytest.mark.usefixtures("facts")
def test_shuffled_days_show_in_the_memory_and_not_in_the_distribution(real):
    shuffled = real[torch.randperm(600, generator=torch.Generator().manual_seed(0))].unsqueeze(0)
    found = realism(real, shuffled)
    assert found["acf_absolute"].estimate > 0.02
    assert found["emd_1"].estimate == pytest.approx(0, abs=1e-9)
    assert found["correlation_error"].estimate == pytest.approx(0, abs=1e-9)


def test_a_classifier_tells_a_wrong_volatility(real):
    alike = returns(600, seed=9).unsqueeze(0)
    (told_apart,) = (fact.score for fact in FACTS if fact.name == CLASSIFIED)
    assert told_apart(real, 3 * alike) > max(told_apart(real, alike), 0.35)


def test_too_few_days_are_not_applicable():
    short = returns(100, seed=1)
    found = realism(short, short.unsqueeze(0))
    for name in ("acf_absolute", "leverage", "dy_1", "hill_error", CLASSIFIED):
        assert found[name].estimate is None
        assert found[name].note.startswith("not applicable: ")
        assert found[name].note.endswith(" days are needed, got 100")
    assert found["emd_1"].estimate == pytest.approx(0)


def test_a_sampler_of_one_step_has_no_facts_of_several(real):
    found = realism(real, real.unsqueeze(1))
    for name in ("acf_square", "emd_5", "dy_20", CLASSIFIED):
        assert found[name].note == ONE_STEP_ONLY
    assert found["emd_1"].estimate == pytest.approx(0)
    assert found["correlation_error"].estimate == pytest.approx(0, abs=1e-6)


@pytest.mark.usefixtures("facts")
def test_one_asset_has_no_dependence(real):
    found = realism(real[:, :1], real[:, :1].unsqueeze(0))
    for name in ("correlation_error", "eigen_variance_error", "tail_dependence_error"):
        assert found[name].note == "not applicable: one asset has no dependence"


@pytest.mark.usefixtures("facts")
def test_missing_days_are_left_out(real):
    holed = real.clone()
    holed[::50, 1] = torch.nan
    found, whole = realism(holed, real.unsqueeze(0)), realism(real, real.unsqueeze(0))
    assert all(value.estimate is not None for value in found.values())
    assert found["emd_1"].estimate == pytest.approx(whole["emd_1"].estimate, abs=0.05)


def test_every_fact_is_a_metric_of_the_record():
    names = {metric.name for metric in METRICS if metric.group not in ("scores", "copies")}
    assert {fact.name for fact in FACTS} == names
