"""The report lists what was put into the series, and alters nothing."""

import json

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from fingan.data.prices import inspect_prices
from fingan.data.quality import DataReport, data_digest
from fingan.data.suspects import find_gaps, guess_frequency


@pytest.fixture
def walk() -> pd.DataFrame:
    random = np.random.default_rng(3)
    dates = pd.bdate_range("2015-01-01", periods=1000, name="date").as_unit("ns")
    values = 100 * np.exp(random.normal(0, 0.01, (1000, 2)).cumsum(axis=0))
    return pd.DataFrame(values, dates, ["A", "B"])


def test_a_clean_walk_has_nothing_to_report(walk):
    _, report = inspect_prices(walk)
    counts = (report.n_gaps, report.n_outliers, report.n_split_suspects, report.n_stale_runs)
    assert counts == (0, 0, 0, 0)
    assert report.warnings == ()


@pytest.mark.parametrize("factor", [2, 3, 4, 7, 10])
def test_a_planted_split_is_found_at_its_date(walk, factor):
    walk.loc["2017-03-01":, "B"] /= factor
    prices, report = inspect_prices(walk)
    (suspect,) = report.split_suspects
    assert (suspect.asset, suspect.date, suspect.pattern) == ("B", "2017-03-01", "split")
    assert suspect.factor == pytest.approx(1 / factor, rel=0.05)
    pd.testing.assert_frame_equal(prices, walk, check_freq=False)


def test_a_scale_that_flips_and_flips_back_is_found_twice(walk):
    walk.loc["2017-03-01":"2017-06-01", "A"] *= 7.8
    _, report = inspect_prices(walk)
    assert [s.pattern for s in report.split_suspects] == ["scale flip"] * 2
    assert {s.date for s in report.split_suspects} == {"2017-03-01", "2017-06-02"}


def test_a_stale_run_an_outlier_and_a_gap_are_found(walk):
    walk.loc["2016-02-01":"2016-02-12", "A"] = walk.loc["2016-02-01", "A"]
    walk.loc["2018-01-02":, "B"] *= 0.75
    walk = walk.drop(walk.loc["2017-05-01":"2017-05-19"].index)
    _, report = inspect_prices(walk)
    (stale,) = report.stale_runs
    assert (stale.asset, stale.first, stale.last) == ("A", "2016-02-01", "2016-02-12")
    assert [(o.asset, o.date) for o in report.outliers] == [("B", "2018-01-02")]
    assert [(g.after, g.before) for g in report.gaps] == [("2017-04-28", "2017-05-22")]


def test_assets_that_start_late_and_end_early_keep_their_span(walk):
    walk.iloc[:100, 0] = np.nan
    walk.iloc[900:, 1] = np.nan
    walk.iloc[500, 1] = np.nan
    prices, report = inspect_prices(walk)
    a, b = report.assets
    assert (a.n_observed, a.n_missing) == (900, 0)
    assert (b.n_observed, b.n_missing, b.last) == (899, 1, str(walk.index[899].date()))
    assert int(prices.isna().sum().sum()) == 201


def test_the_digest_depends_on_values_dates_and_names_alone(walk):
    digest = data_digest(walk)
    assert digest.startswith("sha256:")
    assert data_digest(walk.copy()) == digest
    assert data_digest(walk.set_axis(walk.index.as_unit("s"))) == digest
    assert data_digest(walk.rename(columns={"A": "C"})) != digest
    assert data_digest(walk.shift(freq="D")) != digest
    changed = walk.copy()
    changed.iloc[3, 1] = np.nextafter(changed.iloc[3, 1], 0)
    assert data_digest(changed) != digest


def test_the_report_goes_through_json_and_is_frozen(walk):
    _, report = inspect_prices(walk)
    assert DataReport.model_validate(json.loads(report.model_dump_json())) == report
    with pytest.raises(ValidationError):
        report.n_rows = 3


def test_the_lines_tell_layout_span_and_digest(walk):
    walk.iloc[-1] = walk.iloc[0] * 100
    _, report = inspect_prices(walk)
    text = "\n".join(report.lines())
    assert "wide layout, kind price, daily" in text
    assert "1,000 rows from 2015-01-01 to 2018-10-31, 2 assets: A, B" in text
    assert "warning: 'A' jumps by a factor" in text
    assert report.digest in text


@pytest.mark.parametrize(
    ("freq", "name"),
    [("min", "1min"), ("5min", "5min"), ("h", "hourly"), ("4h", "4h"), ("B", "daily"),
     ("D", "daily"), ("W", "weekly"), ("ME", "monthly"), ("QE", "quarterly"), ("YE", "yearly")],
)  # fmt: skip
def test_the_frequency_is_named(freq, name):
    dates = pd.date_range("2000-01-01", periods=40, freq=freq)
    assert guess_frequency(dates) == name
    assert find_gaps(dates) == []
