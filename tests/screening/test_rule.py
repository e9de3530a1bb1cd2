import pytest

from benchmarks.planted_signal import every_row, universe
from fingan.errors import RequestError
from fingan.scenarios.baselines import baseline
from fingan.screening.rule import rule_of
from fingan.screening.specification import ScreenSpec
from fingan.screening.validation import Subject, validate


def test_a_definition_is_walked_forward_with_its_own_candidates():
    market = universe(5, 3, 0.3, seed=4)
    rule = rule_of(ScreenSpec(horizon=2, top_k=2), tuple(market.prices.columns))
    design = every_row(market, 512)
    found = validate(
        lambda rows: baseline("gaussian", rows),
        market.prices,
        rule,
        design,
        Subject("gaussian", None, "screen"),
    )
    assert len(rule.candidates) == 5
    assert found.design["n_picks"] == 2
    assert found.rank_ic.n_dates == found.design["n_dates"] > 0


def test_views_of_one_date_cannot_be_validated():
    spec = ScreenSpec.model_construct(drift_policy="views")
    with pytest.raises(RequestError, match="views are of one date"):
        rule_of(spec, ("A", "B"))
