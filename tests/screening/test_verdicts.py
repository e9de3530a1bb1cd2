import math

import pytest
from scipy.stats import t

from fingan.risk.estimates import Estimate
from fingan.screening.specification import Criterion, Multiplicity
from fingan.screening.verdicts import adjusted, bounds, p_value, spread_of, verdict


def estimate(value, mc_se=0.01, model_se=None):
    return Estimate(value, mc_se, value - 0.02, value + 0.02, model_se, 10_000)


def at_least(value, confidence=0.95):
    return Criterion(metric="p_gt", op=">=", value=value, confidence=confidence)


def test_a_verdict_needs_the_bound_and_not_the_estimate():
    assert verdict(at_least(0.50), bounds(estimate(0.53), 0.95, 1)) == "pass"
    assert verdict(at_least(0.52), bounds(estimate(0.53), 0.95, 1)) == "undecided"
    assert verdict(at_least(0.56), bounds(estimate(0.53), 0.95, 1)) == "fail"


def test_an_upper_limit_is_judged_from_the_other_side():
    limit = Criterion(metric="es", op="<=", value=0.12)
    ends = [bounds(estimate(value), 0.95, 1) for value in (0.09, 0.11, 0.15)]
    assert [verdict(limit, each) for each in ends] == ["pass", "undecided", "fail"]


def test_model_error_makes_undecided_what_paths_alone_would_pass():
    sure, doubtful = estimate(0.53), estimate(0.53, model_se=0.02)
    assert verdict(at_least(0.50), bounds(sure, 0.95, 5)) == "pass"
    assert verdict(at_least(0.50), bounds(doubtful, 0.95, 5)) == "undecided"


def test_few_generators_have_the_tails_of_students_t():
    lower, upper = bounds(estimate(0.5, 0.0, 0.02), 0.95, 5)
    assert lower == pytest.approx(0.5 - 0.02 * t(4).ppf(0.95))
    assert upper == pytest.approx(0.5 + 0.02 * t(4).ppf(0.95))


def test_an_ensembles_error_has_one_degree_of_freedom_less_than_generators():
    found = spread_of(estimate(0.5, 0.01, 0.01), 5)
    assert found.freedom == 4
    assert found.se == pytest.approx(0.01 * 2**0.5)
    assert spread_of(estimate(0.5, 0.01, 0.0), 5).freedom == 4
    assert math.isinf(spread_of(estimate(0.5), 1).freedom)


def test_no_hit_at_all_is_bounded_by_its_interval():
    none = Estimate(0.0, 0.0, 0.0, 0.004, 0.0, 1_000)
    assert bounds(none, 0.95, 5) == (0.0, 0.004)


def test_a_figure_without_an_error_is_undecided():
    ends = bounds(Estimate(math.nan, None, None, None, None, 100), 0.95, 1)
    assert ends is None
    assert verdict(at_least(0.5), ends) == "undecided"


def test_p_is_against_the_best_reference():
    weak, strong = estimate(0.50), estimate(0.56)
    one = p_value(at_least(0.5), estimate(0.55), [weak], 1)
    both = p_value(at_least(0.5), estimate(0.55), [weak, strong], 1)
    assert one < 0.001
    assert both > 0.5
    less = Criterion(metric="es", op="<=", value=0.5)
    assert p_value(less, estimate(0.45), [weak], 1) == pytest.approx(one)


def test_adjustment_is_benjamini_and_hochberg_and_by_is_stricter():
    values = [0.01, 0.02, None, 0.9]
    bh = adjusted(values, Multiplicity(method="bh"))
    assert bh == [pytest.approx(0.03), pytest.approx(0.03), None, pytest.approx(0.9)]
    by = adjusted(values, Multiplicity(method="by"))
    assert by[0] == pytest.approx(0.03 * (1 + 1 / 2 + 1 / 3))
    assert adjusted([None], Multiplicity()) == [None]
