import json

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def anomalies(run, tmp_path, garch_prices, tiny_model):
    returns = np.diff(np.log(garch_prices.to_numpy()), axis=0)
    more = np.vstack([np.zeros((1, returns.shape[1])), returns, returns[::-1]])
    more[1_400, 2] += 0.5
    dates = pd.bdate_range(garch_prices.index[0], periods=len(more), name="date")
    table = pd.DataFrame(100 * np.exp(more.cumsum(0)), index=dates, columns=garch_prices.columns)
    table.to_csv(tmp_path / "prices.csv")

    def run_anomalies(*arguments):
        where = ("--prices", tmp_path / "prices.csv", "--store", tiny_model.store)
        return run("anomalies", tiny_model.reference, *where, *arguments)

    return run_anomalies


def test_anomalies_prints_one_record(anomalies):
    ended = anomalies("--json", "--budget", 3)
    assert ended.code == 0
    record = json.loads(ended.out)
    assert record["kind"] == "anomalies"
    assert record["windows"][0]["assets"][0]["asset"] == "CHARLIE"


def test_anomalies_prints_windows_and_what_to_know_of_them(anomalies):
    ended = anomalies("--window", 10)
    assert ended.code == 0
    assert "CHARLIE" in ended.out
    assert "keeps no critic" in ended.out


def test_a_span_within_training_is_bad_input(anomalies):
    ended = anomalies("--from", "2016-01-04")
    assert (ended.code, ended.out) == (2, "")
    assert "from must lie after 2017-12-29" in ended.err


def test_a_false_discovery_rate_of_one_is_bad_input(anomalies):
    assert anomalies("--fdr", 1).code == 2
