import pandas as pd
import pytest

from fingan.assessment.report_span import compared_span, fitting_window
from fingan.errors import RequestError

UNTIL = pd.Timestamp("2017-12-29")


def test_the_days_after_training_are_compared(garch_prices):
    span = compared_span(garch_prices, UNTIL)
    assert (span.first, span.last) == (pd.Timestamp("2018-01-01"), garch_prices.index[-1])
    assert not span.in_sample


def test_there_is_no_span_where_no_day_lies_after_training(garch_prices):
    assert compared_span(garch_prices.loc[:UNTIL], UNTIL) is None


def test_in_sample_the_end_of_training_is_compared(garch_prices):
    span = compared_span(garch_prices, UNTIL, in_sample=True)
    assert span.last == UNTIL
    assert span.first < span.last
    assert span.in_sample


def test_days_that_training_knew_must_be_asked_for(garch_prices):
    with pytest.raises(RequestError, match="must begin after the training period"):
        compared_span(garch_prices, UNTIL, "2017-06-01")
    assert compared_span(garch_prices, UNTIL, "2017-06-01", in_sample=True).in_sample


def test_a_later_span_is_no_less_a_test_for_allowing_others(garch_prices):
    assert not compared_span(garch_prices, UNTIL, "2018-01-04", in_sample=True).in_sample


def test_both_ends_belong_to_the_span(garch_prices):
    span = compared_span(garch_prices, UNTIL, "2018-01-04", "2018-01-10")
    assert (span.first, span.last) == (pd.Timestamp("2018-01-04"), pd.Timestamp("2018-01-10"))


@pytest.mark.parametrize(
    ("first", "last"), [("2030-01-01", None), ("2018-01-10", "2018-01-04"), (None, "2016-01-04")]
)
def test_a_span_without_rows_is_refused(garch_prices, first, last):
    with pytest.raises(RequestError, match="must hold rows of the prices"):
        compared_span(garch_prices, UNTIL, first, last)


def test_baselines_are_fitted_on_the_rows_that_lie_before_the_span(garch_prices):
    span = compared_span(garch_prices, UNTIL)
    assert fitting_window(garch_prices, span) == 780  # 781 rows, the first without a return
    late = compared_span(garch_prices, UNTIL, "2015-02-02", in_sample=True)
    assert fitting_window(garch_prices, late) == 100
